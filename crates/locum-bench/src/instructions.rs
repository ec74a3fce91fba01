//! Instructions per request, counted by callgrind in the running service.
//!
//! Unlike times they are the same on a busy machine. Valgrind shows the service a processor without AVX-512 and SHA
//! extensions, so what the cryptography costs is counted apart.

mod callgrind;
mod profile;
mod symbols;

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use crate::exchange::Exchange;
use crate::load::Load;
use crate::process::Service;
use crate::processors::Processors;
use crate::requests::Requests;
use callgrind::Profile;
use symbols::Symbols;

/// Enough that the service is never idle, for what idling costs is not what a request costs.
const CONNECTIONS: usize = 16;
const WARM_UP: usize = 500;
/// Under valgrind a busy machine may let a signature wait for so long that it is refused. Then all is counted again.
const ATTEMPTS: usize = 3;
/// Functions that a listing shows.
const LISTED: usize = 45;

/// What one request costs on average.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Count {
    /// Which service.
    pub(crate) service: String,
    pub(crate) exchange: Exchange,
    /// All instructions of the process in user mode.
    pub(crate) instructions: u64,
    /// Without the inner loops of the cryptography.
    pub(crate) without_kernels: u64,
}

/// Counts the instructions of `requests` requests to a service. Writes a listing of its functions into the folder.
pub(crate) fn count(
    name: &str,
    service: &Command,
    exchange: Exchange,
    requests: usize,
    plugins: &Path,
    folder: &Path,
    processors: &Processors,
) -> Result<Count> {
    fs::create_dir_all(folder)?;
    let mut attempt = 1;
    let profile = loop {
        match profile(service, exchange, requests, plugins, folder, processors) {
            Err(_) if attempt < ATTEMPTS => attempt += 1,
            ended => break ended?,
        }
    };
    let listing = profile::listing(&profile, requests as u64, LISTED);
    fs::write(folder.join("profile.txt"), &listing)?;
    let per_request = |instructions: u64| instructions / requests as u64;
    Ok(Count {
        service: name.to_owned(),
        exchange,
        instructions: per_request(profile.total()),
        without_kernels: per_request(profile.total() - profile::kernels(&profile)),
    })
}

/// Runs the requests in the service below callgrind.
fn profile(
    service: &Command,
    exchange: Exchange,
    requests: usize,
    plugins: &Path,
    folder: &Path,
    processors: &Processors,
) -> Result<Profile> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("callgrind.out")) {
            fs::remove_file(path)?;
        }
    }
    let service = processors.start(&mut under_callgrind(service, folder)).context("valgrind is needed")?;
    let prepared = Requests::of_users(exchange, 0, WARM_UP + requests)?;
    // Under valgrind a signature takes fifty times as long: of several at once, Locum would refuse those that wait.
    let connections = if exchange.signs_rsa() { 1 } else { CONNECTIONS };
    let mut load = Load::connect(service.address(), &prepared, connections, 1)?;
    monitor(&service, &["instrumentation", "on"])?;
    run(&mut load, WARM_UP)?;
    monitor(&service, &["zero"])?;
    run(&mut load, requests)?;
    monitor(&service, &["dump"])?;
    let symbols = Symbols::of(service.id(), plugins)?;
    drop(service);
    let named = |address: &str| symbols.name(address).map(|name| format!("{}{name}", profile::IN_PLUGIN));
    Profile::read(&newest_dump(folder)?, named)
}

fn run(load: &mut Load<'_>, requests: usize) -> Result<()> {
    let outcome = load.run_requests(requests)?;
    ensure!(
        outcome.successes() == requests as u64,
        "not every request got a credential: {:?}",
        outcome.statuses
    );
    Ok(())
}

/// The same command below callgrind, which counts nothing until it is told to.
fn under_callgrind(service: &Command, folder: &Path) -> Command {
    let mut valgrind = Command::new("valgrind");
    let mut file = std::ffi::OsString::from("--callgrind-out-file=");
    file.push(folder.join("callgrind.out"));
    valgrind.args(["--quiet", "--tool=callgrind", "--instr-atstart=no"]).arg(file);
    // Threads take turns fairly; otherwise the one that waits for the lock least is served most.
    valgrind.arg("--fair-sched=try");
    valgrind.arg(service.get_program()).args(service.get_args());
    valgrind
}

/// Gives callgrind an order.
fn monitor(service: &Service, order: &[&str]) -> Result<()> {
    let output = Command::new("vgdb").arg(format!("--pid={}", service.id())).args(order).output()?;
    if !output.status.success() {
        bail!("`vgdb {}` failed: {}", order.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// Dumps are numbered from one.
fn newest_dump(folder: &Path) -> Result<std::path::PathBuf> {
    let path = folder.join("callgrind.out.1");
    ensure!(path.exists(), "callgrind wrote no {}", path.display());
    Ok(path)
}
