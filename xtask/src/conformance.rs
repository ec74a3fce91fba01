//! Judges the plugins of this workspace by the conformance suite.

use std::process::Command;

use anyhow::{Result, bail};
use clap::Args as ClapArgs;

use crate::build::{self, build};
use crate::shell::{run as run_command, target_dir};

#[derive(ClapArgs)]
pub struct Args {
    /// Only this plugin, such as `firebase`.
    name: Option<String>,
}

impl Args {
    /// Every plugin.
    pub fn all() -> Self {
        Self { name: None }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let built = build(build::Args { release: false })?;
    let reports = target_dir()?.join("conformance");
    let wanted = args.name.as_ref().map(|name| format!("liblocum_issuer_{name}.so"));
    let chosen: Vec<_> = built
        .plugins
        .iter()
        .filter(|plugin| wanted.as_ref().is_none_or(|wanted| plugin.ends_with(wanted)))
        .collect();
    if chosen.is_empty() {
        bail!("no plugin of that name; they stand in plugins/");
    }
    let mut failed = Vec::new();
    for plugin in chosen {
        let name = plugin.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut conformance = Command::new(&built.locum);
        conformance.arg("conformance").arg(plugin).arg("--report-dir").arg(reports.join(&name));
        if let Err(error) = run_command(&mut conformance) {
            eprintln!("{error}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("not conformant: {}", failed.join(", ")) }
}
