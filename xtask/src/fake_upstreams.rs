//! The stub upstreams of the demo tenant: strict stand-ins for STS, SAP and Salesforce on third-party parsers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::verifiers::{self, JUDGES};

/// What they print once they listen.
const STARTED: &str = "stub upstreams on ";

/// Running stubs, stopped when this is dropped.
pub struct Stubs(Child);

impl Stubs {
    /// Starts them where the demo tenant expects them.
    pub fn start() -> Result<Self> {
        let python = verifiers::python()?;
        eprintln!("$ python {JUDGES}/fake_upstreams.py --keys fixtures/keys");
        let mut child = Command::new(python)
            .arg(format!("{JUDGES}/fake_upstreams.py"))
            .args(["--keys", "fixtures/keys"])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the stub upstreams")?;
        let mut said = String::new();
        let stdout = child.stdout.take().context("the stub upstreams have no standard output")?;
        BufReader::new(stdout).read_line(&mut said)?;
        if !said.starts_with(STARTED) {
            bail!("the stub upstreams did not start: {}", child.wait()?);
        }
        Ok(Self(child))
    }
}

impl Drop for Stubs {
    fn drop(&mut self) {
        // Both fail only if they have stopped by themselves.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
