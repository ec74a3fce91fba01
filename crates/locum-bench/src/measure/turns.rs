//! Services that are compared take turns. A shared machine is not equally fast from one second to the next, so turns are
//! short, and a figure is that of several.

use std::time::Duration;

use anyhow::Result;

use crate::load::{Arrivals, Load, Outcome};
use crate::measure::Setup;
use crate::process::Service;

/// Turns of each service in a round.
pub(super) const TURNS: u32 = 5;

/// What a service did in its turns of a round.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) outcome: Outcome,
    cpu_time: Duration,
}

impl Sample {
    /// One turn more.
    pub(super) fn add_turn(&mut self, setup: &Setup, service: &Service, load: &mut Load<'_>) -> Result<()> {
        let (outcome, cpu_time) = setup.disturbances.undisturbed(|| {
            let before = service.cpu_time()?;
            let outcome = load.run_for(Arrivals::Closed, setup.window() / TURNS)?;
            Ok((outcome, service.cpu_time()?.saturating_sub(before)))
        })?;
        self.outcome.add_next(&outcome);
        self.cpu_time += cpu_time;
        Ok(())
    }

    /// CPU time per request, in µs.
    pub(super) fn cpu_us(&self) -> f64 {
        self.cpu_time.as_secs_f64() * 1e6 / self.outcome.responses().max(1) as f64
    }
}

/// A round: each service with its load in turn, and what else is measured after each of them, so often that all see the same
/// machine.
pub(super) fn round<'s, 'l, 'r: 'l>(
    setup: &Setup,
    services: impl IntoIterator<Item = (&'s Service, &'l mut Load<'r>)>,
    mut also: impl FnMut() -> Result<()>,
) -> Result<Vec<Sample>> {
    let mut services: Vec<_> =
        services.into_iter().map(|(service, load)| (service, load, Sample::default())).collect();
    for _ in 0..TURNS {
        for (service, load, sample) in &mut services {
            sample.add_turn(setup, service, load)?;
        }
        also()?;
    }
    Ok(services.into_iter().map(|(_, _, sample)| sample).collect())
}
