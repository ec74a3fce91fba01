//! The outside judges: brings what they need, starts a server for them, and lets them judge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Built;
use crate::server::Server;
use crate::shell::{has, run as run_command, target_dir, workspace_root};

/// Where their programs stand.
pub const JUDGES: &str = "conformance/verifiers";

/// Judges a server with the demo tenant, after the judges have judged themselves.
pub fn judge(built: &Built) -> Result<()> {
    let missing: Vec<&str> = ["python3", "node", "npm"].into_iter().filter(|program| !has(program)).collect();
    if !missing.is_empty() {
        println!("NOT RUN: the outside judges; install {} to run them", missing.join(", "));
        return Ok(());
    }
    let folder = target_dir()?.join("verifiers");
    let python = python()?;
    let modules = node_modules(&folder.join("node"))?;
    let judge = |arguments: &[&str]| {
        let mut judge = Command::new(&python);
        judge.arg(format!("{JUDGES}/verify.py")).arg("--node-modules").arg(&modules).args(arguments);
        run_command(&mut judge)
    };
    judge(&["--self-test"])?;
    let server = Server::start(built, "judges", 0)?;
    let base_url = format!("http://{}", server.address());
    let report = folder.join("judges.json");
    let report = report.to_str().context("the target directory's name is not UTF-8")?;
    judge(&["--base-url", &base_url, "--keys", "fixtures/keys", "--strict", "--report", report])
}

/// A Python with what the judges and the stub upstreams need.
pub fn python() -> Result<PathBuf> {
    let venv = &target_dir()?.join("verifiers/venv");
    let python = venv.join("bin/python");
    let requirements = workspace_root().join(JUDGES).join("requirements.txt");
    fresh(venv, std::slice::from_ref(&requirements), || {
        run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run_command(install.arg(&requirements))
    })?;
    Ok(python)
}

fn node_modules(folder: &Path) -> Result<PathBuf> {
    let judges = workspace_root().join(JUDGES);
    let files = ["package.json", "package-lock.json"].map(|file| judges.join(file));
    fresh(folder, &files, || {
        fs::create_dir_all(folder)?;
        for file in &files {
            fs::copy(file, folder.join(file.file_name().context("a file has a name")?))?;
        }
        let mut install = Command::new("npm");
        install.args([
            "ci",
            "--ignore-scripts",
            "--omit=optional",
            "--no-audit",
            "--no-fund",
            "--silent",
            "--prefix",
        ]);
        run_command(install.arg(folder))
    })?;
    Ok(folder.join("node_modules"))
}

/// Installs unless the same files were installed before: their texts are kept beside what they led to.
fn fresh(folder: &Path, files: &[PathBuf], install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mut wanted = String::new();
    for file in files {
        wanted.push_str(&fs::read_to_string(file)?);
    }
    let stamp = folder.join("installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    install()?;
    Ok(fs::write(stamp, wanted)?)
}
