//! The images that a command judges: from the command line and from manifests.

use std::path::PathBuf;

use anyhow::Result;

use super::manifests;
use super::target::Target;

/// Images to judge, and where they would run.
#[derive(Debug, clap::Args)]
pub(super) struct Images {
    /// Images, written as in a Pod
    #[arg(value_name = "IMAGE")]
    images: Vec<String>,
    /// Manifests in YAML or JSON: files, directories, or `-`
    #[arg(short, long, value_name = "FILE|DIR|-")]
    filename: Vec<PathBuf>,
}

impl Images {
    /// Whether neither images nor manifests were given.
    pub(super) fn is_empty(&self) -> bool {
        self.images.is_empty() && self.filename.is_empty()
    }

    /// Calls `visit` with each image, in order; returns how many documents could not be read.
    /// What is wrong with each of them is printed.
    pub(super) fn each(&self, mut visit: impl FnMut(Target) -> Result<()>) -> Result<usize> {
        for image in &self.images {
            visit(Target::of_image(image))?;
        }
        let mut unreadable = 0;
        for path in &self.filename {
            unreadable += manifests::each(path, &mut visit)?;
        }
        Ok(unreadable)
    }
}
