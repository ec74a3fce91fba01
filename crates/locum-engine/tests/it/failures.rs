//! What a client receives for an issuer's failure: the issuer's message about a parameter, an upstream's code, or a
//! reference.

use locum_abi::answer::{Failure, FailureCode};
use locum_engine::ports::IssuerFailure;

use locum_testing::{Reply, TestEngine, good};

/// Makes the failure of an issuer.
type Failing = fn() -> IssuerFailure;

fn failing(failure: impl Fn() -> IssuerFailure + Send + Sync + 'static) -> Reply {
    TestEngine::with(|setup| setup.issuers.answers("app", move |_, _| Err(failure()))).delegate(good())
}

fn upstream_refuses_with(code: &'static str) -> String {
    let reply = failing(move || IssuerFailure::Failed(Failure::upstream_refused(code, "prose")));
    assert_eq!((reply.refusal().status(), reply.refusal().code()), (403, "access_denied"));
    reply.refusal().description().to_owned()
}

#[test]
fn an_upstreams_code_is_passed_on() {
    for code in ["AccessDenied", "invalid_grant", "IDP-Rejected.1"] {
        assert_eq!(upstream_refuses_with(code), format!("the upstream refused: {code}"));
    }
}

/// A regression: only the characters that no code has were removed, so the prose stayed readable.
#[test]
fn prose_in_place_of_a_code_is_not_passed_on() {
    for prose in [
        "User arn:aws:iam::123456789012:user/bob is not authorized",
        "invalid_grant\r\nSet-Cookie: a=b",
        "<b>denied</b>",
        "Zugriff verweigert für Bob",
        "",
        "a code of more than sixty-four characters",
    ] {
        assert_eq!(upstream_refuses_with(prose), "the upstream refused", "{prose}");
    }
    const LONG: &str = "x23456789_123456789_123456789_123456789_123456789_123456789_12345";
    assert_eq!(upstream_refuses_with(&LONG[..64]), format!("the upstream refused: {}", &LONG[..64]));
    assert_eq!(upstream_refuses_with(LONG), "the upstream refused");
}

#[test]
fn an_issuers_message_about_a_parameter_is_truncated_and_cleaned() {
    let description = |message: &'static str| {
        let reply = failing(move || IssuerFailure::Failed(Failure::parameter("role", message)));
        assert_eq!((reply.refusal().status(), reply.refusal().code()), (400, "invalid_request"));
        reply.refusal().description().to_owned()
    };
    assert_eq!(description("role must be an ARN"), "role must be an ARN");
    assert_eq!(description("a\r\nb\u{1b}[31m\u{0}c"), "role: a  b [31m c");
    let long: &'static str = Box::leak("ä".repeat(500).into_boxed_str());
    assert_eq!(description(long), format!("role: {}", "ä".repeat(194)));
}

#[test]
fn an_internal_fault_is_answered_with_a_reference_and_logged_in_full() {
    for code in
        [FailureCode::Internal, FailureCode::Panicked, FailureCode::UnknownOp, FailureCode::SettingsRefused]
    {
        let reply = failing(move || IssuerFailure::Failed(Failure::new(code, "the key of bob is broken")));
        let refusal = reply.refusal();
        assert_eq!(refusal.description(), format!("internal error; reference {}", reply.event.reference));
        assert_eq!(refusal.inside().unwrap(), format!("{code:?}: the key of bob is broken"));
    }
}

#[test]
fn what_the_host_reports_about_an_issuer_is_logged_and_not_returned() {
    let faults: [(Failing, &str); 5] = [
        (|| IssuerFailure::ContractBroken("a call to 10.0.0.1".to_owned()), "10.0.0.1"),
        (|| IssuerFailure::Hung(10_000), "10000 ms"),
        (|| IssuerFailure::Quarantined, "quarantine"),
        (|| IssuerFailure::UpstreamUnreachable("sts.internal".to_owned()), "sts.internal"),
        (|| IssuerFailure::UpstreamTimedOut(5000), "5000 ms"),
    ];
    for (fault, logged) in faults {
        let reply = failing(fault);
        assert!(!reply.summary().contains(logged), "{}", reply.summary());
        assert!(reply.event.refusal.unwrap().inside.unwrap().contains(logged), "{logged}");
    }
}

#[test]
fn where_more_is_to_be_signed_than_can_be_clients_are_told_when_to_try_again() {
    let reply = failing(|| IssuerFailure::Overloaded);
    assert_eq!((reply.refusal().status(), reply.refusal().retry_after_seconds()), (503, Some(1)));
    let neighbour = failing(|| IssuerFailure::Quarantined);
    assert_eq!((neighbour.refusal().status(), neighbour.refusal().retry_after_seconds()), (503, None));
}

#[test]
fn a_paused_issuer_is_not_called_and_refused_with_503() {
    let test = TestEngine::new();
    test.script.pauses("aws");
    assert_eq!(test.delegate(good()).issued().expires_at, test.delegate(good()).issued().expires_at);
    let called = test.script.grants().len();
    test.script.pauses("app");
    let reply = test.delegate(good());
    assert_eq!((reply.refusal().status(), reply.refusal().code()), (503, "temporarily_unavailable"));
    assert!(reply.refusal().description().contains("paused"), "{}", reply.summary());
    assert_eq!(reply.event.refusal.unwrap().inside.unwrap(), "an operator has paused the issuer");
    assert_eq!(test.script.grants().len(), called);
}

#[test]
fn the_references_of_two_faults_differ() {
    let test = TestEngine::with(|setup| setup.issuers.answers("app", |_, _| Err(IssuerFailure::Quarantined)));
    assert_ne!(test.delegate(good()).summary(), test.delegate(good()).summary());
}
