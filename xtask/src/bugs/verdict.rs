//! What noticed a bug, read from the reports of the suite.

use serde_json::Value;

use crate::bugs::bug::Bug;

/// How the texts begin with which the host tells an author that it refused what the plugin answered or asked for.
const HOST_SAYS: [&str; 6] = [
    "the issuer broke its contract",
    "the issuer did not answer",
    "the issuer does not state",
    "the issuer states",
    "the credential ",
    "the token",
];

/// What noticed a bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The core cases and the probes, also if `plugin.yaml` expects nothing of requests and credentials.
    Core,
    /// The core cases, because `plugin.yaml` says what requests or credentials must be.
    CoreByExpectation,
    /// A case of the plugin's own.
    Fixtures,
    /// The host, which did not load the plugin or refused what it answered, and said why.
    Host,
    Missed,
}

impl Verdict {
    pub const ALL: [Self; 5] =
        [Self::Core, Self::CoreByExpectation, Self::Fixtures, Self::Host, Self::Missed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::CoreByExpectation => "core by expectation",
            Self::Fixtures => "fixtures",
            Self::Host => "host",
            Self::Missed => "missed",
        }
    }

    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    pub fn is_core(self) -> bool {
        matches!(self, Self::Core | Self::CoreByExpectation)
    }

    /// Whether it is the same, as far as a sample tells, which does not run without expectations.
    pub fn agrees(self, other: Self) -> bool {
        self == other || (self.is_core() && other.is_core())
    }
}

/// A bug, and what noticed it.
pub struct Found<'b> {
    pub bug: &'b Bug,
    pub verdict: Verdict,
}

/// The result of one run of the suite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Passed,
    /// A case failed, of this id.
    Failed(String),
    /// The host did not load the plugin, or refused an answer in this case, and said why.
    RefusedByHost(String),
}

impl Outcome {
    /// Of a report in JSON. If the host refused in any of the failed cases, the bug is counted for the host, even if other
    /// cases notice it in another way: the suite must not be given what is the host's.
    pub fn of_report(report: &Value) -> Self {
        let failures = report.pointer("/failures").and_then(Value::as_array);
        let failures: Vec<&Value> = failures.into_iter().flatten().collect();
        let case = |failure: &Value| {
            failure.get("case").and_then(Value::as_str).unwrap_or("a case without an id").to_owned()
        };
        match (failures.iter().find(|failure| shows_host(failure)), failures.first()) {
            (Some(refused), _) => Self::RefusedByHost(case(refused)),
            (None, Some(failed)) => Self::Failed(case(failed)),
            (None, None) => Self::Passed,
        }
    }
}

fn shows_host(failure: &Value) -> bool {
    let differences = failure.get("differences").and_then(Value::as_array).into_iter().flatten();
    let mut got = differences.filter_map(|difference| difference.get("got")?.as_str());
    got.any(|got| HOST_SAYS.iter().any(|says| got.starts_with(says)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome(failures: Value) -> Outcome {
        Outcome::of_report(&json!({ "failures": failures }))
    }

    #[test]
    fn a_run_without_failures_passed() {
        assert_eq!(outcome(json!([])), Outcome::Passed);
    }

    #[test]
    fn a_failed_case_is_the_suites_unless_the_host_says_why_it_refused() {
        let differs = |what: &str, got: &str| json!([{ "what": what, "expected": "none", "got": got }]);
        let own = json!({ "case": "a", "differences": differs("status", "500") });
        assert_eq!(outcome(json!([own])), Outcome::Failed("a".to_owned()));
        let panicked = differs("reason in the audit event", "index out of bounds at plugins/a/src/lib.rs:3");
        assert_eq!(
            outcome(json!([{ "case": "a", "differences": panicked }])),
            Outcome::Failed("a".to_owned())
        );
        let refused = differs("reason in the audit event", "the credential outlives its grant");
        let refused = json!({ "case": "b", "differences": refused });
        assert_eq!(outcome(json!([own, refused])), Outcome::RefusedByHost("b".to_owned()));
    }

    #[test]
    fn a_verdict_is_read_by_its_name_and_a_sample_does_not_tell_the_two_kinds_of_core_apart() {
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::of_name(verdict.name()), Some(verdict));
            assert!(verdict.agrees(verdict));
        }
        assert_eq!(Verdict::of_name("noticed"), None);
        assert!(Verdict::Core.agrees(Verdict::CoreByExpectation));
        assert!(!Verdict::Core.agrees(Verdict::Fixtures) && !Verdict::Missed.agrees(Verdict::Core));
    }
}
