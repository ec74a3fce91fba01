//! Starts a plugin in this workspace: `plugins/NAME` and `fixtures/NAME`.

use std::process::Command;

use anyhow::Result;
use clap::Args as ClapArgs;

use crate::shell::{cargo, run as run_command, target_dir};

#[derive(ClapArgs)]
pub struct Args {
    /// The plugin's name, such as `car-park`.
    name: String,
}

pub fn run(args: &Args) -> Result<()> {
    run_command(cargo().args(["build", "--quiet", "--package", "locum"]))?;
    let mut new = Command::new(target_dir()?.join("debug/locum"));
    run_command(new.args(["plugin", "new", &args.name, "--inside", "."]))?;
    // A long name may need a line more.
    let package = format!("locum-plugin-{}", args.name.replace('_', "-"));
    run_command(cargo().args(["fmt", "--package", &package]))?;
    println!("now give `{package}` a row in crates/README.md and in plugins/README.md");
    Ok(())
}
