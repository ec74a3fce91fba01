//! A configured issuer, as the engine calls it: runs the steps of one request and checks each answer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::{Credential, IssueAnswer, Issued, RevokeAnswer};
use locum_abi::grant::Grant;
use locum_abi::object_writer::ObjectWriter;
use locum_abi::operation::{ISSUE, REVOKE};
use locum_abi::signing::SigningRequest;
use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
use locum_engine::ports::{
    CallContext, Issuer, IssuerFailure, PortFuture, PresentedCredential, TenantAudiences,
};
use serde::Serialize;
use tokio::time::{Instant, timeout_at};

use crate::calling::answer::{Accompanying, IssuerStep, OperationAnswer, check_credential, read_answer};
use crate::calling::backend::{Call, CallError, ReadyIssuer};
use crate::calling::call_outcome;
use crate::calling::kept_values::{KeepOrders, Kept, KeptValues};
use crate::calling::plugin_log;
use crate::calling::secret_mask::SecretMask;
use crate::egress::allowed_upstreams::AllowedUpstreams;
use crate::egress::upstreams::{UpstreamError, Upstreams};
use crate::limits::{MESSAGE_CHARS_MAX, SIGNATURES_MAX, UPSTREAM_CALLS_MAX};
use crate::observer::{CallObserver, Operation, UpstreamOutcome};
use crate::signing::signer::Signer;

/// Initial size of an input's buffer. Most inputs fit without growing it.
const INPUT_BYTES_TYPICAL: usize = 2048;

/// A configured issuer and everything that the host enforces for it.
pub(crate) struct PluginIssuer {
    /// The plugin's name, for its log lines.
    pub(crate) plugin: Arc<str>,
    pub(crate) issuer: Arc<dyn ReadyIssuer>,
    pub(crate) allowed: AllowedUpstreams,
    pub(crate) upstreams: Arc<dyn Upstreams>,
    pub(crate) observer: Option<Arc<dyn CallObserver>>,
    pub(crate) signer: Signer,
    pub(crate) secret_mask: SecretMask,
    /// `None` if the manifest does not say that it keeps values.
    pub(crate) kept: Option<KeptValues>,
    /// Time for all steps of one request together.
    pub(crate) time_limit: Duration,
}

/// The input of [`locum_abi::grant::RevokeInput`], borrowed.
#[derive(Serialize)]
struct RevokeInput<'a> {
    credential: &'a str,
    client_id: &'a str,
    replies: &'a [UpstreamReply],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    kept: BTreeMap<&'a str, &'a str>,
}

/// What the host has done so far for one request of an issuer.
#[derive(Default)]
struct Done {
    replies: Vec<UpstreamReply>,
    signatures: Vec<String>,
    /// The last upstream request, if it may be sent once more.
    repeatable: Option<UpstreamRequest>,
    /// What was kept when the request began.
    kept: Option<Arc<Kept>>,
}

/// For whom signatures are made: a grant, and its tenant.
#[derive(Clone, Copy)]
struct SignedFor<'a> {
    grant: &'a Grant,
    audiences: &'a dyn TenantAudiences,
}

impl Issuer for PluginIssuer {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
        audiences: &'a dyn TenantAudiences,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        Box::pin(async move {
            let input = |done: &Done| Ok(issue_input(grant, done, context));
            // In vain, the call would take time from those who are signed for. Who keeps values may need no signature this time.
            if self.kept.is_none() && self.signer.refuses() {
                return Err(IssuerFailure::Overloaded);
            }
            let signed_for = Some(SignedFor { grant, audiences });
            let issued = self.run_steps::<IssueAnswer>(ISSUE, context, input, signed_for).await?;
            self.check_credential(&issued.credential)?;
            Ok(issued)
        })
    }

    fn revoke<'a>(
        &'a self,
        presented: PresentedCredential<'a>,
        context: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(async move {
            let PresentedCredential { text: credential, client_id } = presented;
            let input = |Done { replies, kept, .. }: &Done| {
                json(&RevokeInput { credential, client_id, replies, kept: values(kept, context) })
            };
            self.run_steps::<RevokeAnswer>(REVOKE, context, input, None).await
        })
    }
}

impl PluginIssuer {
    /// Calls the issuer until it needs nothing more. The issuer keeps no state between steps: each step gets the same input,
    /// and one more reply or signature. Nothing is signed if `signed_for` is `None`.
    async fn run_steps<A: OperationAnswer>(
        &self,
        op: u32,
        context: CallContext,
        input: impl Fn(&Done) -> serde_json::Result<Vec<u8>>,
        signed_for: Option<SignedFor<'_>>,
    ) -> Result<A::Outcome, IssuerFailure> {
        let deadline = Instant::now() + self.time_limit;
        let mut done = Done { kept: self.kept_now(), ..Done::default() };
        loop {
            let input = input(&done)
                .map_err(|error| contract_broken(format!("its input cannot be serialised: {error}")))?;
            let step = match self.call::<A>(Call { op, context, input }, deadline).await {
                Err(failure) if asks_to_repeat(&failure) => match done.repeatable.take() {
                    Some(request) => {
                        done.replies.pop();
                        done.replies.push(self.send(request, deadline).await?);
                        continue;
                    }
                    None => return Err(failure),
                },
                step => step?,
            };
            match step {
                IssuerStep::Done(outcome) => return Ok(outcome),
                IssuerStep::Call(_) if done.replies.len() == UPSTREAM_CALLS_MAX => {
                    return Err(contract_broken(format!(
                        "it asks for more than {UPSTREAM_CALLS_MAX} upstream calls"
                    )));
                }
                IssuerStep::Call(request) => {
                    done.repeatable = request.idempotent.then(|| request.clone());
                    done.replies.push(self.send(request, deadline).await?);
                }
                IssuerStep::Sign(_) if done.signatures.len() == SIGNATURES_MAX => {
                    return Err(contract_broken(format!(
                        "it asks for more than {SIGNATURES_MAX} signatures"
                    )));
                }
                IssuerStep::Sign(request) => {
                    // What is signed may depend on the last reply.
                    done.repeatable = None;
                    done.signatures.push(self.sign(request, signed_for, context).await?);
                }
                IssuerStep::Unknown => {
                    return Err(contract_broken("its answer has a kind that this host does not know"));
                }
            }
        }
    }

    async fn call<A: OperationAnswer>(
        &self,
        call: Call,
        deadline: Instant,
    ) -> Result<IssuerStep<A::Outcome>, IssuerFailure> {
        let now = seconds(call.context);
        let observed = self.observer.as_deref().map(|observer| (observer, call.op, observer.now_nanos()));
        let observe = |outcome| {
            if let Some((observer, op, start)) = observed {
                let nanos = observer.now_nanos().saturating_sub(start);
                observer.plugin_called(Operation::of(op), outcome, nanos);
            }
        };
        let answered = self.issuer.call(call, deadline).await.map_err(|error| {
            observe(call_outcome::of_error(&error));
            self.issuer_failure(error)
        })?;
        let (mut answer, Accompanying { logs, orders }) = read_answer::<A>(answered, &self.secret_mask);
        let ordered = self.carry_out(orders, now);
        if let (Err(IssuerFailure::Failed(failure)), Some(mask)) =
            (&mut answer, self.kept_now().as_deref().and_then(Kept::mask))
        {
            mask.mask_failure(failure);
        }
        let answer = ordered.and(answer);
        observe(call_outcome::of_answer(&answer));
        plugin_log::relay(&self.plugin, &logs, |text| self.sanitized(text));
        answer
    }

    fn carry_out(&self, orders: KeepOrders, now: i64) -> Result<(), IssuerFailure> {
        match &self.kept {
            _ if orders.is_empty() => Ok(()),
            Some(kept) => kept.apply(orders, now).map_err(contract_broken),
            None => {
                Err(contract_broken("it keeps values between requests, which its manifest does not declare"))
            }
        }
    }

    /// The text for people: without secrets and kept values, escaped and truncated.
    fn sanitized(&self, text: &str) -> String {
        let masked = self.secret_mask.sanitized(text, MESSAGE_CHARS_MAX);
        match self.kept_now().as_deref().and_then(Kept::mask) {
            Some(mask) => mask.sanitized(&masked, MESSAGE_CHARS_MAX),
            None => masked,
        }
    }

    fn check_credential(&self, credential: &Credential) -> Result<(), IssuerFailure> {
        check_credential(credential, &self.secret_mask)?;
        match self.kept_now().as_deref().and_then(Kept::mask) {
            Some(mask) => check_credential(credential, mask),
            None => Ok(()),
        }
    }

    fn kept_now(&self) -> Option<Arc<Kept>> {
        self.kept.as_ref().map(KeptValues::read)
    }

    async fn sign(
        &self,
        request: SigningRequest,
        signed_for: Option<SignedFor<'_>>,
        context: CallContext,
    ) -> Result<String, IssuerFailure> {
        let Some(SignedFor { grant, audiences }) = signed_for else {
            return Err(contract_broken("it asks for a signature, but issues no credential"));
        };
        self.signer.sign(request, grant, seconds(context), audiences).await
    }

    async fn send(
        &self,
        request: UpstreamRequest,
        deadline: Instant,
    ) -> Result<UpstreamReply, IssuerFailure> {
        // The rule quotes the plugin's URL or header.
        let request =
            self.allowed.check(request).map_err(|rule| contract_broken(self.sanitized(&rule.to_string())))?;
        // Before anything is sent, whoever polls the request for the first time can still refuse to let it wait.
        tokio::task::yield_now().await;
        let start = Instant::now();
        let text_only_origin =
            (!request.binary_bodies()).then(|| request.url().origin().ascii_serialization());
        let observed = self
            .observer
            .as_deref()
            .map(|observer| (observer, request.declared_origin().to_owned(), observer.now_nanos()));
        let mut sent = timeout_at(deadline, self.upstreams.send(request, deadline)).await;
        if let (Ok(Ok(UpstreamReply { body_encoding: Some(_), .. })), Some(origin)) =
            (&sent, text_only_origin)
        {
            let why = format!("{origin} answered with a body that is not UTF-8");
            sent = Ok(Err(UpstreamError::Unreachable(why)));
        }
        if let Some((observer, origin, start)) = observed {
            let outcome = match &sent {
                Ok(Ok(reply)) => UpstreamOutcome::of_status(reply.status),
                Ok(Err(UpstreamError::Unreachable(_))) => UpstreamOutcome::Unreachable,
                Ok(Err(UpstreamError::TimedOut)) | Err(_) => UpstreamOutcome::TimedOut,
            };
            observer.upstream_called(&origin, outcome, observer.now_nanos().saturating_sub(start));
        }
        match sent {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(UpstreamError::Unreachable(why))) => {
                Err(IssuerFailure::UpstreamUnreachable(self.sanitized(&why)))
            }
            Ok(Err(UpstreamError::TimedOut)) | Err(_) => {
                Err(IssuerFailure::UpstreamTimedOut(milliseconds(start.elapsed())))
            }
        }
    }

    fn issuer_failure(&self, error: CallError) -> IssuerFailure {
        match error {
            CallError::TimedOut => IssuerFailure::Hung(milliseconds(self.time_limit)),
            CallError::Quarantined => IssuerFailure::Quarantined,
            CallError::Died(cause) => contract_broken(cause),
            CallError::NoRuntime => {
                contract_broken("it was called outside a tokio runtime, or while the runtime shuts down")
            }
        }
    }
}

/// Whether the issuer holds that its last upstream request would succeed at once if it were sent again.
fn asks_to_repeat(failure: &IssuerFailure) -> bool {
    matches!(failure, IssuerFailure::Failed(failure) if failure.retryable && failure.retry_after_seconds.is_none())
}

/// A [`locum_abi::grant::IssueInput`] as serde_json writes it, in half the time.
fn issue_input(grant: &Grant, done: &Done, context: CallContext) -> Vec<u8> {
    let Grant { user_id, client_id, target_id, scopes, claims, profile, parameters, lifetime_seconds } =
        grant;
    let mut json = Vec::with_capacity(INPUT_BYTES_TYPICAL);
    let mut input = ObjectWriter::begin(&mut json);
    input.object("grant", |grant| {
        grant.text("user_id", user_id);
        grant.text("client_id", client_id);
        grant.text("target_id", target_id);
        grant.texts("scopes", scopes);
        grant.value("claims", claims);
        grant.value("profile", profile);
        grant.value("parameters", parameters);
        grant.value("lifetime_seconds", lifetime_seconds);
    });
    input.value("replies", &done.replies);
    if !done.signatures.is_empty() {
        input.texts("signatures", &done.signatures);
    }
    let kept = values(&done.kept, context);
    if !kept.is_empty() {
        input.value("kept", &kept);
    }
    input.end();
    json
}

fn json(input: &impl Serialize) -> serde_json::Result<Vec<u8>> {
    let mut json = Vec::with_capacity(INPUT_BYTES_TYPICAL);
    serde_json::to_writer(&mut json, input)?;
    Ok(json)
}

/// What the issuer is given of the kept values.
fn values(kept: &Option<Arc<Kept>>, context: CallContext) -> BTreeMap<&str, &str> {
    kept.as_deref().map(|kept| kept.at(seconds(context))).unwrap_or_default()
}

/// The time of a request, in Unix seconds.
fn seconds(context: CallContext) -> i64 {
    i64::try_from(context.now_unix_ms / 1000).unwrap_or(i64::MAX)
}

fn contract_broken(how: impl Into<String>) -> IssuerFailure {
    IssuerFailure::ContractBroken(how.into())
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use locum_abi::grant::IssueInput;
    use locum_abi::kept::Keep;
    use serde_json::json;

    use super::*;
    use crate::calling::kept_values::KeepOrders;

    #[test]
    fn the_input_of_a_call_is_written_as_the_serializer_writes_it() {
        let grant: Grant = serde_json::from_value(json!({
            "user_id": "auth0|\"alice\"", "client_id": "caller", "target_id": "target", "scopes": ["openid"],
            "claims": {"email": "a@b"}, "profile": {"n": [1]}, "parameters": {"p": {}}, "lifetime_seconds": 60,
        }))
        .unwrap();
        let context = CallContext { now_unix_ms: 0, entropy: [0; 32] };
        let values = KeptValues::default();
        let keep = vec![Keep { key: "k".to_owned(), value: "v".into(), expires_at: 7 }];
        values.apply(KeepOrders { keep, forget: Vec::new() }, 0).unwrap();
        let reply = serde_json::from_value(json!({"status": 200, "body": "b"})).unwrap();
        let first = Done::default();
        let later = Done {
            replies: vec![reply],
            signatures: vec!["s".to_owned()],
            kept: Some(values.read()),
            ..Done::default()
        };
        for (done, kept) in [(first, None), (later, Some(("k".to_owned(), "v".into())))] {
            let input = IssueInput {
                grant: grant.clone(),
                replies: done.replies.clone(),
                signatures: done.signatures.clone(),
                kept: kept.into_iter().collect(),
            };
            assert_eq!(issue_input(&grant, &done, context), serde_json::to_vec(&input).unwrap());
        }
    }
}
