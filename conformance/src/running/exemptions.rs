//! Exemptions: cases that are skipped, or expected to fail, each with a reason and a last day.

use std::collections::BTreeSet;

use crate::fixtures::plugin_spec::{Exemption, PluginSpec};
use crate::fixtures::variables::unix_seconds;
use crate::profile::Profile;
use crate::report::{CaseRecord, CaseResult, Difference, Failure, Outcome, Verdict};

/// The exemptions of a plugin, and which of them were used.
pub(crate) struct Exemptions<'a> {
    skip: &'a [Exemption],
    expected_failures: &'a [Exemption],
    now_unix_seconds: i64,
    used: BTreeSet<&'a str>,
}

impl<'a> Exemptions<'a> {
    pub(crate) fn of(spec: &'a PluginSpec, now_unix_seconds: i64) -> Self {
        let PluginSpec { skip, expected_failures, .. } = spec;
        Self { skip, expected_failures, now_unix_seconds, used: BTreeSet::new() }
    }

    /// Whether a case is exempted.
    pub(crate) fn contains(&self, case: &str) -> bool {
        self.skip.iter().chain(self.expected_failures).any(|exemption| exemption.case == case)
    }

    /// The verdict of a case that is listed under `skip`. It fails if the exemption has expired.
    pub(crate) fn skip(&mut self, case: &str) -> Option<Verdict> {
        let exemption = self.skip.iter().find(|exemption| exemption.case == case)?;
        self.used.insert(&exemption.case);
        Some(self.unless_expired(exemption, Verdict::Skipped))
    }

    /// The verdict of a case that ran. A case that is listed under `expected_failures` fails if it passed.
    pub(crate) fn verdict(&mut self, case: &str, outcome: Outcome) -> Verdict {
        let Some(exemption) = self.expected_failures.iter().find(|exemption| exemption.case == case) else {
            return match outcome {
                Outcome::Passed => Verdict::Passed,
                Outcome::Failed(failure) => Verdict::Failed(failure),
                Outcome::NotRun(why) => Verdict::NotRun(why),
            };
        };
        self.used.insert(&exemption.case);
        match outcome {
            Outcome::Passed => failed(
                "result",
                "a failure, as listed in expected_failures",
                "a pass; remove it from the list",
            ),
            Outcome::Failed(_) => self.unless_expired(exemption, Verdict::ExpectedFailure),
            Outcome::NotRun(why) => Verdict::NotRun(why),
        }
    }

    fn unless_expired(&self, exemption: &Exemption, verdict: fn(String) -> Verdict) -> Verdict {
        let Exemption { reason, until, .. } = exemption;
        match unix_seconds(&format!("{until}T23:59:59Z")) {
            None => failed("last day of the exemption", "YYYY-MM-DD", until),
            Some(end) if end < self.now_unix_seconds => {
                failed("exemption", format!("removed after {until}"), reason)
            }
            Some(_) => verdict(format!("{reason} (until {until})")),
        }
    }

    /// A failure for each exemption whose case does not exist.
    pub(crate) fn unused(&self) -> Vec<CaseResult> {
        let all = self.skip.iter().chain(self.expected_failures);
        all.filter(|exemption| !self.used.contains(exemption.case.as_str()))
            .map(|exemption| CaseResult {
                case: exemption.case.clone(),
                profile: Profile::Contract,
                description: "Every exemption names an existing case.".to_owned(),
                verdict: failed("exempted case", "an existing case of this plugin", "none"),
                record: CaseRecord::default(),
            })
            .collect()
    }
}

fn failed(what: &str, expected: impl Into<String>, got: impl Into<String>) -> Verdict {
    Verdict::Failed(Failure::of(vec![Difference::new(what, expected, got)]))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// 2026-11-21T00:00:00Z
    const TODAY: i64 = 1_795_219_200;

    fn exemption(case: &str, until: &str) -> Exemption {
        Exemption { case: case.to_owned(), reason: "known bug".to_owned(), until: until.to_owned() }
    }

    fn spec(skip: Vec<Exemption>, expected_failures: Vec<Exemption>) -> PluginSpec {
        PluginSpec { plugin: "mine".to_owned(), cases: 0, issuers: BTreeMap::new(), skip, expected_failures }
    }

    fn text_of(verdict: &Verdict) -> String {
        match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Skipped(why) => format!("skipped: {why}"),
            Verdict::ExpectedFailure(why) => format!("expected: {why}"),
            Verdict::Failed(failure) => {
                let Difference { what, expected, got } = &failure.differences[0];
                format!("failed: {what}: {expected}, {got}")
            }
            other => format!("{other:?}"),
        }
    }

    fn failure() -> Outcome {
        Outcome::failed_before(Difference::new("status", "200", "500"))
    }

    #[test]
    fn a_skip_is_valid_through_its_last_day() {
        let spec = spec(vec![exemption("a-case", "2026-11-21"), exemption("expired", "2026-11-20")], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        assert_eq!(text_of(&exemptions.skip("a-case").unwrap()), "skipped: known bug (until 2026-11-21)");
        let expired = text_of(&exemptions.skip("expired").unwrap());
        assert_eq!(expired, "failed: exemption: removed after 2026-11-20, known bug");
        assert!(exemptions.skip("another-case").is_none());
    }

    #[test]
    fn a_skip_with_a_malformed_day_fails() {
        let spec = spec(vec![exemption("a-case", "soon")], vec![]);
        let verdict = Exemptions::of(&spec, TODAY).skip("a-case").unwrap();
        assert_eq!(text_of(&verdict), "failed: last day of the exemption: YYYY-MM-DD, soon");
    }

    #[test]
    fn an_expected_failure_that_passes_fails() {
        let spec = spec(vec![], vec![exemption("a-case", "2026-12-31")]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        let failed = exemptions.verdict("a-case", failure());
        assert_eq!(text_of(&failed), "expected: known bug (until 2026-12-31)");
        let passed = exemptions.verdict("a-case", Outcome::Passed);
        assert!(text_of(&passed).starts_with("failed: result: a failure"), "{}", text_of(&passed));
    }

    #[test]
    fn an_expired_expected_failure_fails() {
        let spec = spec(vec![], vec![exemption("a-case", "2026-01-01")]);
        let verdict = Exemptions::of(&spec, TODAY).verdict("a-case", failure());
        assert!(text_of(&verdict).starts_with("failed: exemption"), "{}", text_of(&verdict));
    }

    #[test]
    fn an_exemption_for_an_unknown_case_fails() {
        let spec = spec(vec![exemption("a-case", "2026-12-31"), exemption("a-csae", "2026-12-31")], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        exemptions.skip("a-case");
        let unused: Vec<String> = exemptions.unused().into_iter().map(|result| result.case).collect();
        assert_eq!(unused, ["a-csae"]);
    }

    #[test]
    fn a_case_without_exemption_keeps_its_outcome() {
        let spec = spec(vec![], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        assert_eq!(text_of(&exemptions.verdict("a-case", Outcome::Passed)), "passed");
        assert_eq!(text_of(&exemptions.verdict("a-case", failure())), "failed: status: 200, 500");
    }
}
