//! A service that is measured: a process, its address, and what the system counted for it.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::param::clock_ticks_per_second;

/// What a service prints once it listens, before its address.
pub(crate) const LISTENING: &str = "listening on http://";

/// `locum serve` with a config.
pub(crate) fn locum(program: &Path, config: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["serve", "--config"]).arg(config);
    command
}

/// A service of this program, by its subcommand.
pub(crate) fn own(service: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(service);
    Ok(command)
}

/// A running service. It is stopped when it is dropped.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
}

impl Service {
    /// Starts it and waits until it listens.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let mut child = command
            .env("LOCUM_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let stdout = child.stdout.take().context("the service has no standard output")?;
        for line in BufReader::new(stdout).lines() {
            if let Some(address) = line?.trim().strip_prefix(LISTENING) {
                let address = address.parse().with_context(|| format!("{address} is not an address"))?;
                return Ok(Self { child, address });
            }
        }
        bail!("the service did not start: {}", child.wait()?)
    }

    /// Waits until it has stopped by itself.
    pub(crate) fn wait(mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time of its threads, in user and system mode, to the nanosecond. Threads that have ended are not counted.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        let mut ns = 0;
        for thread in fs::read_dir(format!("/proc/{}/task", self.id()))? {
            // Of a thread that has just ended nothing can be read.
            let Ok(text) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
            let on_cpu = text.split(' ').next().and_then(|field| field.parse::<u64>().ok());
            ns += on_cpu.context("the kernel counts no time of threads: it has no schedstat")?;
        }
        Ok(Duration::from_nanos(ns))
    }

    /// The CPU time of all threads since the start, in steps of some milliseconds.
    pub(crate) fn cpu_time_since_start(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id()))?;
        // Behind the name, which is in parentheses and can hold anything: utime is field 14, stime field 15.
        let fields = stat.rsplit_once(')').map(|(_, fields)| fields.split_whitespace()).into_iter().flatten();
        let ticks: Vec<u64> = fields.skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
        let ticks = ticks.iter().sum::<u64>() as f64;
        Ok(Duration::from_secs_f64(ticks / clock_ticks_per_second() as f64))
    }

    /// The resident memory, in bytes.
    pub(crate) fn resident_bytes(&self) -> Result<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.split_whitespace().next()).context("there is no VmRSS")?;
        Ok(kib.parse::<u64>()? * 1024)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // Both fail only if it has already stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
