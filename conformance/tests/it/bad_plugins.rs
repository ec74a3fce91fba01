//! Plugins that differ from a correct one by one bug fail because of that bug.

use locum_conformance::Report;
use locum_conformance::report::{to_table, to_yaml};

use crate::shipped::report_of;

/// All differences of the report, without duplicates.
fn differences_of(report: &Report) -> Vec<String> {
    let differences = report.failures.iter().flat_map(|failure| &failure.differences);
    let mut faults: Vec<String> =
        differences.map(|difference| format!("{}: {}", difference.what, difference.got)).collect();
    faults.sort();
    faults.dedup();
    faults
}

#[test]
fn a_plugin_whose_tokens_outlive_their_grant_fails() {
    let report = report_of("locum-bad-outlives");
    assert_ne!(report.exit_code(), 0);
    let found = differences_of(&report);
    assert!(found.iter().any(|fault| fault.contains("outlives its grant")), "{found:#?}");
    let refusals = report.failures.iter().filter(|failure| failure.description.contains("refused"));
    let unrelated: Vec<&str> = refusals
        .filter(|failure| failure.exchange.as_ref().is_some_and(|exchange| exchange.status < 500))
        .map(|failure| failure.case.as_str())
        .collect();
    assert!(unrelated.is_empty(), "refusals must not fail: {unrelated:?}");
}

#[test]
fn a_plugin_whose_tokens_have_the_wrong_audience_fails() {
    let report = report_of("locum-bad-swaps-aud");
    assert_ne!(report.exit_code(), 0);
    assert!(differences_of(&report).contains(&"claim aud: \"caller\"".to_owned()), "{}", to_table(&report));
    for failure in &report.failures {
        let about_the_audience = failure.differences.iter().all(|difference| {
            difference.what.contains("aud")
                // A token whose audience is the caller can be presented as the caller's id_token.
                || failure.case == "a-token-for-another-client-cannot-be-renewed"
                // With the tenant's key, the host does not sign it.
                || failure.case == "an-rs256-target-gets-the-tenants-signature"
                || failure.case.starts_with("an-rsa-target-chooses-its-algorithm/")
        });
        assert!(about_the_audience, "{}", to_table(&report));
    }
}

#[test]
fn a_failure_states_the_difference_and_the_command_to_reproduce_it() {
    let report = report_of("locum-bad-swaps-aud");
    let failure =
        report.failures.iter().find(|failure| failure.case == "an-hs256-target-gets-six-claims").unwrap();
    assert_eq!(failure.step, 1);
    assert_eq!(failure.differences[0].expected, "\"target\"");
    assert_eq!(failure.differences[0].got, "\"caller\"");
    assert!(failure.reproduce.ends_with(" --only an-hs256-target-gets-six-claims"), "{}", failure.reproduce);
    let exchange = failure.exchange.as_ref().unwrap();
    assert!(exchange.request_body.contains("<jwt "), "{}", exchange.request_body);
    assert!(!to_yaml(&report).contains("eyJ"));
}
