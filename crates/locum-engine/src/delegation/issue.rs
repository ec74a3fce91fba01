//! Issue: calls the issuer, and checks its answer against the grant.

use locum_abi::answer::{Failure, FailureCode};
use locum_abi::upstream::is_error_code;

use crate::credential::{self, Issued};
use crate::delegation::audiences::DirectoryAudiences;
use crate::delegation::authorize::Authorized;
use crate::issuers::{CallContext, IssuerFailure};
use crate::ports::{Directory, Entropy};
use crate::refusal::{Refusal, RefusalKind};

/// How long clients are told to wait if more is to be signed than can be, in seconds.
const RETRY_OVERLOADED_SECONDS: u64 = 1;

/// Issues the credential of an authorised request, or reuses one if the tenant allows it. The refusal of an internal
/// error contains `reference`.
///
/// # Errors
/// The issuer refuses or fails, or its credential violates the grant.
pub async fn issue(
    entropy: &dyn Entropy,
    directory: &dyn Directory,
    authorized: Authorized,
    reference: &str,
) -> Result<Issued, Refusal> {
    // Before a credential is reused: whoever pauses an issuer expects that nothing of it is handed out.
    if authorized.issuer.is_paused() {
        return Err(refusal_of(IssuerFailure::Paused, reference));
    }
    let now = i64::try_from(authorized.now_unix_ms / 1000).unwrap_or(i64::MAX);
    if let Some(issued) = authorized.reuse.as_ref().and_then(|reuse| reuse.find(now)) {
        return Ok(issued);
    }
    let context = CallContext { now_unix_ms: authorized.now_unix_ms, entropy: entropy.draw() };
    let audiences = DirectoryAudiences { directory, tenant: &authorized.tenant };
    let answer = authorized
        .issuer
        .issue(&authorized.grant, context, &audiences)
        .await
        .map_err(|failure| refusal_of(failure, reference))?;
    let issued = credential::check(answer, &authorized.promised, authorized.grant.lifetime_seconds, now)
        .map_err(|broken| Refusal::fault(RefusalKind::ServerError, reference, broken))?;
    if let Some(reuse) = &authorized.reuse {
        reuse.keep(&issued, now);
    }
    Ok(issued)
}

/// The refusal that a client receives for an issuer's failure.
pub(crate) fn refusal_of(failure: IssuerFailure, reference: &str) -> Refusal {
    match failure {
        IssuerFailure::Failed(failure) => refusal_of_failure(&failure, reference),
        IssuerFailure::ContractBroken(_) => Refusal::fault(RefusalKind::ServerError, reference, failure),
        IssuerFailure::Hung(_) => Refusal::fault(RefusalKind::IssuerHung, reference, failure),
        IssuerFailure::DirectoryUnavailable(_) => {
            Refusal::fault(RefusalKind::TemporarilyUnavailable, reference, failure)
        }
        IssuerFailure::Quarantined => Refusal::fault(RefusalKind::TemporarilyUnavailable, reference, failure),
        IssuerFailure::Overloaded => Refusal::new(
            RefusalKind::TemporarilyUnavailable,
            "more credentials are requested than can be signed; try again later",
        )
        .retry_after(RETRY_OVERLOADED_SECONDS)
        .because(failure),
        IssuerFailure::Paused => Refusal::new(
            RefusalKind::TemporarilyUnavailable,
            "the operator has paused this kind of credential; try again later",
        )
        .because(failure),
        IssuerFailure::UpstreamUnreachable(_) => {
            Refusal::new(RefusalKind::UpstreamUnreachable, "the upstream cannot be reached or made no sense")
                .because(failure)
        }
        IssuerFailure::UpstreamTimedOut(_) => {
            Refusal::new(RefusalKind::UpstreamTimedOut, "the upstream did not answer in time")
                .because(failure)
        }
    }
}

fn refusal_of_failure(failure: &Failure, reference: &str) -> Refusal {
    if let (FailureCode::UpstreamRefused | FailureCode::UpstreamNonsense, Some(seconds)) =
        (failure.code, failure.retry_after_seconds)
    {
        return Refusal::new(RefusalKind::UpstreamBusy, "the upstream is busy; try again later")
            .retry_after(seconds)
            .because(failure);
    }
    match failure.code {
        FailureCode::ParameterRefused => Refusal::refused_by_issuer(&naming_the_parameter(failure)),
        FailureCode::AttributeMissing => Refusal::refused_by_issuer(&failure.message),
        FailureCode::UpstreamRefused => {
            let code = failure.upstream_code.as_deref().filter(|code| is_error_code(code));
            let description = code
                .map_or("the upstream refused".to_owned(), |code| format!("the upstream refused: {code}"));
            Refusal::new(RefusalKind::AccessDenied, description).because(failure)
        }
        FailureCode::UpstreamNonsense => {
            Refusal::new(RefusalKind::UpstreamUnreachable, "the upstream cannot be reached or made no sense")
                .because(failure)
        }
        FailureCode::SettingsRefused
        | FailureCode::Internal
        | FailureCode::Panicked
        | FailureCode::UnknownOp
        | FailureCode::Unknown => {
            let code = failure.code;
            Refusal::fault(RefusalKind::ServerError, reference, format!("{code:?}: {failure}"))
        }
    }
}

/// The issuer's words, with the parameter's name in front unless they contain it.
fn naming_the_parameter(failure: &Failure) -> String {
    let name = failure.pointer.as_deref().and_then(|pointer| pointer.strip_prefix('/')).unwrap_or_default();
    if failure.message.contains(name) {
        failure.message.clone()
    } else {
        format!("{name}: {}", failure.message)
    }
}
