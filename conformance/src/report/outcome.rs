//! The outcome of one case: as it ran, and as the report counts it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::profile::Profile;
use crate::report::difference::Difference;

/// The result of running a case.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Passed,
    Failed(Failure),
    /// The case cannot run against this implementation, for this reason.
    NotRun(String),
}

/// Why a case failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The number of the step, from 1; 0 before the first step.
    pub(crate) step: usize,
    pub(crate) differences: Vec<Difference>,
    pub(crate) exchange: Option<ShownExchange>,
}

/// A request and its response, with tokens and secrets removed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownExchange {
    /// Method and target.
    pub request: String,
    /// Header lines of the request.
    pub request_headers: Vec<String>,
    /// Body of the request.
    pub request_body: String,
    /// HTTP status of the response.
    pub status: u16,
    /// Header lines of the response.
    pub response_headers: Vec<String>,
    /// Body of the response.
    pub response_body: String,
    /// What the plugin asked upstreams for it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub upstream: Vec<ShownUpstreamExchange>,
    /// What the plugin logged. A line that it writes at both levels of isolation is here once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log: Vec<String>,
}

/// A request of the plugin to an upstream and what it got, with tokens and secrets removed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownUpstreamExchange {
    /// Method and URL.
    pub request: String,
    /// Header lines of the request.
    pub request_headers: Vec<String>,
    /// Body of the request.
    pub request_body: String,
    /// HTTP status of the reply; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Body of the reply, or why there was none.
    pub reply: String,
}

/// How the report counts a case. The texts are reasons.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Passed,
    /// Not as recommended.
    Warned(String),
    /// Not as required, but as another paragraph allows.
    AllowedOtherwise(String),
    Failed(Failure),
    ExpectedFailure(String),
    Skipped(String),
    Unsupported(String),
    NotRun(String),
}

/// A case and its verdict.
#[derive(Debug, Clone)]
pub(crate) struct CaseResult {
    pub(crate) case: String,
    pub(crate) profile: Profile,
    pub(crate) description: String,
    pub(crate) verdict: Verdict,
    pub(crate) record: CaseRecord,
}

/// What is known of a case besides its result. It differs from run to run, so only files that say so contain it.
#[derive(Debug, Clone, Default)]
pub(crate) struct CaseRecord {
    /// How long it ran.
    pub(crate) duration: Duration,
    /// Its exchanges, if they are kept.
    pub(crate) exchanges: Vec<ShownExchange>,
}

impl Failure {
    /// A failure that belongs to no step yet.
    pub(crate) fn of(differences: Vec<Difference>) -> Self {
        Self { step: 0, differences, exchange: None }
    }
}

impl Outcome {
    /// A failure before the first step.
    pub(crate) fn failed_before(difference: Difference) -> Self {
        Self::Failed(Failure::of(vec![difference]))
    }
}
