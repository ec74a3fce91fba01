//! Which refusal wins: of two faults in one request, the one that stands earlier in the order of checks.

use locum_abi::answer::Failure;
use locum_engine::model::ClientKey;
use locum_engine::ports::IssuerFailure;
use serde_json::{Map, Value, json};

use locum_testing::{TestEngine, TestSetup, blocked_user, good};

/// A fault, as it is made, and the start of what is told of it.
struct Fault {
    given: fn(&mut TestSetup),
    asked: fn(&mut Map<String, Value>),
    told: &'static str,
}

const UNCHANGED: fn(&mut Map<String, Value>) = |_| {};
const NOTHING: fn(&mut TestSetup) = |_| {};

/// In the order of the checks.
const FAULTS: [Fault; 18] = [
    asked(|request| set(request, "scope", json!(7)), "400 invalid_request scope parameter must"),
    asked(|request| set(request, "client_id", json!("")), "400 invalid_request missing client_id"),
    asked(|request| set(request, "grant_type", json!("password")), "400 unsupported_grant_type"),
    asked(|request| set(request, "id_token", json!("")), "400 invalid_request missing id_token"),
    given(|setup| setup.calls.fail_all_of("tenant"), "503 temporarily_unavailable"),
    given(|setup| setup.acme.tenant.delegation.enabled = false, "404 not_found"),
    given(
        |setup| setup.acme.clients.retain(|client| client.id != "caller"),
        "403 unauthorized_client invalid client",
    ),
    given(|setup| setup.client("caller").key = ClientKey::None, "400 invalid_grant id_token has the wrong"),
    given(block_alice, "401 unauthorized user is blocked"),
    given(|setup| setup.bucket_is_empty = true, "429 too_many_requests"),
    given(|setup| setup.client("caller").is_first_party = false, "403 unauthorized_client third-party"),
    asked(|request| set(request, "target", json!("nobody")), "401 unauthorized the target"),
    asked(|request| set(request, "api_type", json!("x")), "400 invalid_request api_type x"),
    given(|setup| setup.client("caller").oidc_conformant = true, "403 unauthorized_client OIDC-conformant"),
    given(
        |setup| setup.issuers.refuses_settings("app", Failure::setting("alg", "no")),
        "500 server_error internal error",
    ),
    Fault {
        given: |setup| {
            setup.acme.tenant.delegation.cap_to_subject_exp = true;
            setup.issuers.manifest("app").lifetime.minimum_seconds = 301;
        },
        asked: UNCHANGED,
        told: "400 invalid_grant id_token expires too soon",
    },
    Fault {
        given: |setup| {
            setup.issuers.manifest("app").parameters_schema = json!({"properties": {"aB": {}}});
        },
        asked: |request| {
            set(request, "aB", json!("1"));
            set(request, "a_b", json!("1"));
        },
        told: "400 invalid_request send either aB or a_b",
    },
    given(
        |setup| setup.issuers.answers("app", |_, _| Err(IssuerFailure::Hung(1))),
        "504 server_error internal error",
    ),
];

const fn asked(asked: fn(&mut Map<String, Value>), told: &'static str) -> Fault {
    Fault { given: NOTHING, asked, told }
}

const fn given(given: fn(&mut TestSetup), told: &'static str) -> Fault {
    Fault { given, asked: UNCHANGED, told }
}

fn set(request: &mut Map<String, Value>, name: &str, value: Value) {
    request.insert(name.to_owned(), value);
}

fn block_alice(setup: &mut TestSetup) {
    setup.acme.users.insert("auth0|alice".to_owned(), blocked_user());
}

fn summary(faults: &[&Fault]) -> String {
    let mut request = good();
    let test = TestEngine::with(|setup| {
        // The later fault first: one that takes a client away must not be undone by one that changes it.
        for fault in faults.iter().rev() {
            (fault.given)(setup);
            (fault.asked)(&mut request);
        }
    });
    test.delegate(request).summary()
}

#[test]
fn each_fault_alone_is_reported() {
    for fault in &FAULTS {
        let told = summary(&[fault]);
        assert!(told.starts_with(fault.told), "{told}, and not {}", fault.told);
    }
}

#[test]
fn of_any_two_faults_the_earlier_is_reported() {
    for (at, earlier) in FAULTS.iter().enumerate() {
        for later in &FAULTS[at + 1..] {
            let told = summary(&[earlier, later]);
            assert!(told.starts_with(earlier.told), "{told}, and not {} before {}", earlier.told, later.told);
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
        (fault.asked)(&mut request);
        let test = TestEngine::with(fault.given);
        assert!(test.delegate(request).summary().starts_with(fault.told));
        assert_eq!(test.calls.made(), expected, "{}", fault.told);
    }
}
