//! A ready issuer, as the engine calls it: the steps of one request, and the checks of each answer.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::{IssueAnswer, Issued, RevokeAnswer};
use locum_abi::grant::Grant;
use locum_abi::manifest::CredentialForm;
use locum_abi::operation::{ISSUE, REVOKE};
use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use locum_engine::ports::{CallContext, Issuer, IssuerFailure, PortFuture};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::calling::answer::{IssuerStep, OperationAnswer, read_answer};
use crate::calling::backend::{Call, CallError, ReadyIssuer};
use crate::calling::credential;
use crate::calling::plugin_log;
use crate::calling::secret_mask::SecretMask;
use crate::egress::allowed_upstreams::AllowedUpstreams;
use crate::egress::upstreams::{UpstreamError, Upstreams};
use crate::limits::UPSTREAM_CALLS_MAX;

/// Enough for most inputs, so that their buffer need not grow.
const INPUT_BYTES_USUAL: usize = 2048;

/// An issuer that was made ready, with all that the host holds it to.
pub(crate) struct PluginIssuer {
    /// The plugin's name.
    pub(crate) plugin: Arc<str>,
    pub(crate) form: CredentialForm,
    pub(crate) ready: Arc<dyn ReadyIssuer>,
    pub(crate) allowed: AllowedUpstreams,
    pub(crate) upstreams: Arc<dyn Upstreams>,
    pub(crate) secret_mask: SecretMask,
    /// For all steps of a request together.
    pub(crate) time_limit: Duration,
}

/// [`locum_abi::grant::IssueInput`], borrowed.
#[derive(Serialize)]
struct IssueInput<'a> {
    grant: &'a Grant,
    replies: &'a [UpstreamReply],
}

/// [`locum_abi::grant::RevokeInput`], borrowed.
#[derive(Serialize)]
struct RevokeInput<'a> {
    credential: &'a str,
    replies: &'a [UpstreamReply],
}

impl Issuer for PluginIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            let input = |replies: &[UpstreamReply]| json(&IssueInput { grant, replies });
            let issued = self.steps::<IssueAnswer>(ISSUE, context, input).await?;
            let now = i64::try_from(context.now_unix_ms / 1000).unwrap_or(i64::MAX);
            credential::check(&issued, &self.form, now, grant.lifetime_seconds)
                .map_err(|broken| IssuerFailure::ContractBroken(broken.to_string()))?;
            Ok(issued)
        })
    }

    fn revoke<'a>(
        &'a self,
        credential: &'a str,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(async move {
            let input = |replies: &[UpstreamReply]| json(&RevokeInput { credential, replies });
            self.steps::<RevokeAnswer>(REVOKE, context, input).await
        })
    }
}

impl PluginIssuer {
    /// Calls the issuer until it needs no more upstream calls. Nothing is kept between two steps: each one gets the same
    /// input and one more reply.
    async fn steps<A: OperationAnswer>(
        &self,
        op: u32,
        context: CallContext,
        input: impl Fn(&[UpstreamReply]) -> serde_json::Result<Vec<u8>>,
    ) -> Result<A::Outcome, IssuerFailure> {
        let deadline = Instant::now() + self.time_limit;
        let mut replies = Vec::new();
        loop {
            let input = input(&replies).map_err(|error| broken(format!("cannot be asked: {error}")))?;
            match self.call::<A>(Call { op, context, input }, deadline).await? {
                IssuerStep::Done(outcome) => return Ok(outcome),
                IssuerStep::Call(_) if replies.len() == UPSTREAM_CALLS_MAX => {
                    return Err(broken(format!("it asks for more than {UPSTREAM_CALLS_MAX} upstream calls")));
                }
                IssuerStep::Call(request) => replies.push(self.send(request, deadline).await?),
                IssuerStep::Unknown => {
                    return Err(broken("it answers with a kind that this host does not know"));
                }
            }
        }
    }

    async fn call<A: OperationAnswer>(
        &self,
        call: Call,
        deadline: Instant,
    ) -> Result<IssuerStep<A::Outcome>, IssuerFailure> {
        let answered = self.ready.call(call, deadline).await.map_err(|lost| self.lost(lost))?;
        let (answer, lines) = read_answer::<A>(answered, &self.secret_mask);
        plugin_log::relay(&self.plugin, &self.secret_mask, &lines);
        answer
    }

    async fn send(
        &self,
        request: UpstreamRequest,
        deadline: Instant,
    ) -> Result<UpstreamReply, IssuerFailure> {
        let request = self.allowed.check(request).map_err(|rule| broken(rule.to_string()))?;
        let begun = Instant::now();
        match timeout_at(deadline, self.upstreams.send(request, deadline)).await {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(UpstreamError::Unreachable(why))) => Err(IssuerFailure::UpstreamUnreachable(why)),
            Ok(Err(UpstreamError::TimedOut)) | Err(_) => {
                Err(IssuerFailure::UpstreamTimedOut(milliseconds(begun.elapsed())))
            }
        }
    }

    fn lost(&self, lost: CallError) -> IssuerFailure {
        match lost {
            CallError::TimedOut => IssuerFailure::Hung(milliseconds(self.time_limit)),
            CallError::Quarantined => IssuerFailure::Quarantined,
            CallError::NoRuntime => broken("it can be called only on a tokio runtime that is not stopping"),
        }
    }
}

fn json(input: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(INPUT_BYTES_USUAL);
    serde_json::to_writer(&mut json, input)?;
    Ok(json)
}

fn broken(how: impl Into<String>) -> IssuerFailure {
    IssuerFailure::ContractBroken(how.into())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
