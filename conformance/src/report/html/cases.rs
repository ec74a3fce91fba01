//! Every case under its profile: passed cases are folded, the others state their reason.

use std::fmt;

use crate::report::escaped::Escaped;
use crate::report::model::{CaseWithReason, FailureReport, ProfileReport, Report};

/// The cases of every profile that has any.
pub(super) struct CasesSection<'a>(pub(super) &'a Report);

impl fmt::Display for CasesSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "<section aria-labelledby=\"cases\">\n<h2 id=\"cases\">Cases</h2>")?;
        for profile in &self.0.profiles {
            write_profile(f, profile, &self.0.failures)?;
        }
        writeln!(f, "</section>")
    }
}

fn write_profile(
    f: &mut fmt::Formatter<'_>,
    profile: &ProfileReport,
    failures: &[FailureReport],
) -> fmt::Result {
    let with_reasons = [
        ("warned", "warnings", &profile.warned),
        ("allowed", "allowed otherwise", &profile.allowed_otherwise),
        ("expected", "failed as expected", &profile.expected_failures),
        ("skipped", "skipped", &profile.skipped),
        ("unsupported", "unsupported", &profile.unsupported),
        ("not-run", "not run", &profile.not_run),
    ];
    if profile.passed.is_empty()
        && profile.failed.is_empty()
        && with_reasons.iter().all(|(.., cases)| cases.is_empty())
    {
        return Ok(());
    }
    let name = profile.profile;
    writeln!(
        f,
        "<section class=\"profile\" aria-labelledby=\"profile-{name}\">\n<h3 id=\"profile-{name}\">{name}</h3>"
    )?;
    write_failed(f, profile, failures)?;
    for (class, word, cases) in with_reasons {
        write_with_reasons(f, class, word, cases)?;
    }
    write_passed(f, &profile.passed)?;
    writeln!(f, "</section>")
}

fn write_passed(f: &mut fmt::Formatter<'_>, cases: &[String]) -> fmt::Result {
    if cases.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "<details>\n<summary class=\"passed\">{} passed</summary>\n<ul class=\"names\">",
        cases.len()
    )?;
    for case in cases {
        writeln!(f, "<li>{}</li>", Escaped(case))?;
    }
    writeln!(f, "</ul>\n</details>")
}

fn write_failed(
    f: &mut fmt::Formatter<'_>,
    profile: &ProfileReport,
    failures: &[FailureReport],
) -> fmt::Result {
    if profile.failed.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "<details open>\n<summary class=\"failed\">{} failed</summary>\n<ul class=\"names\">",
        profile.failed.len()
    )?;
    let numbered = failures.iter().zip(1_usize..).filter(|(failure, _)| failure.profile == profile.profile);
    for (failure, number) in numbered {
        writeln!(f, "<li><a href=\"#failure-{number}\">{}</a></li>", Escaped(&failure.case))?;
    }
    writeln!(f, "</ul>\n</details>")
}

fn write_with_reasons(
    f: &mut fmt::Formatter<'_>,
    class: &str,
    word: &str,
    cases: &[CaseWithReason],
) -> fmt::Result {
    if cases.is_empty() {
        return Ok(());
    }
    writeln!(
        f,
        "<details open>\n<summary class=\"{class}\">{} {word}</summary>\n<dl class=\"reasons\">",
        cases.len()
    )?;
    for (reason, cases) in by_reason(cases) {
        writeln!(f, "<div><dt>{}</dt>", Escaped(reason))?;
        for case in cases {
            writeln!(f, "<dd>{}</dd>", Escaped(case))?;
        }
        writeln!(f, "</div>")?;
    }
    writeln!(f, "</dl>\n</details>")
}

/// The cases by reason, so that a reason of many cases is written once. Reasons keep the order of their first case.
fn by_reason(cases: &[CaseWithReason]) -> Vec<(&str, Vec<&str>)> {
    let mut reasons: Vec<(&str, Vec<&str>)> = Vec::new();
    for CaseWithReason { case, reason } in cases {
        match reasons.iter_mut().find(|(known, _)| known == reason) {
            Some((_, cases)) => cases.push(case),
            None => reasons.push((reason, vec![case])),
        }
    }
    reasons
}
