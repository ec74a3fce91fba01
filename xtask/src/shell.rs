//! Programs that xtask runs: shown before they run, and an error when they fail.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The workspace's root.
pub fn workspace_root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Where cargo builds, as an absolute path.
pub fn target_dir() -> Result<PathBuf> {
    Ok(Workspace::load(workspace_root())?.target)
}

/// The cargo that runs xtask.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs it with its output shown.
pub fn run(command: &mut Command) -> Result<()> {
    let line = line(command);
    eprintln!("$ {line}");
    let status = command.status().with_context(|| format!("cannot start `{line}`"))?;
    if !status.success() {
        bail!("`{line}` failed: {status}");
    }
    Ok(())
}

/// Runs it and keeps its output.
pub fn capture(command: &mut Command) -> Result<Output> {
    let line = line(command);
    let output = command.output().with_context(|| format!("cannot start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(output)
}

/// Whether a program can be started.
pub fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

/// The number of commits, by which samples take turns.
pub fn commits() -> Result<u32> {
    let count = capture(Command::new("git").args(["rev-list", "--count", "HEAD"]))?.stdout;
    String::from_utf8_lossy(&count).trim().parse().context("git counts no commits")
}

/// The command as a person would type it, with paths below the workspace made short.
fn line(command: &Command) -> String {
    let root = workspace_root().canonicalize().unwrap_or_default();
    let shorten = |word: &OsStr| word.to_string_lossy().replace(&format!("{}/", root.display()), "");
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    std::iter::once(shorten(program)).chain(command.get_args().map(shorten)).collect::<Vec<_>>().join(" ")
}
