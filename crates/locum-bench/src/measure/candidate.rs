//! A service whose CPU time is measured.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::exchange::Exchange;
use crate::measure::Setup;
use crate::process::Service;

pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) service: Service,
    /// Whether it is a token endpoint, which takes forms.
    pub(super) takes_forms: bool,
    /// How long it is loaded before it is measured.
    pub(super) warm_up: Duration,
    /// The exchanges that it makes.
    pub(super) serves: fn(Exchange) -> bool,
}

impl Candidate {
    /// Starts one that makes every exchange at `/delegation`.
    pub(super) fn start(setup: &Setup, name: &str, command: &mut Command) -> Result<Self> {
        let service = setup.processors.start(command)?;
        let (name, warm_up) = (name.to_owned(), setup.warm_up());
        Ok(Self { name, service, takes_forms: false, warm_up, serves: |_| true })
    }
}
