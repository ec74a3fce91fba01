//! What a run measures and how long: programs, folders, times.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::disturbances::Disturbances;
use crate::exchange::Exchange;
use crate::instructions::{self, Count};
use crate::processors::Processors;
use crate::{process, tenant};

/// Locum with a listener for metrics, where only instructions are counted.
const WITH_METRICS: &str = "locum-with-metrics";

/// What is measured.
pub(crate) struct Setup {
    /// The `locum` program.
    pub(crate) locum: PathBuf,
    /// The directory of its plugins, beside their lock.
    pub(crate) plugins: PathBuf,
    /// The folder in which `locum`, this program and `plugins` are with symbols, for callgrind.
    pub(crate) symbols: Option<PathBuf>,
    /// The folder in which the Node services are installed.
    pub(crate) peers: Option<PathBuf>,
    /// Where the run writes configs, audit logs and profiles.
    pub(crate) folder: PathBuf,
    pub(crate) processors: Processors,
    /// What was measured again.
    pub(crate) disturbances: Disturbances,
    /// Enough to see that everything runs, too little for figures.
    pub(crate) quick: bool,
}

impl Setup {
    /// How often each thing is measured, in turns with what it is compared with.
    pub(crate) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 9 }
    }

    /// How long each measurement takes.
    pub(crate) fn window(&self) -> Duration {
        Duration::from_millis(if self.quick { 150 } else { 1000 })
    }

    /// How long a service is loaded before it is measured.
    pub(crate) fn warm_up(&self) -> Duration {
        self.window() * 2
    }

    /// The same for a service of Node, which compiles what it runs often.
    pub(crate) fn warm_up_of_node(&self) -> Duration {
        self.warm_up() * 4
    }

    /// Users that send requests in turn.
    pub(crate) fn users(&self, exchange: Exchange) -> usize {
        match (self.quick, exchange.presents_rsa()) {
            (true, true) => 200,
            (true, false) => 2000,
            // Each costs an RSA signature before the run starts.
            (false, true) => 5000,
            (false, false) => 50_000,
        }
    }

    /// `locum serve` with the tenant of the exchanges, its files in a folder of this name.
    pub(crate) fn locum(&self, name: &str) -> Result<Command> {
        Ok(process::locum(&self.locum, &tenant::write(&self.folder.join(name), &self.plugins)?))
    }

    /// Instructions of Locum, without metrics and once with them, and of the ideal, with a profile of each in its folder.
    pub(super) fn count_instructions(&self, exchanges: &[Exchange]) -> Result<Vec<Count>> {
        let symbols = self.symbols.as_deref().context("instructions need programs with symbols")?;
        let (programs, plugins) = (symbols.join("release"), symbols.join("plugins"));
        let requests = if self.quick { 200 } else { 2000 };
        let count = |name: &str, service: &Command, exchange, folder: &Path| {
            instructions::count(name, service, exchange, requests, &plugins, folder, &self.processors)
        };
        let mut counts = Vec::new();
        for &exchange in exchanges {
            let folder = self.profile_folder("locum", exchange);
            let locum = process::locum(&programs.join("locum"), &tenant::write(&folder, &plugins)?);
            counts.push(count("locum", &locum, exchange, &folder)?);
            if exchange == Exchange::Hs256Hs256 {
                // What the metrics of a request cost.
                let folder = self.profile_folder(WITH_METRICS, exchange);
                let config = tenant::write(&folder, &plugins)?;
                fs::write(
                    &config,
                    format!("metrics_listen = \"127.0.0.1:0\"\n{}", fs::read_to_string(&config)?),
                )?;
                let locum = process::locum(&programs.join("locum"), &config);
                counts.push(count(WITH_METRICS, &locum, exchange, &folder)?);
            }
            let folder = self.profile_folder("ideal", exchange);
            let mut ideal = Command::new(programs.join("locum-bench"));
            ideal.arg("ideal");
            counts.push(count("ideal", &ideal, exchange, &folder)?);
        }
        Ok(counts)
    }

    /// Where the profile of a service is.
    pub(crate) fn profile_folder(&self, service: &str, exchange: Exchange) -> PathBuf {
        self.folder.join("instructions").join(exchange.name()).join(service)
    }
}

/// The kind of machine: processor and number of processors.
pub(crate) fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let processors = cpuinfo.lines().filter(|line| line.starts_with("processor")).count();
    format!("{}, {processors} processors", model.trim_start_matches([' ', '\t', ':']))
}
