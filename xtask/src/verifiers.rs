//! The external verifiers: installs what they need, starts a server with the demo tenant, and runs them against it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::build::Built;
use crate::server::Server;
use crate::shell::{has, run as run_command, target_dir, workspace_root};

/// The folder of their programs, from the workspace's root.
pub const FOLDER: &str = "conformance/verifiers";

/// Tests the verifiers themselves, then runs them against a server with the demo tenant.
pub fn run(built: &Built) -> Result<()> {
    let missing: Vec<&str> = ["python3", "node", "npm"].into_iter().filter(|program| !has(program)).collect();
    if !missing.is_empty() {
        println!("NOT RUN: the external verifiers; install {} to run them", missing.join(", "));
        return Ok(());
    }
    let output = target_dir()?.join("verifiers");
    let python = python()?;
    let modules = node_modules(&workspace_root().join(FOLDER), &output.join("node"))?;
    let verify = |arguments: &[&str]| {
        let mut verify = Command::new(&python);
        verify.arg(format!("{FOLDER}/verify.py")).arg("--node-modules").arg(&modules).args(arguments);
        run_command(&mut verify)
    };
    verify(&["--self-test"])?;
    let server = Server::start(built, "verifiers", 0)?;
    let base_url = format!("http://{}", server.address());
    let report = output.join("verifiers.json");
    let report = report.to_str().context("the target directory's name is not UTF-8")?;
    verify(&["--base-url", &base_url, "--keys", "fixtures/keys", "--strict", "--report", report])?;
    leaving_auth0(built, &python, &modules, &output)?;
    monitoring(built, &python, &output)?;
    management(built, &python, &modules, &output)?;
    suite(built, &python, &modules, &output)
}

/// Runs the conformance suite's profile for any authorization server against one of another project.
fn suite(built: &Built, python: &Path, modules: &Path, output: &Path) -> Result<()> {
    let mut verify = Command::new(python);
    verify.arg(format!("{FOLDER}/verify_suite.py")).arg("--locum").arg(&built.locum);
    verify.arg("--node-modules").arg(modules).arg("--report").arg(output.join("suite.json"));
    run_command(&mut verify)
}

/// Follows the page that leads away from Auth0, with Auth0's own deploy CLI.
fn leaving_auth0(built: &Built, python: &Path, modules: &Path, output: &Path) -> Result<()> {
    if !has("curl") {
        println!("NOT RUN: the verifiers of leaving Auth0; install curl to run them");
        return Ok(());
    }
    let verify = |arguments: &[&str]| {
        let mut verify = Command::new(python);
        verify.arg(format!("{FOLDER}/verify_leaving_auth0.py")).arg("--locum").arg(&built.locum);
        verify.arg("--plugins").arg(&built.plugins_dir).arg("--node-modules").arg(modules);
        run_command(verify.args(["--page", "docs/leaving-auth0.md", "--strict"]).args(arguments))
    };
    verify(&["--self-test"])?;
    let report = output.join("leaving-auth0.json");
    verify(&["--report", report.to_str().context("the target directory's name is not UTF-8")?])
}

/// Lets Prometheus scrape another server, and compares its counts with what was sent.
fn monitoring(built: &Built, python: &Path, output: &Path) -> Result<()> {
    if !has("promtool") || !has("prometheus") {
        println!("NOT RUN: the verifiers of the metrics; install the Debian package prometheus to run them");
        return Ok(());
    }
    let server = Server::start_with_metrics(built, "verifiers-monitoring")?;
    let metrics = server.metrics().context("the server serves no metrics")?;
    let mut verify = Command::new(python);
    verify.arg(format!("{FOLDER}/verify_monitoring.py")).args([
        "--base-url",
        &format!("http://{}", server.address()),
        "--metrics-url",
        &format!("http://{metrics}"),
        "--folder",
        "docs/monitoring",
        "--strict",
        "--report",
    ]);
    run_command(verify.arg(output.join("monitoring.json")))
}

/// Lets Auth0's own tools, and schemathesis, use the Management API of a server whose tenant is in a database.
fn management(built: &Built, python: &Path, modules: &Path, output: &Path) -> Result<()> {
    // It needs many packages, at versions that it chooses.
    let described = python_with(&output.join("management-venv"), "management-requirements.txt")?;
    let verify = |arguments: &[&str]| {
        let mut verify = Command::new(python);
        verify.arg(format!("{FOLDER}/verify_management.py")).arg("--locum").arg(&built.locum);
        verify.arg("--plugins").arg(&built.plugins_dir).arg("--fixtures").arg("fixtures");
        verify.arg("--node-modules").arg(modules);
        verify.arg("--schemathesis").arg(described.with_file_name("schemathesis"));
        run_command(verify.arg("--strict").args(arguments))
    };
    verify(&["--self-test"])?;
    let report = output.join("management");
    verify(&["--report", report.to_str().context("the target directory's name is not UTF-8")?])
}

/// A Python with the packages that the verifiers and the fake upstreams need.
pub fn python() -> Result<PathBuf> {
    python_with(&target_dir()?.join("verifiers/venv"), "requirements.txt")
}

/// A Python with the packages that a file beside the verifiers names.
fn python_with(venv: &Path, requirements: &str) -> Result<PathBuf> {
    let python = venv.join("bin/python");
    let requirements = workspace_root().join(FOLDER).join(requirements);
    install_if_changed(venv, std::slice::from_ref(&requirements), || {
        run_command(Command::new("python3").args(["-m", "venv", "--clear"]).arg(venv))?;
        let mut install = Command::new(&python);
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run_command(install.arg(&requirements))
    })?;
    Ok(python)
}

/// Installs, into a folder, what the `package.json` in another names.
pub fn node_modules(from: &Path, folder: &Path) -> Result<PathBuf> {
    let files = ["package.json", "package-lock.json"].map(|file| from.join(file));
    install_if_changed(folder, &files, || {
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

/// Installs unless the folder was installed from files of the same content, a copy of which is kept in it.
fn install_if_changed(folder: &Path, files: &[PathBuf], install: impl FnOnce() -> Result<()>) -> Result<()> {
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
