//! What reaches the client of an issuer's failure: the words meant for it, an upstream's code, or a reference.

use locum_abi::answer::{Failure, FailureCode};
use locum_engine::ports::IssuerFailure;

use locum_testing::{Reply, TestEngine, good};

/// Makes the failure that an issuer comes to.
type Failing = fn() -> IssuerFailure;

fn failing(failure: impl Fn() -> IssuerFailure + Send + Sync + 'static) -> Reply {
    TestEngine::with(|setup| setup.issuers.answers("app", move |_, _| Err(failure()))).delegate(good())
}

fn upstream_says(code: &'static str) -> String {
    let reply = failing(move || IssuerFailure::Failed(Failure::upstream_refused(code, "prose")));
    assert_eq!((reply.refusal().status(), reply.refusal().code()), (403, "access_denied"));
    reply.refusal().description().to_owned()
}

#[test]
fn an_upstreams_code_is_summary() {
    for code in ["AccessDenied", "invalid_grant", "IDP-Rejected.1"] {
        assert_eq!(upstream_says(code), format!("the upstream refused: {code}"));
    }
}

/// A regression: characters that no code has were taken out, which left the prose readable.
#[test]
fn prose_in_the_place_of_a_code_is_not_told_at_all() {
    for prose in [
        "User arn:aws:iam::123456789012:user/bob is not authorized",
        "invalid_grant\r\nSet-Cookie: a=b",
        "<b>denied</b>",
        "Zugriff verweigert für Bob",
        "",
        "a code of more than sixty-four characters",
    ] {
        assert_eq!(upstream_says(prose), "the upstream refused", "{prose}");
    }
    const LONG: &str = "x23456789_123456789_123456789_123456789_123456789_123456789_12345";
    assert_eq!(upstream_says(&LONG[..64]), format!("the upstream refused: {}", &LONG[..64]));
    assert_eq!(upstream_says(LONG), "the upstream refused");
}

#[test]
fn an_issuers_words_about_a_parameter_are_told_up_to_a_length_and_without_control_characters() {
    let said = |words: &'static str| {
        let reply = failing(move || IssuerFailure::Failed(Failure::parameter("role", words)));
        assert_eq!((reply.refusal().status(), reply.refusal().code()), (400, "invalid_request"));
        reply.refusal().description().to_owned()
    };
    assert_eq!(said("role must be an ARN"), "role must be an ARN");
    assert_eq!(said("a\r\nb\u{1b}[31m\u{0}c"), "role: a  b [31m c");
    let long: &'static str = Box::leak("ä".repeat(500).into_boxed_str());
    assert_eq!(said(long), format!("role: {}", "ä".repeat(194)));
}

#[test]
fn a_fault_inside_is_told_as_a_reference_and_logged_in_full() {
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
fn what_the_host_says_of_an_issuer_is_logged_and_not_summary() {
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
fn the_references_of_two_faults_differ() {
    let test = TestEngine::with(|setup| setup.issuers.answers("app", |_, _| Err(IssuerFailure::Quarantined)));
    assert_ne!(test.delegate(good()).summary(), test.delegate(good()).summary());
}
