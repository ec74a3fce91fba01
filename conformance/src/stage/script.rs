//! Upstreams that play a script: each request must be the one that the script expects next.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use locum_host::{AllowedRequest, UpstreamError, Upstreams};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::fixture::{UpstreamExchange, UpstreamOutcome};

/// Plays the script of one request after the other.
#[derive(Default)]
pub(crate) struct ScriptedUpstreams(Mutex<Scene>);

#[derive(Default)]
struct Scene {
    script: VecDeque<UpstreamExchange>,
    calls: usize,
    deviations: Vec<String>,
}

impl ScriptedUpstreams {
    /// Starts over with this script.
    pub(crate) fn play(&self, script: Vec<UpstreamExchange>) {
        *self.scene() = Scene { script: script.into(), ..Scene::default() };
    }

    /// How many requests were made, and how they differed from the script.
    pub(crate) fn seen(&self) -> (usize, Vec<String>) {
        let scene = self.scene();
        (scene.calls, scene.deviations.clone())
    }

    fn scene(&self) -> MutexGuard<'_, Scene> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstreams for ScriptedUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        _: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(std::future::ready(self.scene().answer(&request)))
    }
}

impl Scene {
    fn answer(&mut self, request: &AllowedRequest) -> Result<UpstreamReply, UpstreamError> {
        self.calls += 1;
        let Some(exchange) = self.script.pop_front() else {
            self.deviations.push(format!("a request that the script does not have: {request:?}"));
            return Err(UpstreamError::Unreachable("the script has ended".to_owned()));
        };
        self.compare(&exchange, request);
        match exchange.outcome {
            Some(UpstreamOutcome::Reply { status, headers, body }) => {
                Ok(UpstreamReply { status, headers: headers.into_iter().collect(), body })
            }
            Some(UpstreamOutcome::Refused(why) | UpstreamOutcome::Unusable(why)) => {
                Err(UpstreamError::Unreachable(why))
            }
            Some(UpstreamOutcome::TimedOut(_)) => Err(UpstreamError::TimedOut),
            // Reading a fixture checks that every exchange has an outcome.
            None => Err(UpstreamError::Unreachable("the script says nothing about the outcome".to_owned())),
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

/// A field of a form body, decoded.
fn field(body: &str, name: &str) -> Option<String> {
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(own, _)| *own == name)?;
    Some(percent_decode_str(&value.replace('+', " ")).decode_utf8_lossy().into_owned())
}
