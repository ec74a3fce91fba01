//! Scripted upstreams: they answer by a script, and record what they are asked.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use locum_engine::ports::PortFuture;
use locum_host::{AllowedRequest, UpstreamError, Upstreams};
use tokio::time::Instant;

use crate::exchange::message::UpstreamTranscript;
use crate::fixtures::fixture::{UpstreamExchange, UpstreamOutcome};

/// The exchanges of one request, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    exchanges: VecDeque<UpstreamExchange>,
    /// Whether a request leaves out the exchanges before the first one with its method and URL.
    by_fit: bool,
}

impl Script {
    /// Every exchange is made.
    pub(crate) fn whole(exchanges: Vec<UpstreamExchange>) -> Self {
        Self { exchanges: exchanges.into(), by_fit: false }
    }

    /// A request may leave out exchanges: those before the first one with its method and URL. If none has them, it gets the
    /// next.
    pub(crate) fn by_fit(exchanges: Vec<UpstreamExchange>) -> Self {
        Self { exchanges: exchanges.into(), by_fit: true }
    }
}

/// Upstreams that answer by a script, which is replaced for each request of a case.
#[derive(Default)]
pub(crate) struct ScriptedUpstreams(Mutex<State>);

#[derive(Default)]
struct State {
    script: Script,
    answered: Vec<UpstreamExchange>,
    exchanges: Vec<UpstreamTranscript>,
}

impl ScriptedUpstreams {
    /// Starts this script.
    pub(crate) fn start(&self, script: Script) {
        *self.state() = State { script, ..State::default() };
    }

    /// The exchanges of the script without those that were left out.
    pub(crate) fn script(&self) -> Vec<UpstreamExchange> {
        let state = self.state();
        state.answered.iter().chain(&state.script.exchanges).cloned().collect()
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
        let script = &mut state.script;
        if script.by_fit
            && let Some(first) = script.exchanges.iter().position(|exchange| exchange.is_for(&request))
        {
            script.exchanges.drain(..first);
        }
        let answer = state.answer();
        let reply = answer.clone().map_err(|error| error.to_string());
        state.exchanges.push(UpstreamTranscript { reply, ..UpstreamTranscript::of(&request) });
        Box::pin(std::future::ready(answer))
    }
}

impl State {
    fn answer(&mut self) -> Result<UpstreamReply, UpstreamError> {
        let Some(exchange) = self.script.exchanges.pop_front() else {
            return Err(UpstreamError::Unreachable("the script has no further exchange".to_owned()));
        };
        self.answered.push(exchange.clone());
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
