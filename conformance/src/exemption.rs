//! Exemptions: cases that are not run, or that are known to fail, each with a reason and a last day.

use std::collections::BTreeSet;

use crate::comparison::Difference;
use crate::plugin_spec::{Exemption, PluginSpec};
use crate::profile::Profile;
use crate::report::{CaseResult, Failure, Outcome, Verdict};
use crate::variables::unix_seconds;

/// The exemptions of a plugin, and which of them were of any use.
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

    /// Whether a case is treated apart.
    pub(crate) fn exempts(&self, case: &str) -> bool {
        self.skip.iter().chain(self.expected_failures).any(|exemption| exemption.case == case)
    }

    /// The verdict of a case that is not run; one whose exemption has run out fails.
    pub(crate) fn skip(&mut self, case: &str) -> Option<Verdict> {
        let exemption = self.skip.iter().find(|exemption| exemption.case == case)?;
        self.used.insert(&exemption.case);
        Some(self.unless_expired(exemption, Verdict::Skipped))
    }

    /// The verdict of a case that was run. One that is known to fail and passes is a failure.
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
            Outcome::Passed => {
                failed("the case", "to fail, as expected_failures says", "a pass; take it off the list")
            }
            Outcome::Failed(_) => self.unless_expired(exemption, Verdict::ExpectedFailure),
            Outcome::NotRun(why) => Verdict::NotRun(why),
        }
    }

    fn unless_expired(&self, exemption: &Exemption, verdict: fn(String) -> Verdict) -> Verdict {
        let Exemption { reason, until, .. } = exemption;
        match unix_seconds(&format!("{until}T23:59:59Z")) {
            None => failed("last day of the exemption", "YYYY-MM-DD", until),
            Some(end) if end < self.now_unix_seconds => {
                failed("exemption", format!("to end by {until}"), reason)
            }
            Some(_) => verdict(format!("{reason} (until {until})")),
        }
    }

    /// Exemptions for cases that there are not: each is a failure.
    pub(crate) fn unused(&self) -> Vec<CaseResult> {
        let all = self.skip.iter().chain(self.expected_failures);
        all.filter(|exemption| !self.used.contains(exemption.case.as_str()))
            .map(|exemption| CaseResult {
                case: exemption.case.clone(),
                profile: Profile::Contract,
                description: "An exemption names a case that there is.".to_owned(),
                verdict: failed("exempted case", "one that is there for this plugin", "none"),
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
        Exemption { case: case.to_owned(), reason: "it is being mended".to_owned(), until: until.to_owned() }
    }

    fn spec(skip: Vec<Exemption>, expected_failures: Vec<Exemption>) -> PluginSpec {
        PluginSpec { plugin: "mine".to_owned(), cases: 0, issuers: BTreeMap::new(), skip, expected_failures }
    }

    fn said(verdict: &Verdict) -> String {
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
    fn a_skip_is_in_force_through_its_last_day() {
        let spec = spec(vec![exemption("a-case", "2026-11-21"), exemption("late", "2026-11-20")], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        assert_eq!(
            said(&exemptions.skip("a-case").unwrap()),
            "skipped: it is being mended (until 2026-11-21)"
        );
        let late = said(&exemptions.skip("late").unwrap());
        assert_eq!(late, "failed: exemption: to end by 2026-11-20, it is being mended");
        assert!(exemptions.skip("another-case").is_none());
    }

    #[test]
    fn a_skip_without_a_day_fails() {
        let spec = spec(vec![exemption("a-case", "soon")], vec![]);
        let verdict = Exemptions::of(&spec, TODAY).skip("a-case").unwrap();
        assert_eq!(said(&verdict), "failed: last day of the exemption: YYYY-MM-DD, soon");
    }

    #[test]
    fn an_expected_failure_that_does_not_happen_fails() {
        let spec = spec(vec![], vec![exemption("a-case", "2026-12-31")]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        let failed = exemptions.verdict("a-case", failure());
        assert_eq!(said(&failed), "expected: it is being mended (until 2026-12-31)");
        let passed = exemptions.verdict("a-case", Outcome::Passed);
        assert!(said(&passed).starts_with("failed: the case: to fail"), "{}", said(&passed));
    }

    #[test]
    fn an_expected_failure_that_has_run_out_fails() {
        let spec = spec(vec![], vec![exemption("a-case", "2026-01-01")]);
        let verdict = Exemptions::of(&spec, TODAY).verdict("a-case", failure());
        assert!(said(&verdict).starts_with("failed: exemption"), "{}", said(&verdict));
    }

    #[test]
    fn an_exemption_for_a_case_that_there_is_not_fails() {
        let spec = spec(vec![exemption("a-case", "2026-12-31"), exemption("a-csae", "2026-12-31")], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        exemptions.skip("a-case");
        let unused: Vec<String> = exemptions.unused().into_iter().map(|judged| judged.case).collect();
        assert_eq!(unused, ["a-csae"]);
    }

    #[test]
    fn a_case_without_an_exemption_counts_as_it_comes() {
        let spec = spec(vec![], vec![]);
        let mut exemptions = Exemptions::of(&spec, TODAY);
        assert_eq!(said(&exemptions.verdict("a-case", Outcome::Passed)), "passed");
        assert_eq!(said(&exemptions.verdict("a-case", failure())), "failed: status: 200, 500");
    }
}
