//! Upstreams of a plugin that is being written: its plugin spec answers, or a real upstream where one is named.

use std::sync::Arc;

use locum_abi::upstream::UpstreamReply;
use locum_engine::ports::PortFuture;
use locum_host::{AllowedRequest, UpstreamError, Upstreams};
use tokio::time::Instant;

use crate::cases::redacted_failure::shown_upstream;
use crate::cases::scripted_upstreams::outcome_of;
use crate::exchange::message::UpstreamTranscript;
use crate::exchange::redaction::redacted;
use crate::fixtures::fixture::UpstreamExchange;
use crate::fixtures::variables::{TimeWindow, Variables};
use crate::report::upstream_text;

pub(super) struct DevUpstreams {
    pub(super) exchanges: Vec<UpstreamExchange>,
    /// The origins at which `real` is asked.
    pub(super) real_origins: Vec<String>,
    pub(super) real: Arc<dyn Upstreams>,
    pub(super) variables: Variables,
    pub(super) secrets: Vec<(String, String)>,
    pub(super) show: Arc<dyn Fn(&str) + Send + Sync>,
    /// The time, unix seconds.
    pub(super) now: fn() -> i64,
}

impl Upstreams for DevUpstreams {
    fn send(
        &self,
        request: AllowedRequest,
        deadline: Instant,
    ) -> PortFuture<'_, Result<UpstreamReply, UpstreamError>> {
        Box::pin(async move {
            let mut transcript = UpstreamTranscript::of(&request);
            let origin = request.url().origin().ascii_serialization();
            let answer = if self.real_origins.contains(&origin) {
                self.real.send(request, deadline).await
            } else {
                self.scripted(&request)
            };
            transcript.reply = answer.clone().map_err(|error| error.to_string());
            let shown = |text: &str| redacted(text, &self.secrets);
            (self.show)(&upstream_text(&shown_upstream(&transcript, &shown)));
            answer
        })
    }
}

impl DevUpstreams {
    /// The reply of the first exchange with the method and URL of the request. Whether the rest of the request is right, cases
    /// say: the time and the user are others here.
    fn scripted(&self, request: &AllowedRequest) -> Result<UpstreamReply, UpstreamError> {
        let now = (self.now)();
        let mut variables = self.variables.clone();
        variables.now = TimeWindow { earliest: now, latest: now };
        let filled = self.exchanges.iter().filter_map(|exchange| exchange.filled(&variables).ok());
        match filled.into_iter().find(|exchange| exchange.is_for(request)) {
            Some(exchange) => outcome_of(exchange),
            None => Err(UpstreamError::Unreachable(
                "no exchange of plugin.yaml has this method and URL; add one, or name a real upstream with --upstream-url"
                    .to_owned(),
            )),
        }
    }
}
