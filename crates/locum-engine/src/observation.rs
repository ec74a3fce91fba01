//! Tells the observer, if there is one, how long each step of a request took and how the request ended.

use std::sync::Arc;

use crate::credential::Issued;
use crate::observer::{Endpoint, Observer, Outcome, Step};
use crate::refusal::Refusal;

/// A request that is being observed, or not.
pub(crate) struct Observation<'a>(Option<Running<'a>>);

struct Running<'a> {
    observer: &'a dyn Observer,
    step: Step,
    since_nanos: u64,
}

impl<'a> Observation<'a> {
    /// Begins with the first step.
    pub(crate) fn begin(observer: Option<&'a Arc<dyn Observer>>) -> Self {
        Self(observer.map(|observer| Running {
            observer: &**observer,
            step: Step::Authenticate,
            since_nanos: observer.now_nanos(),
        }))
    }

    /// Ends the step that runs, and begins the next one.
    pub(crate) fn enter(&mut self, step: Step) {
        if let Some(running) = &mut self.0 {
            let now = running.observer.now_nanos();
            running.observer.step_ended(running.step, now.saturating_sub(running.since_nanos));
            (running.step, running.since_nanos) = (step, now);
        }
    }

    /// The observer's number for this api_type.
    pub(crate) fn api_type(&self, name: Option<&str>) -> usize {
        self.0.as_ref().map_or(0, |running| running.observer.api_type(name))
    }

    /// Ends the step that runs, and the request.
    pub(crate) fn end(mut self, endpoint: Endpoint, api_type: usize, outcome: Outcome) {
        self.enter(Step::Audit);
        if let Some(Running { observer, .. }) = self.0 {
            observer.request_ended(endpoint, api_type, outcome);
        }
    }
}

/// A request that was refused before any step.
pub(crate) fn refused(observer: Option<&Arc<dyn Observer>>, endpoint: Endpoint, refusal: &Refusal) {
    if let Some(observer) = observer {
        observer.request_ended(endpoint, observer.api_type(None), refusal.into());
    }
}

/// How a delegation ended.
pub(crate) fn delegation_outcome(outcome: Result<&Issued, &Refusal>) -> Outcome {
    match outcome {
        Ok(issued) if issued.reused => Outcome::Reused,
        Ok(_) => Outcome::Issued,
        Err(refusal) => refusal.into(),
    }
}

/// How a revocation ended.
pub(crate) fn revocation_outcome(outcome: &Result<(), Refusal>) -> Outcome {
    outcome.as_ref().map_or_else(Outcome::from, |()| Outcome::Revoked)
}
