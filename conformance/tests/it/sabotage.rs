//! The suite bites: plugins that differ from a good one in one fault fail, and for that fault.

use locum_conformance::Report;

use crate::shipped::judged;

/// What every failure of the report was about.
fn faults(report: &Report) -> Vec<String> {
    let differences = report.failures.iter().flat_map(|failure| &failure.differences);
    let mut faults: Vec<String> =
        differences.map(|difference| format!("{}: {}", difference.what, difference.got)).collect();
    faults.sort();
    faults.dedup();
    faults
}

#[test]
fn tokens_that_outlive_their_grant_fail() {
    let report = judged("locum-bad-outlives");
    assert_ne!(report.exit_code(), 0);
    let faults = faults(&report);
    assert!(faults.iter().any(|fault| fault.contains("outlives its grant")), "{faults:#?}");
    let refusals = report.failures.iter().filter(|failure| failure.description.contains("refused"));
    let innocent: Vec<&str> = refusals
        .filter(|failure| failure.exchange.as_ref().is_some_and(|exchange| exchange.status < 500))
        .map(|failure| failure.case.as_str())
        .collect();
    assert!(innocent.is_empty(), "a refusal has nothing to do with it: {innocent:?}");
}

#[test]
fn tokens_for_the_wrong_audience_fail() {
    let report = judged("locum-bad-swaps-aud");
    assert_ne!(report.exit_code(), 0);
    assert!(faults(&report).contains(&"claim aud: \"caller\"".to_owned()), "{}", report.table());
    for failure in &report.failures {
        let about_the_audience = failure.differences.iter().all(|difference| {
            difference.what.contains("aud")
                // A token that is made out to the caller passes for one of the caller's own.
                || failure.case == "a-token-for-another-client-cannot-be-renewed"
        });
        assert!(about_the_audience, "{}", report.table());
    }
}

#[test]
fn a_failure_says_what_differs_and_how_to_see_it_again() {
    let report = judged("locum-bad-swaps-aud");
    let failure =
        report.failures.iter().find(|failure| failure.case == "an-hs256-target-gets-six-claims").unwrap();
    assert_eq!(failure.step, 1);
    assert_eq!(failure.differences[0].expected, "\"target\"");
    assert_eq!(failure.differences[0].got, "\"caller\"");
    assert!(failure.reproduce.ends_with(" --only an-hs256-target-gets-six-claims"), "{}", failure.reproduce);
    let exchange = failure.exchange.as_ref().unwrap();
    assert!(exchange.request_body.contains("<jwt "), "{}", exchange.request_body);
    assert!(!report.to_yaml().contains("eyJ"));
}
