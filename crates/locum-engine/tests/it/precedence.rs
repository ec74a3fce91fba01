//! The precedence of refusals: of two faults in one request, the one that is checked first is reported.

use locum_abi::answer::Failure;
use locum_engine::model::ClientKey;
use locum_engine::ports::IssuerFailure;
use serde_json::{Map, Value, json};

use locum_testing::{TestEngine, TestSetup, blocked_user, good};

/// A fault: how to cause it, and the start of its refusal.
struct Fault {
    setup: fn(&mut TestSetup),
    request: fn(&mut Map<String, Value>),
    refusal: &'static str,
}

const UNCHANGED: fn(&mut Map<String, Value>) = |_| {};
const NOTHING: fn(&mut TestSetup) = |_| {};

/// In the order of the checks.
const FAULTS: [Fault; 18] = [
    in_request(|request| set(request, "scope", json!(7)), "400 invalid_request scope parameter must"),
    in_request(|request| set(request, "client_id", json!("")), "400 invalid_request missing client_id"),
    in_request(|request| set(request, "grant_type", json!("password")), "400 unsupported_grant_type"),
    in_request(|request| set(request, "id_token", json!("")), "400 invalid_request missing id_token"),
    in_setup(|setup| setup.calls.fail_all_of("tenant"), "503 temporarily_unavailable"),
    in_setup(|setup| setup.acme.tenant.delegation.enabled = false, "404 not_found"),
    in_setup(
        |setup| setup.acme.clients.retain(|client| client.id != "caller"),
        "403 unauthorized_client invalid client",
    ),
    in_setup(
        |setup| setup.client("caller").key = ClientKey::None,
        "400 invalid_grant id_token has the wrong",
    ),
    in_setup(block_alice, "401 unauthorized user is blocked"),
    in_setup(|setup| setup.bucket_is_empty = true, "429 too_many_requests"),
    in_setup(|setup| setup.client("caller").is_first_party = false, "403 unauthorized_client third-party"),
    in_request(|request| set(request, "target", json!("nobody")), "401 unauthorized the target"),
    in_request(|request| set(request, "api_type", json!("x")), "400 invalid_request api_type x"),
    in_setup(
        |setup| setup.client("caller").oidc_conformant = true,
        "403 unauthorized_client OIDC-conformant",
    ),
    in_setup(
        |setup| setup.issuers.refuses_settings("app", Failure::setting("alg", "no")),
        "500 server_error internal error",
    ),
    Fault {
        setup: |setup| {
            setup.acme.tenant.delegation.cap_to_subject_exp = true;
            setup.issuers.manifest("app").lifetime.minimum_seconds = 301;
        },
        request: UNCHANGED,
        refusal: "400 invalid_grant id_token expires too soon",
    },
    Fault {
        setup: |setup| {
            setup.issuers.manifest("app").parameters_schema = json!({"properties": {"aB": {}}});
        },
        request: |request| {
            set(request, "aB", json!("1"));
            set(request, "a_b", json!("1"));
        },
        refusal: "400 invalid_request send either aB or a_b",
    },
    in_setup(
        |setup| setup.issuers.answers("app", |_, _| Err(IssuerFailure::Hung(1))),
        "504 server_error internal error",
    ),
];

const fn in_request(request: fn(&mut Map<String, Value>), refusal: &'static str) -> Fault {
    Fault { setup: NOTHING, request, refusal }
}

const fn in_setup(setup: fn(&mut TestSetup), refusal: &'static str) -> Fault {
    Fault { setup, request: UNCHANGED, refusal }
}

fn set(request: &mut Map<String, Value>, name: &str, value: Value) {
    request.insert(name.to_owned(), value);
}

fn block_alice(setup: &mut TestSetup) {
    setup.acme.users.insert("auth0|alice".to_owned(), blocked_user());
}

fn summary_of(faults: &[&Fault]) -> String {
    let mut request = good();
    let test = TestEngine::with(|setup| {
        setup.remove_signing_keys();
        // The later fault first: a fault that changes a client must not undo one that removes it.
        for fault in faults.iter().rev() {
            (fault.setup)(setup);
            (fault.request)(&mut request);
        }
    });
    test.delegate(request).summary()
}

#[test]
fn each_fault_alone_is_reported() {
    for fault in &FAULTS {
        let summary = summary_of(&[fault]);
        assert!(summary.starts_with(fault.refusal), "{summary}; expected: {}", fault.refusal);
    }
}

#[test]
fn of_any_two_faults_the_earlier_is_reported() {
    for (at, earlier) in FAULTS.iter().enumerate() {
        for later in &FAULTS[at + 1..] {
            let summary = summary_of(&[earlier, later]);
            assert!(
                summary.starts_with(earlier.refusal),
                "{summary}; expected: {} before {}",
                earlier.refusal,
                later.refusal
            );
        }
    }
}

#[test]
fn no_port_is_called_after_the_first_refusal() {
    for (fault, expected) in [
        (&FAULTS[3], &["tenant"][..]),
        (&FAULTS[7], &["tenant", "client"]),
        (&FAULTS[9], &["tenant", "client", "user", "buckets"]),
        (&FAULTS[11], &["tenant", "client", "user", "buckets", "client"]),
    ] {
        let mut request = good();
        (fault.request)(&mut request);
        let test = TestEngine::with(fault.setup);
        assert!(test.delegate(request).summary().starts_with(fault.refusal));
        assert_eq!(test.calls.made(), expected, "{}", fault.refusal);
    }
}
