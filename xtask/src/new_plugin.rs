//! Starts a plugin in this workspace: `plugins/NAME` and `fixtures/NAME`.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command, target_dir, workspace_root};

#[derive(ClapArgs)]
pub struct Args {
    /// The plugin's name, such as `car-park`.
    name: String,
}

pub fn run(args: &Args) -> Result<()> {
    run_command(cargo().args(["build", "--quiet", "--package", "locum"]))?;
    create(&target_dir()?.join("debug/locum"), workspace_root(), &args.name)
}

/// Starts a plugin in the checkout at `root`, with a built `locum`.
pub fn create(locum: &Path, root: &Path, name: &str) -> Result<()> {
    run_command(Command::new(locum).args(["plugin", "new", name, "--workspace", "."]).current_dir(root))?;
    // A long name may need another line break than the template has.
    let package = format!("locum-plugin-{}", name.replace('_', "-"));
    run_command(cargo().args(["fmt", "--package", &package]).current_dir(root))
}
