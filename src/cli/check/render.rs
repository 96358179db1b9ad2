//! Manifests that the user's own tools make: of a chart with helm, of a kustomization with kustomize
//! or kubectl. Nothing is rendered here.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// What to render, and how.
#[derive(Debug, clap::Args)]
pub(super) struct Rendered {
    /// A chart, rendered with the `helm` that is installed; can be repeated
    #[arg(long, value_name = "CHART")]
    helm: Vec<PathBuf>,
    /// A file of values for the charts; can be repeated
    #[arg(long, value_name = "FILE", requires = "helm")]
    values: Vec<PathBuf>,
    /// A value for the charts, as `helm --set` takes it; can be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "helm")]
    set: Vec<String>,
    /// A kustomization, built with the `kustomize` or `kubectl` that is installed; can be repeated
    #[arg(long, value_name = "DIR")]
    kustomize: Vec<PathBuf>,
}

/// What a tool does.
pub(super) enum Step<'o> {
    /// It writes manifests.
    Output(&'o mut dyn io::Read),
    /// It ends, and not well.
    Failed(String),
}

impl Rendered {
    pub(super) fn is_empty(&self) -> bool {
        self.helm.is_empty() && self.kustomize.is_empty()
    }

    /// Calls `visit` with the output for each chart and kustomization, while it is written, and then
    /// with whether the tool was successful; its own words are on standard error.
    ///
    /// # Errors
    /// Where a tool is not installed.
    pub(super) fn each(&self, mut visit: impl FnMut(&str, Step<'_>)) -> Result<()> {
        for chart in &self.helm {
            let mut helm = Command::new("helm");
            helm.args(["template", "release"]).arg(chart).arg("--include-crds");
            for values in &self.values {
                helm.arg("--values").arg(values);
            }
            for set in &self.set {
                helm.arg("--set").arg(set);
            }
            let Some(child) = spawn(&mut helm)? else {
                bail!(
                    "helm is not installed, and --helm needs it\n  \
                     hint: where it is, run `helm template CHART | imagegate check -f -`"
                );
            };
            read(child, "helm", chart, &mut visit)?;
        }
        for directory in &self.kustomize {
            let (child, name) = build(directory)?;
            read(child, name, directory, &mut visit)?;
        }
        Ok(())
    }
}

/// Starts whichever tool there is that builds a kustomization.
fn build(directory: &Path) -> Result<(Child, &'static str)> {
    if let Some(child) = spawn(Command::new("kustomize").arg("build").arg(directory))? {
        return Ok((child, "kustomize"));
    }
    if let Some(child) = spawn(Command::new("kubectl").arg("kustomize").arg(directory))? {
        return Ok((child, "kubectl"));
    }
    bail!(
        "neither kustomize nor kubectl is installed, and --kustomize needs one of them\n  \
         hint: where one is, run `kustomize build DIR | imagegate check -f -`"
    )
}

/// Starts a tool; `None` where it is not installed.
fn spawn(command: &mut Command) -> Result<Option<Child>> {
    match command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(child) => Ok(Some(child)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let name = command.get_program().display().to_string();
            Err(error).with_context(|| format!("cannot run {name}"))
        }
    }
}

/// Reads what a tool writes. What it has written before it failed is not all there is.
fn read(
    mut child: Child,
    tool: &str,
    of: &Path,
    visit: &mut impl FnMut(&str, Step<'_>),
) -> Result<()> {
    let name = format!("{} ({tool})", of.display());
    let mut output = child.stdout.take().context("a tool without an output")?;
    visit(&name, Step::Output(&mut output));
    drop(output);
    let status = child.wait().with_context(|| format!("cannot wait for {tool}"))?;
    if !status.success() {
        visit(&name, Step::Failed(format!("{tool} cannot render it; what is wrong stands above")));
    }
    Ok(())
}
