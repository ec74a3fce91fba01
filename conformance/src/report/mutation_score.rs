//! Mutation scores: which mutants the cases detect.

use schemars::JsonSchema;
use serde::Serialize;

use crate::profile::Profile;

/// How many mutants the cases detect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MutationScore {
    /// Number of mutants that a case detects.
    pub killed: usize,
    /// Number of mutants that no case detects.
    pub survived: usize,
    /// Number of mutants that do not apply to this plugin.
    pub unsupported: usize,
    /// Every mutant, ordered by profile, or by request.
    pub mutants: Vec<MutantReport>,
}

/// One mutant and its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MutantReport {
    /// Its id.
    pub mutant: String,
    /// What the mutant does wrong, in one sentence.
    pub description: String,
    /// The profile whose cases should detect it; absent for a mutant of a plugin's request, which the plugin's own fixtures
    /// should detect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Whether a case detects it.
    #[serde(flatten)]
    pub result: MutantResult,
}

/// Whether a case detects a mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum MutantResult {
    /// A case detects it.
    Killed {
        /// The first case that does.
        by: String,
    },
    /// No case detects it.
    Survived,
    /// It does not apply to this plugin.
    Unsupported {
        /// Why it does not apply.
        reason: String,
    },
}

/// What the mutants of a score change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScoreKind {
    /// The engine around the plugin.
    Engine,
    /// The plugin's requests to upstreams.
    Requests,
}

impl ScoreKind {
    /// The name of its part of a report.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            Self::Engine => "mutation-score",
            Self::Requests => "request-mutation-score",
        }
    }

    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Engine => "faults of the engine",
            Self::Requests => "mutants of the plugin's requests",
        }
    }
}

impl MutationScore {
    pub(crate) fn of(mutants: Vec<MutantReport>) -> Self {
        let count =
            |fits: fn(&MutantResult) -> bool| mutants.iter().filter(|mutant| fits(&mutant.result)).count();
        Self {
            killed: count(|result| matches!(result, MutantResult::Killed { .. })),
            survived: count(|result| *result == MutantResult::Survived),
            unsupported: count(|result| matches!(result, MutantResult::Unsupported { .. })),
            mutants,
        }
    }
}
