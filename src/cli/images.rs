//! The images that a command judges: from the command line and from manifests.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::located;
use super::manifests::{self, Inputs, Selection};
use imagegate_check::{Problem, Target, Visitor};
use imagegate_core::image::is_path;
use imagegate_core::manifest::Position;
use imagegate_core::policy::{Reading, Workloads, printable};

/// Images to judge, and where they would run.
#[derive(Debug, clap::Args)]
pub(super) struct Images {
    /// Images, written as in a Pod
    #[arg(value_name = "IMAGE")]
    named: Vec<String>,
    /// Manifests in YAML or JSON: files, directories, or `-`
    #[arg(short, long, value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
    #[command(flatten)]
    selection: Selection,
}

impl Images {
    /// Whether neither images nor manifests were given.
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty() && self.filename.is_empty()
    }

    /// Refuses paths in place of images: whoever forgot `-f` wants no verdict on the name of a file.
    ///
    /// # Errors
    /// Names the first path.
    pub(super) fn refuse_paths(&self) -> Result<()> {
        self.named.iter().try_for_each(|image| {
            let path = printable(image);
            refuse_path(image, &format!("read manifests with -f {path}"))
        })
    }

    /// Calls `visit` with each image, in order; returns how many problems there were. What is wrong
    /// with each of them is printed. The pod specs of `workloads` are read where those say.
    pub(super) fn each(
        &self,
        workloads: &Workloads,
        visit: impl FnMut(Target) -> Result<()>,
    ) -> Result<usize> {
        let mut each = Each { workloads, visit, file: String::new(), problems: 0, failed: None };
        for image in &self.named {
            each.image(Target::of_image(image));
        }
        let mut found = Inputs::default();
        for path in &self.filename {
            self.selection.inputs(path, &mut found)?;
        }
        for (path, why) in &found.problems {
            each.file = path.display().to_string();
            each.say(None, why, None);
        }
        for input in &found.files {
            each.file = input.name();
            manifests::read(input, &mut each);
            if let Some(error) = each.failed.take() {
                return Err(error);
            }
        }
        Ok(each.problems)
    }

    /// The images that stand on the command line.
    pub(super) fn named(&self) -> &[String] {
        &self.named
    }

    /// The files, directories and streams that were named.
    pub(super) fn paths(&self) -> &[PathBuf] {
        &self.filename
    }

    /// Which files of a directory are read.
    pub(super) fn selection(&self) -> &Selection {
        &self.selection
    }
}

/// Refuses a path in place of an image.
pub(super) fn refuse_path(image: &str, hint: &str) -> Result<()> {
    if is_path(image, |path| Path::new(path).is_file()) {
        bail!("`{}` is a path, not an image\n  hint: {hint}", printable(image));
    }
    Ok(())
}

/// Visits images, and prints what cannot be read.
struct Each<'w, V> {
    workloads: &'w Workloads,
    visit: V,
    file: String,
    problems: usize,
    failed: Option<anyhow::Error>,
}

impl<V> Each<'_, V> {
    fn say(&mut self, position: Option<Position>, message: &str, hint: Option<&str>) {
        self.problems += 1;
        let place = position.filter(|at| at.line > 0).map(|at| (at.line.into(), at.column.into()));
        super::say(&located::at(&self.file, place, message));
        if let Some(hint) = hint {
            super::say(&format!("  hint: {hint}"));
        }
    }
}

impl<V: FnMut(Target) -> Result<()>> Visitor for Each<'_, V> {
    fn reading(&self) -> Reading<'_> {
        Reading { workloads: self.workloads, ..Reading::default() }
    }

    fn image(&mut self, target: Target) {
        if self.failed.is_none() {
            self.failed = (self.visit)(target).err();
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.say(Some(problem.position), &problem.message, problem.hint);
    }
}
