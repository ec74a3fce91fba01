//! Bugs that the suite finds without a fixture of the plugin's own: one plugin with the bug that its settings name.

use std::fs;

use locum_conformance::report::to_table;
use locum_conformance::{Options, Report, TestedIsolation, run};
use serde_json::{Value, json};

use crate::shipped::options;

/// The whole plugin spec, with this bug.
fn spec(bug: &str) -> Value {
    let reply = |body: &str| json!({ "reply": { "status": 200, "body": body } });
    let host = "https://login.example.com";
    json!({ "plugin": "chosen_bug", "cases": 0, "issuers": {
        "chosen_bug": {
            "settings": { "bug": bug, "audience": "api", "key": "key-of-the-assertions-0123456789" },
            "profile": { "nickname": "alice" },
            "parameters": { "place": "main" },
            "upstream": [{ "outcome": reply(r#"{"access_token":"token-of-${user}","expires_in":300}"#) }],
            "revocation": [{
                "request": { "method": "POST", "url": format!("{host}/revoke") },
                "outcome": { "reply": { "status": 200 } },
            }],
            "credential": { "object": { "token": "/access_token" } },
            "features": ["end-set-upstream"],
        },
        "chosen_bug_keeps": {
            "settings": { "bug": bug },
            "upstream": [
                {
                    "request": { "method": "POST", "url": format!("{host}/app") },
                    "outcome": reply(r#"{"access_token":"token-of-the-app"}"#),
                },
                { "outcome": reply(r#"{"ticket":"ticket-of-${user}"}"#) },
            ],
            "features": ["end-set-upstream"],
        },
    } })
}

/// The report on the plugin with this bug: of the named cases, or of all.
fn report_on(bug: &str, only: &[&str]) -> Report {
    report_with(&spec(bug), only)
}

fn report_with(spec: &Value, only: &[&str]) -> Report {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("plugin.yaml"), spec.to_string()).unwrap();
    let only = only.iter().map(|only| (*only).to_owned()).collect();
    let fixtures = vec![folder.path().to_owned()];
    let isolation = TestedIsolation::Both;
    let options = Options { fixtures, only, isolation, ..options("locum-bad-chosen-bug") };
    run(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// Asserts that the case fails for the bug, and that each of these texts is in its differences.
fn fails(bug: &str, case: &str, says: &[&str]) {
    let report = report_on(bug, &[case]);
    let differences = report.failures.iter().flat_map(|failure| &failure.differences);
    let differences: Vec<String> = differences
        .map(|found| format!("{}: expected {}, got {}", found.what, found.expected, found.got))
        .collect();
    assert!(!differences.is_empty(), "{bug}: {}", to_table(&report));
    for text in says {
        assert!(differences.iter().any(|difference| difference.contains(text)), "{bug}: {differences:#?}");
    }
}

/// The checks that need no fixture.
const CHECKS: [&str; 10] = [
    "a-hostile-parameter-is-refused-or-harmless",
    "a-revocation-that-a-busy-upstream-does-not-confirm-fails",
    "a-second-user-gets-what-nobody-before-has-changed",
    "a-setting-sent-as-a-parameter-changes-nothing",
    "add-ons-of-two-clients-do-not-influence-each-other",
    "add-ons-of-two-tenants-do-not-influence-each-other",
    "an-unexpected-attribute-is-refused-or-harmless",
    "changed-attributes-of-a-user-are-used",
    "equal-grants-give-equal-credentials-in-two-processes",
    "kept-values-do-not-depend-on-the-user",
];

/// How many of them do not apply to one of the two api_types.
const UNSUPPORTED: usize = 5;

#[test]
fn the_plugin_without_a_bug_passes_all_of_them() {
    let report = report_on("none", &CHECKS);
    let table = to_table(&report);
    assert_eq!(
        (report.counts.passed, report.counts.unsupported),
        (2 * CHECKS.len() - UNSUPPORTED, UNSUPPORTED),
        "{table}"
    );
    assert_eq!(report.exit_code(), 0, "{table}");
    let report = report_on("none", &[]);
    assert_eq!(report.exit_code(), 0, "{}", to_table(&report));
}

#[test]
fn state_that_is_kept_between_users_is_found() {
    let case = "a-second-user-gets-what-nobody-before-has-changed";
    for bug in ["user-in-a-static", "user-in-the-issuer"] {
        let says = [
            "second user, credential/user: expected auth0|bob (as where nobody asked before; keep nothing of a request",
            "upstream request 1/form/assertion/claims/sub: expected auth0|bob, got auth0|alice",
        ];
        fails(bug, case, &says);
    }
    fails("user-in-a-thread-local", case, &[]);
}

#[test]
fn attributes_that_are_kept_by_user_are_found() {
    let says = ["form/profile/user/name: expected blice", "got alice"];
    fails("attributes-by-user", "changed-attributes-of-a-user-are-used", &says);
}

#[test]
fn settings_that_are_kept_outside_the_issuer_are_found() {
    let says =
        ["add-on of the first tenant, upstream request 1/form/assertion/claims/aud: expected api", "got bpi"];
    fails("settings-in-a-static", "add-ons-of-two-tenants-do-not-influence-each-other", &says);
}

#[test]
fn a_kept_value_of_a_user_is_found() {
    let says =
        ["fetching what is kept, request 1/form/for: expected auth0|bob (a kept value serves all users"];
    fails("keeps-what-is-the-users", "kept-values-do-not-depend-on-the-user", &says);
}

#[test]
fn a_setting_that_an_undeclared_parameter_replaces_is_found() {
    let says = [
        "setting audience sent as a parameter, upstream request 1/form/assertion/claims/aud: expected api (as without it; declare",
    ];
    fails("undeclared-parameter", "a-setting-sent-as-a-parameter-changes-nothing", &says);
}

#[test]
fn a_parameter_that_gets_somewhere_else_is_found() {
    let case = "a-hostile-parameter-is-refused-or-harmless";
    let says = [
        "parameter place = \"auth0|bob\", upstream request 1/form/assertion/claims/sub: expected main (refuse it",
    ];
    fails("place-is-the-user", case, &says);
    let says = [
        "parameter place = \"../x\", upstream request 1: expected https://login.example.com and 3 segments in the path",
    ];
    fails("place-in-the-path", case, &says);
    let says =
        ["parameter place = \"x&injected=y\", upstream request 1/form/injected: expected no such name"];
    fails("place-in-the-body", case, &says);
    let says =
        ["parameter place = \"\", answer: expected a refusal", "got 500, Internal: the place cannot be used"];
    fails("parameter-is-a-fault", case, &says);
}

#[test]
fn an_attribute_that_nobody_expected_is_found() {
    let case = "an-unexpected-attribute-is-refused-or-harmless";
    let says = [
        "attribute nickname absent, answer: expected a refusal",
        "got 500, Internal: the user has no nickname",
    ];
    fails("absent-attribute-is-a-fault", case, &says);
    fails("attribute-of-another-type-panics", case, &["attribute nickname = 7, answer", "got 500, Panicked"]);
    let says = ["attribute nickname = \"\\\"'<>&]]>{}\\\\\", upstream request 1/form/profile: expected XML"];
    fails("unescaped-xml", case, &says);
}

#[test]
fn a_revocation_that_nobody_confirmed_is_found() {
    let case = "a-revocation-that-a-busy-upstream-does-not-confirm-fails";
    let says = [
        "answer to a status 429 with Retry-After of exchange 1: expected a failure, because the credential may still be valid",
        "got that it is revoked",
    ];
    fails("busy-is-revoked", case, &says);
}

#[test]
fn a_revocation_whose_answer_nobody_reads_is_found() {
    let case = "a-failed-upstream-revocation-is-reported/empty-answer";
    let mut spec = spec("none");
    let not_run = report_with(&spec, &[case]);
    assert_eq!((not_run.counts.failed, not_run.counts.not_run), (0, 1), "{}", to_table(&not_run));
    spec["issuers"]["chosen_bug"]["revocation"][0]["outcome"]["reply"]["body"] = r#"{"revoked":true}"#.into();
    let report = report_with(&spec, &[case]);
    let status =
        report.failures[0].differences.iter().find(|difference| difference.what == "status").unwrap();
    assert_eq!((status.expected.as_str(), status.got.as_str()), ("502", "200"));
}

#[test]
fn what_differs_from_second_to_second_and_from_process_to_process_is_found() {
    let case = "equal-grants-give-equal-credentials-in-two-processes";
    fails(
        "own-clock",
        case,
        &["in a later process, credential/at: expected", "use the time and the entropy of the grant"],
    );
    fails("order-of-a-hash-map", case, &["in a later process, credential/order/"]);
}

#[test]
fn a_parameter_or_an_attribute_that_is_corrected_is_found() {
    let case = "a-parameter-is-used-as-it-is-or-refused";
    let says = [
        "parameter place = \" main\": expected a refusal, or another credential or upstream request",
        "got the same as with \"main\"",
    ];
    fails("place-is-trimmed", case, &says);
    fails("place-is-ignored", case, &["parameter place = \"mainx\"", "parameter place = \"MAIN\""]);
    let says = ["attribute nickname = \"alice \": expected a refusal", "got the same as with \"alice\""];
    fails("nickname-is-trimmed", "an-attribute-is-used-as-it-is-or-refused", &says);
}

#[test]
fn an_address_that_nobody_has_verified_is_found() {
    let says =
        ["upstream request 1/form/profile/user/email: expected a refusal, or no address", "got the address"];
    fails("unverified-address", "an-unverified-address-identifies-nobody", &says);
}

#[test]
fn an_expiry_that_is_made_up_is_found() {
    let says = [
        "last reply, expires_in ten years later: expected a refusal (compare the stated expiry",
        "last reply, without expires_in: expected a refusal, or a credential without an expiry",
    ];
    fails("expiry-is-ignored", "an-expiry-that-an-upstream-states-is-believed", &says);
}

#[test]
fn a_user_id_that_is_cut_is_found() {
    let says = [
        "users whose ids have 128 equal letters and another last one: expected a refusal, or another credential",
        "got the same",
    ];
    fails("user-is-cut", "long-user-ids-stay-different", &says);
}
