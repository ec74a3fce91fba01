//! Exemptions: cases that are not run, or that are known to fail, each with a reason and a last day.

use std::collections::BTreeSet;

use crate::judge::Difference;
use crate::profile::Profile;
use crate::report::{Failure, Judged, Outcome, Verdict};
use crate::sheet::{Exemption, PluginSheet};
use crate::variables::unix_seconds;

/// The exemptions of a plugin, and which of them were of any use.
pub(crate) struct Exemptions<'a> {
    skip: &'a [Exemption],
    expected_failures: &'a [Exemption],
    now_unix_seconds: i64,
    used: BTreeSet<&'a str>,
}

impl<'a> Exemptions<'a> {
    pub(crate) fn of(sheet: &'a PluginSheet, now_unix_seconds: i64) -> Self {
        let PluginSheet { skip, expected_failures, .. } = sheet;
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
        Some(self.if_in_force(exemption, Verdict::Skipped))
    }

    /// The verdict of a case that was run. One that is known to fail and passes is a failure.
    pub(crate) fn judged(&mut self, case: &str, outcome: Outcome) -> Verdict {
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
            Outcome::Failed(_) => self.if_in_force(exemption, Verdict::ExpectedFailure),
            Outcome::NotRun(why) => Verdict::NotRun(why),
        }
    }

    fn if_in_force(&self, exemption: &Exemption, verdict: fn(String) -> Verdict) -> Verdict {
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
    pub(crate) fn unused(&self) -> Vec<Judged> {
        let all = self.skip.iter().chain(self.expected_failures);
        all.filter(|exemption| !self.used.contains(exemption.case.as_str()))
            .map(|exemption| Judged {
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
