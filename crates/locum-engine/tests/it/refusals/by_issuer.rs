//! Refusals because of an issuer: its own refusals, its failures, and those that the host reports.

use locum_abi::answer::{Credential, Failure, FailureCode, Issued};
use locum_engine::ports::IssuerFailure;
use serde_json::json;

use super::Counted::Yes;
use super::{INTERNAL, Row};

macro_rules! issuer_fails {
    ($situation:literal, $failure:expr, $summary:expr) => {
        Row($situation, |setup| setup.issuers.answers("app", |_, _| Err($failure)), json!({}), Yes, $summary)
    };
}

pub(super) fn issuance() -> Vec<Row> {
    use IssuerFailure::{
        ContractBroken, Failed, Hung, Overloaded, Quarantined, UpstreamTimedOut, UpstreamUnreachable,
    };
    let unreachable = "502 temporarily_unavailable the upstream cannot be reached or made no sense";
    let attribute = "400 invalid_request the user has no attribute `email`";
    let refused = "403 access_denied the upstream refused: AccessDenied";
    let slow = "504 temporarily_unavailable the upstream did not answer in time";
    let hung = "504 server_error internal error; reference *";
    let quarantined = "503 temporarily_unavailable internal error; reference *";
    vec![
        issuer_fails!(
            "a parameter that the issuer refuses",
            Failed(Failure::parameter("role", "role must be an ARN")),
            "400 invalid_request role must be an ARN"
        ),
        issuer_fails!(
            "a parameter that the issuer refuses without its name",
            Failed(Failure::parameter("role", "it must be an ARN")),
            "400 invalid_request role: it must be an ARN"
        ),
        issuer_fails!(
            "a user who lacks an attribute",
            Failed(Failure::attribute_missing("email")),
            attribute
        ),
        issuer_fails!(
            "an upstream that refuses",
            Failed(Failure::upstream_refused("AccessDenied", "prose")),
            refused
        ),
        issuer_fails!(
            "an upstream that refuses without a code",
            Failed(Failure::new(FailureCode::UpstreamRefused, "prose")),
            "403 access_denied the upstream refused"
        ),
        issuer_fails!(
            "an upstream with an unusable reply",
            Failed(Failure::upstream_nonsense("prose")),
            unreachable
        ),
        issuer_fails!(
            "an upstream that is busy",
            Failed(Failure::upstream_busy(5, "prose")),
            "503 temporarily_unavailable the upstream is busy; try again later"
        ),
        issuer_fails!(
            "an upstream that is unreachable",
            UpstreamUnreachable("prose".to_owned()),
            unreachable
        ),
        issuer_fails!("an upstream that is slow", UpstreamTimedOut(5000), slow),
        issuer_fails!("a broken contract", ContractBroken("prose".to_owned()), INTERNAL),
        issuer_fails!("an issuer that hangs", Hung(10_000), hung),
        issuer_fails!(
            "more signatures than can be made",
            Overloaded,
            "503 temporarily_unavailable more credentials are requested than can be signed; try again later"
        ),
        issuer_fails!("an issuer in quarantine", Quarantined, quarantined),
        issuer_fails!("an issuer with an internal error", Failed(Failure::internal("prose")), INTERNAL),
        issuer_fails!(
            "an issuer that panicked",
            Failed(Failure::new(FailureCode::Panicked, "prose")),
            INTERNAL
        ),
        issuer_fails!(
            "an issuer that does not know the operation",
            Failed(Failure::new(FailureCode::UnknownOp, "prose")),
            INTERNAL
        ),
        issuer_fails!(
            "a failure code of a later version",
            Failed(Failure::new(FailureCode::Unknown, "prose")),
            INTERNAL
        ),
        issuer_fails!("settings refused at issuance", Failed(Failure::setting("a", "prose")), INTERNAL),
        Row(
            "a credential that violates its grant",
            |setup| {
                setup.issuers.answers("app", |_, _| {
                    Ok(Issued { credential: Credential::Text(String::new()), issued_at: 0, expires_at: None })
                });
            },
            json!({}),
            Yes,
            INTERNAL,
        ),
    ]
}
