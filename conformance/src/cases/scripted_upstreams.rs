//! Scripted upstreams: each request must be the next one of the script.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use locum_host::{AllowedRequest, UpstreamError, Upstreams};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::exchange::message::UpstreamTranscript;
use crate::fixtures::fixture::{UpstreamExchange, UpstreamOutcome};

/// Upstreams that answer by a script, which is replaced for each request of a case.
#[derive(Default)]
pub(crate) struct ScriptedUpstreams(Mutex<State>);

#[derive(Default)]
struct State {
    script: VecDeque<UpstreamExchange>,
    calls: usize,
    deviations: Vec<String>,
    exchanges: Vec<UpstreamTranscript>,
}

impl ScriptedUpstreams {
    /// Starts this script.
    pub(crate) fn start(&self, script: Vec<UpstreamExchange>) {
        *self.state() = State { script: script.into(), ..State::default() };
    }

    /// The number of requests, and how they differ from the script.
    pub(crate) fn record(&self) -> (usize, Vec<String>) {
        let state = self.state();
        (state.calls, state.deviations.clone())
    }

    /// The exchanges of this script.
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
        let answer = state.answer(&request);
        state.exchanges.push(UpstreamTranscript {
            request: format!("{} {}", request.method().as_str(), request.url()),
            headers: request.headers().to_vec(),
            body: request.body().to_owned(),
            reply: answer.clone().map_err(|error| error.to_string()),
        });
        Box::pin(std::future::ready(answer))
    }
}

impl State {
    fn answer(&mut self, request: &AllowedRequest) -> Result<UpstreamReply, UpstreamError> {
        self.calls += 1;
        let Some(exchange) = self.script.pop_front() else {
            self.deviations.push(format!("a request that is not in the script: {request:?}"));
            return Err(UpstreamError::Unreachable("the script has no further exchange".to_owned()));
        };
        self.compare(&exchange, request);
        match exchange.outcome {
            Some(UpstreamOutcome::Reply { status, headers, body }) => {
                let mut reply = UpstreamReply::new(status, body);
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

    fn compare(&mut self, expected: &UpstreamExchange, request: &AllowedRequest) {
        let mut differs = |what: &str, wanted: &str, got: &str| {
            self.deviations.push(format!("the upstream request's {what}: expected {wanted}, got {got}"));
        };
        if let Some(method) = expected.method.as_deref().filter(|method| *method != request.method().as_str())
        {
            differs("method", method, request.method().as_str());
        }
        if let Some(url) = expected.url.as_deref().filter(|url| *url != request.url().as_str()) {
            differs("URL", url, request.url().as_str());
        }
        for (name, wanted) in &expected.fields {
            let got = field(request.body(), name);
            if got != *wanted {
                let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "absent".to_owned());
                differs(&format!("field {name}"), &shown(wanted), &shown(&got));
            }
        }
    }
}

/// The decoded value of a form field.
fn field(body: &str, name: &str) -> Option<String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(own, _)| *own == name)?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}
