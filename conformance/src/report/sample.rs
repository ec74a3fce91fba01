//! A small invented report with every kind of result, for the tests of the formats.

use std::time::Duration;

use crate::profile::Profile;
use crate::report::difference::Difference;
use crate::report::model::{
    CaseWithReason, Counts, FailureReport, ImplementationReport, ProfileReport, REPORT_VERSION, Report,
};
use crate::report::mutation_score::{MutantReport, MutantResult, MutationScore};
use crate::report::outcome::{CaseRecord, ShownExchange, ShownUpstreamExchange};

/// The report, with each text changed by `written`.
pub(super) fn report(written: fn(&str) -> String) -> Report {
    let with_reason =
        |case: &str, reason: &str| CaseWithReason { case: written(case), reason: written(reason) };
    let mut profiles: Vec<ProfileReport> = Profile::ALL.into_iter().map(ProfileReport::empty).collect();
    for profile in &mut profiles {
        match profile.profile {
            Profile::Contract => profile.passed.push(written("form-and-json-bodies-give-the-same-answer")),
            Profile::Expiry => {
                profile.failed.push(written("a-lifetime-above-the-maximum-is-refused"));
                profile
                    .expected_failures
                    .push(with_reason("a-credential-expires-to-the-second", "known since 0.2"));
                profile.skipped.push(with_reason(
                    "a-credential-is-valid-from-now-on",
                    "the vendor's bug 7, until 2027-01-31",
                ));
            }
            Profile::Revocation => {
                profile.unsupported.push(with_reason("a-revocable-credential-is-revoked", "needs revocable"));
                profile.unsupported.push(with_reason("revoking-a-jwt-is-refused", "needs revocable"));
            }
            Profile::RateLimit => {
                profile.not_run.push(with_reason("one-request-is-refilled-per-minute", "needs the clock"))
            }
            _ => {}
        }
    }
    let record = CaseRecord { duration: Duration::from_millis(250), exchanges: Vec::new() };
    Report {
        report_version: REPORT_VERSION,
        suite_version: written("0.1.0"),
        created_at: written("2026-11-21T06:00:00Z"),
        implementation: ImplementationReport::Plugin {
            file: written("libexample.so"),
            sha256: written(&"5a".repeat(32)),
            name: written("example"),
            version: written("1.2.3"),
            vendor: written("Example & Sons"),
            contract: 1,
            api_types: vec![written("example"), written("example_2")],
            isolation: written("in process"),
        },
        counts: Counts {
            cases: 7,
            passed: 1,
            failed: 1,
            expected_failures: 1,
            skipped: 1,
            warned: 0,
            allowed_otherwise: 0,
            unsupported: 2,
            not_run: 1,
        },
        profiles,
        failures: vec![failure(written)],
        mutation_score: Some(mutation_score(written)),
        request_mutation_score: Some(request_mutation_score(written)),
        records: [(written("a-lifetime-above-the-maximum-is-refused"), record)].into(),
    }
}

/// A report about a token endpoint, with the results that only such a report has.
pub(super) fn token_endpoint(written: fn(&str) -> String) -> Report {
    let listed = |case: &str| vec![CaseWithReason { case: written(case), reason: written("RFC 6749 §5.1") }];
    let mut profile = ProfileReport::empty(Profile::TokenExchange);
    profile.passed.push(written("tx.exchange"));
    profile.warned = listed("tx.answer.expires-in");
    profile.allowed_otherwise = listed("tx.answer.pragma");
    profile.not_run = listed("tx.endpoint.tls");
    let implementation = ImplementationReport::TokenEndpoint {
        token_endpoint: written("https://login.example.com/token"),
        client_id: written("backend"),
    };
    Report {
        implementation,
        counts: Counts {
            cases: 4,
            passed: 1,
            warned: 1,
            allowed_otherwise: 1,
            not_run: 1,
            ..Counts::default()
        },
        profiles: vec![profile],
        failures: Vec::new(),
        mutation_score: None,
        request_mutation_score: None,
        ..report(written)
    }
}

/// A report whose only case was skipped.
pub(super) fn nothing_ran() -> Report {
    let mut report = report(str::to_owned);
    report.profiles = vec![ProfileReport::empty(Profile::Contract)];
    let reason = "a bug of the vendor".to_owned();
    report.profiles.iter_mut().for_each(|profile| {
        profile.skipped.push(CaseWithReason { case: "the-only-case".to_owned(), reason: reason.clone() });
    });
    report.counts = Counts { cases: 1, skipped: 1, ..Counts::default() };
    report.failures.clear();
    report.mutation_score = None;
    report.request_mutation_score = None;
    report
}

/// The text followed by markup and by characters that hide or reverse what follows.
pub(super) fn hostile(text: &str) -> String {
    format!(
        "{text}\"'> </code></td></pre></style></title><script>alert(1)</script><img src=x onerror=alert(1)> \
         ]]> --> <!-- &lt; &#60; \0\u{8}\u{1b}[2J\r\n\t\u{85}\u{202e}\u{2066}\u{feff}\u{fffe}\u{ffff}"
    )
}

fn failure(written: fn(&str) -> String) -> FailureReport {
    FailureReport {
        case: written("a-lifetime-above-the-maximum-is-refused"),
        profile: Profile::Expiry,
        description: written("A lifetime above the maximum is refused."),
        step: 2,
        differences: vec![
            Difference::new(written("status"), written("400"), written("200")),
            Difference::new(written("error"), written("\"invalid_request\""), written("absent")),
        ],
        exchange: Some(ShownExchange {
            request: written("POST /delegation"),
            request_headers: vec![written("content-type: application/json")],
            request_body: written(r#"{"id_token":"<jwt 440 bytes>"}"#),
            status: 200,
            response_headers: vec![written("cache-control: no-store")],
            response_body: written(r#"{"id_token":"<jwt 240 bytes>"}"#),
            upstream: vec![
                ShownUpstreamExchange {
                    request: written("POST login.example.com/token"),
                    request_headers: vec![written("authorization: Basic <24 bytes>")],
                    request_body: written("assertion=<jwt 300 bytes>"),
                    status: Some(400),
                    reply: written(r#"{"error":"invalid_grant"}"#),
                },
                ShownUpstreamExchange {
                    request: written("GET login.example.com/status"),
                    request_headers: Vec::new(),
                    request_body: String::new(),
                    status: None,
                    reply: written("no answer in time"),
                },
            ],
            log: vec![written("WARN the upstream is slow")],
        }),
        reproduce: written("locum conformance libexample.so --only a-lifetime-above-the-maximum-is-refused"),
    }
}

fn mutation_score(written: fn(&str) -> String) -> MutationScore {
    let mutant = |mutant: &str, description: &str, result: MutantResult| MutantReport {
        mutant: written(mutant),
        description: written(description),
        profile: Some(Profile::Contract),
        result,
    };
    MutationScore {
        killed: 1,
        survived: 1,
        unsupported: 1,
        mutants: vec![
            mutant(
                "sets-the-audience-to-the-caller",
                "The audience of the credential is the caller.",
                MutantResult::Killed { by: written("form-and-json-bodies-give-the-same-answer") },
            ),
            mutant("reuses-the-jti", "Two credentials have the same jti.", MutantResult::Survived),
            mutant(
                "reports-a-revocation-that-did-not-happen",
                "The response says revoked, and nothing was revoked.",
                MutantResult::Unsupported { reason: written("needs revocable") },
            ),
        ],
    }
}

fn request_mutation_score(written: fn(&str) -> String) -> MutationScore {
    let mutant = |mutant: &str, description: &str, result: MutantResult| MutantReport {
        mutant: written(mutant),
        description: written(description),
        profile: None,
        result,
    };
    MutationScore::of(vec![
        mutant(
            "delegation-1/form/scope/left-out",
            "Request 1 of a delegation has nothing at `form:scope`.",
            MutantResult::Killed { by: written("a-valid-request-gets-the-declared-credential") },
        ),
        mutant(
            "delegation-1/form/assertion/aud/other",
            "Request 1 of a delegation has another `aud` in the JWT at `form:assertion`.",
            MutantResult::Survived,
        ),
    ])
}
