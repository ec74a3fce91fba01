//! A running `locum serve` with the demo tenant, stopped when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::build::Built;
use crate::shell::{target_dir, workspace_root};

/// The demo tenant.
pub const TENANT: &str = "fixtures/demo/tenant.yaml";

/// What `locum serve` prints once it listens, before its address.
const LISTENING: &str = "listening on http://";

pub struct Server {
    child: Child,
    address: String,
    metrics: Option<String>,
}

impl Server {
    /// Starts it on a port of 127.0.0.1, or on any free one for zero. Its config is written to `target/<name>`.
    pub fn start(built: &Built, name: &str, port: u16) -> Result<Self> {
        Self::start_with(built, name, port, None)
    }

    /// Starts it on free ports of 127.0.0.1, one of them for metrics.
    pub fn start_with_metrics(built: &Built, name: &str) -> Result<Self> {
        // It is free again at once, and the system gives other ports first.
        let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::start_with(built, name, 0, Some(free.to_string()))
    }

    fn start_with(built: &Built, name: &str, port: u16, metrics: Option<String>) -> Result<Self> {
        let folder = target_dir()?.join(name);
        fs::create_dir_all(&folder)?;
        let config = folder.join("locum.toml");
        let tenant = workspace_root().canonicalize()?.join(TENANT);
        let metrics_listen =
            metrics.as_ref().map(|address| format!("metrics_listen = {address:?}\n")).unwrap_or_default();
        let text = format!(
            "{metrics_listen}listen = \"127.0.0.1:{port}\"\nstate = \"state.db\"\nplugins_dir = {:?}\ntenants = [{:?}]\naudit = {{ file = \"audit.jsonl\" }}\n",
            built.plugins_dir, tenant
        );
        fs::write(&config, text)?;
        let mut child = Command::new(&built.locum)
            .args(["serve", "--config"])
            .arg(&config)
            .env("LOCUM_LOG", "warn")
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start `locum serve`")?;
        let mut said = String::new();
        let stdout = child.stdout.take().context("`locum serve` has no standard output")?;
        BufReader::new(stdout).read_line(&mut said)?;
        match said.trim().strip_prefix(LISTENING) {
            Some(address) => Ok(Self { address: address.to_owned(), child, metrics }),
            None => bail!("`locum serve` did not start: {}", child.wait()?),
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Host and port of the metrics, if they are served.
    pub fn metrics(&self) -> Option<&str> {
        self.metrics.as_deref()
    }

    /// Waits until it is stopped.
    pub fn wait(mut self) -> Result<()> {
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it has already stopped.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
