//! A running `locum serve` with the demo tenant, stopped when it is dropped.

use std::fs;
use std::io::{BufRead, BufReader};
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
}

impl Server {
    /// Starts it on a port of 127.0.0.1, or on any free one for zero. Its config is written to `target/<name>`.
    pub fn start(built: &Built, name: &str, port: u16) -> Result<Self> {
        let folder = target_dir()?.join(name);
        fs::create_dir_all(&folder)?;
        let config = folder.join("locum.toml");
        let tenant = workspace_root().canonicalize()?.join(TENANT);
        let text = format!(
            "listen = \"127.0.0.1:{port}\"\nplugins_dir = {:?}\ntenants = [{:?}]\naudit = {{ file = \"audit.jsonl\" }}\n",
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
            Some(address) => Ok(Self { address: address.to_owned(), child }),
            None => bail!("`locum serve` did not start: {}", child.wait()?),
        }
    }

    /// Host and port.
    pub fn address(&self) -> &str {
        &self.address
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
