//! Scripted upstreams: they answer by a script, and record what they are asked.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use locum_engine::ports::PortFuture;
use locum_host::{AllowedRequest, UpstreamError, Upstreams};
use tokio::time::Instant;

use crate::exchange::message::UpstreamTranscript;
use crate::fixtures::fixture::{UpstreamExchange, UpstreamOutcome};

/// Upstreams that answer by a script, which is replaced for each request of a case.
#[derive(Default)]
pub(crate) struct ScriptedUpstreams(Mutex<State>);

#[derive(Default)]
struct State {
    script: VecDeque<UpstreamExchange>,
    /// Whether exchanges are left out whose method or URL is not that of the request.
    by_fit: bool,
    exchanges: Vec<UpstreamTranscript>,
}

impl ScriptedUpstreams {
    /// Starts this script.
    pub(crate) fn start(&self, script: Vec<UpstreamExchange>) {
        *self.state() = State { script: script.into(), ..State::default() };
    }

    /// Starts a script of which a request may leave out exchanges: those before the first one with its method and URL. If
    /// none has them, it gets the next.
    pub(crate) fn start_by_fit(&self, script: Vec<UpstreamExchange>) {
        *self.state() = State { script: script.into(), by_fit: true, ..State::default() };
    }

    /// The requests since the start of the script.
    pub(crate) fn requests(&self) -> Vec<UpstreamRequest> {
        self.state().exchanges.iter().map(|exchange| exchange.request.clone()).collect()
    }

    /// The exchanges since the start of the script.
    pub(crate) fn exchanges(&self) -> Vec<UpstreamTranscript> {
        self.state().exchanges.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstreams for ScriptedUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        _: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        let mut state = self.state();
        if state.by_fit
            && let Some(first) = state.script.iter().position(|exchange| exchange.is_for(&request))
        {
            state.script.drain(..first);
        }
        let answer = state.answer();
        let reply = answer.clone().map_err(|error| error.to_string());
        state.exchanges.push(UpstreamTranscript { reply, ..UpstreamTranscript::of(&request) });
        Box::pin(std::future::ready(answer))
    }
}

impl State {
    fn answer(&mut self) -> Result<UpstreamReply, UpstreamError> {
        let Some(exchange) = self.script.pop_front() else {
            return Err(UpstreamError::Unreachable("the script has no further exchange".to_owned()));
        };
        outcome_of(exchange)
    }
}

/// What an exchange answers.
pub(crate) fn outcome_of(exchange: UpstreamExchange) -> Result<UpstreamReply, UpstreamError> {
    match exchange.outcome {
        Some(UpstreamOutcome::Reply { status, headers, body }) => {
            let mut reply = UpstreamReply::new(status, body);
            reply.headers = headers.into_iter().collect();
            Ok(reply)
        }
        Some(UpstreamOutcome::BinaryReply { status, headers, body_base64 }) => {
            let mut reply = UpstreamReply::of_bytes(status, body_base64.into_bytes());
            reply.headers = headers.into_iter().collect();
            Ok(reply)
        }
        Some(UpstreamOutcome::Refused(why) | UpstreamOutcome::Unusable(why)) => {
            Err(UpstreamError::Unreachable(why))
        }
        Some(UpstreamOutcome::TimedOut(_)) => Err(UpstreamError::TimedOut),
        // Loading the fixtures checks that every exchange has an outcome.
        None => Err(UpstreamError::Unreachable("the exchange states no outcome".to_owned())),
    }
}
