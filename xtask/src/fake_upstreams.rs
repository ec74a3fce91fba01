//! The fake upstreams of the demo tenant: strict test doubles for AWS, Entra, GitHub, Google Cloud, SAP and Salesforce on third-party parsers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::verifiers::{self, FOLDER};

/// The start of the line that they print once they listen.
const STARTED: &str = "fake upstreams on ";

/// The running process, stopped when this is dropped.
pub struct FakeUpstreams(Child);

impl FakeUpstreams {
    /// Starts them on the port that the demo tenant's settings name.
    pub fn start() -> Result<Self> {
        let python = verifiers::python()?;
        eprintln!("$ python {FOLDER}/fake_upstreams.py --keys fixtures/keys");
        let mut child = Command::new(python)
            .arg(format!("{FOLDER}/fake_upstreams.py"))
            .args(["--keys", "fixtures/keys"])
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the fake upstreams")?;
        let mut first_line = String::new();
        let stdout = child.stdout.take().context("the fake upstreams have no standard output")?;
        BufReader::new(stdout).read_line(&mut first_line)?;
        if !first_line.starts_with(STARTED) {
            bail!("the fake upstreams did not start: {}", child.wait()?);
        }
        Ok(Self(child))
    }
}

impl Drop for FakeUpstreams {
    fn drop(&mut self) {
        // Both fail only if the process has already stopped.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
