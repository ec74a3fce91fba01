//! A small made-up report that holds one of everything, for the tests of its forms.

use super::{
    Counts, Excused, FailureReport, Fate, KillScore, MutantReport, REPORT_VERSION, Report, ShownExchange,
    SubjectReport,
};
use crate::judge::Difference;
use crate::profile::Profile;
use crate::report::ProfileReport;

/// The report, with each of its texts as `written` writes it.
pub(super) fn report(written: fn(&str) -> String) -> Report {
    let excused = |case: &str, reason: &str| Excused { case: written(case), reason: written(reason) };
    let mut profiles: Vec<ProfileReport> = Profile::ALL.into_iter().map(ProfileReport::empty).collect();
    for profile in &mut profiles {
        match profile.profile {
            Profile::Contract => profile.passed.push(written("form-and-json-bodies-give-the-same-answer")),
            Profile::Expiry => {
                profile.failed.push(written("a-lifetime-above-the-maximum-is-refused"));
                profile.expected_failures.push(excused("a-life-ends-to-the-second", "known since 0.2"));
                profile
                    .skipped
                    .push(excused("a-life-starts-at-once", "the vendor's bug 7, until 2027-01-31"));
            }
            Profile::Revocation => {
                profile.unsupported.push(excused("a-revocable-credential-is-revoked", "needs revocable"));
                profile.unsupported.push(excused("revoking-a-jwt-is-refused", "needs revocable"));
            }
            Profile::RateLimit => profile.not_run.push(excused("a-minute-gives-one-back", "needs the clock")),
            _ => {}
        }
    }
    Report {
        report: REPORT_VERSION,
        suite: written("0.1.0"),
        made_at: written("2026-11-21T06:00:00Z"),
        subject: SubjectReport::Plugin {
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
            unsupported: 2,
            not_run: 1,
        },
        profiles,
        failures: vec![failure(written)],
        kill_score: Some(kill_score(written)),
    }
}

/// A report of which every case was skipped.
pub(super) fn nothing_ran() -> Report {
    let mut report = report(str::to_owned);
    report.profiles = vec![ProfileReport::empty(Profile::Contract)];
    let reason = "somebody skipped it".to_owned();
    report.profiles.iter_mut().for_each(|profile| {
        profile.skipped.push(Excused { case: "the-only-case".to_owned(), reason: reason.clone() });
    });
    report.counts = Counts { cases: 1, skipped: 1, ..Counts::default() };
    report.failures.clear();
    report.kill_score = None;
    report
}

/// A text that is markup where it is not escaped, and that hides and turns what follows where it is shown as it is.
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
        description: written("A life that is longer than the longest is refused."),
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
            answer_headers: vec![written("cache-control: no-store")],
            answer_body: written(r#"{"id_token":"<jwt 240 bytes>"}"#),
        }),
        reproduce: written("locum conformance libexample.so --only a-lifetime-above-the-maximum-is-refused"),
    }
}

fn kill_score(written: fn(&str) -> String) -> KillScore {
    let mutant = |mutant: &str, fault: &str, fate: Fate| MutantReport {
        mutant: written(mutant),
        fault: written(fault),
        profile: Profile::Contract,
        fate,
    };
    KillScore {
        killed: 1,
        survived: 1,
        unsupported: 1,
        mutants: vec![
            mutant(
                "aud-is-the-caller",
                "the credential is for the caller",
                Fate::Killed { by: written("form-and-json-bodies-give-the-same-answer") },
            ),
            mutant("jti-again", "two credentials have one jti", Fate::Survived),
            mutant(
                "revoked-but-not",
                "revoked is said, nothing is revoked",
                Fate::Unsupported { reason: written("needs revocable") },
            ),
        ],
    }
}
