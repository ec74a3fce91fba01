//! The report: what was run against what, and what came of it. The same run gives the same bytes.

mod escaped;
mod html;
mod junit;
#[cfg(test)]
mod sample;
mod table;
mod yaml;

use locum_abi::manifest::Manifest;
use schemars::JsonSchema;
use serde::Serialize;

use crate::comparison::Difference;
use crate::profile::{Level, Profile};

/// Version of the report's own format.
pub const REPORT_VERSION: u32 = 1;

/// What came of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "Locum conformance report")]
pub struct Report {
    /// Version of this format.
    pub report_version: u32,
    /// Version of the suite.
    pub suite_version: String,
    /// When it was run, RFC 3339, by the clock that the run was given.
    pub created_at: String,
    /// What was judged.
    pub implementation: ImplementationReport,
    /// The sums.
    pub counts: Counts,
    /// One entry for each profile, in a fixed order.
    pub profiles: Vec<ProfileReport>,
    /// Every failure, in the order of the profiles.
    pub failures: Vec<FailureReport>,
    /// Whether the suite notices faults that are put into this plugin's way; absent if nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation_score: Option<MutationScore>,
}

/// Which faults the cases noticed. Each is a fault on something that an issuer must do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MutationScore {
    /// Faults that a case noticed.
    pub killed: usize,
    /// Faults that no case noticed.
    pub survived: usize,
    /// Faults that cannot be put into this plugin's way.
    pub unsupported: usize,
    /// Every fault, by profile.
    pub mutants: Vec<MutantReport>,
}

/// What became of one fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MutantReport {
    /// Its name.
    pub mutant: String,
    /// What is wrong.
    pub description: String,
    /// Whose cases must notice it.
    pub profile: Profile,
    /// What became of it.
    #[serde(flatten)]
    pub result: MutantResult,
}

/// What became of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum MutantResult {
    /// A case noticed it.
    Killed {
        /// The first case that did.
        by: String,
    },
    /// No case noticed it.
    Survived,
    /// It cannot be put into this plugin's way.
    Unsupported {
        /// Why.
        reason: String,
    },
}

/// What was judged.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ImplementationReport {
    /// A plugin file.
    Plugin {
        /// The file's name.
        file: String,
        /// SHA-256 of its bytes.
        sha256: String,
        /// The plugin's name.
        name: String,
        /// The plugin's version.
        version: String,
        /// Who answers for it.
        vendor: String,
        /// Generation of the contract that it was built for.
        contract: u32,
        /// What it issues.
        api_types: Vec<String>,
        /// How far it was kept away from the host.
        isolation: String,
    },
    /// A running server.
    Server {
        /// Where it was asked.
        base_url: String,
        /// The api_types that it was asked for.
        api_types: Vec<String>,
    },
}

/// The sums of a report or of a profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// Cases that there are for this subject.
    pub cases: usize,
    /// Cases that came out as they must.
    pub passed: usize,
    /// Cases that did not.
    pub failed: usize,
    /// Cases that failed as was expected.
    pub expected_failures: usize,
    /// Cases that somebody exempted for now.
    pub skipped: usize,
    /// Cases for features that the subject does not have.
    pub unsupported: usize,
    /// Cases that cannot be run in this way.
    pub not_run: usize,
}

/// What came of a profile.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfileReport {
    /// The profile.
    pub profile: Profile,
    /// Who must pass it.
    pub level: Level,
    /// Cases that came out as they must.
    pub passed: Vec<String>,
    /// Cases that did not.
    pub failed: Vec<String>,
    /// Cases that failed as was expected.
    pub expected_failures: Vec<CaseWithReason>,
    /// Cases that somebody exempted for now.
    pub skipped: Vec<CaseWithReason>,
    /// Cases for features that the subject does not have.
    pub unsupported: Vec<CaseWithReason>,
    /// Cases that cannot be run in this way.
    pub not_run: Vec<CaseWithReason>,
}

/// A case that did not have to pass, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseWithReason {
    /// The case.
    pub case: String,
    /// Why.
    pub reason: String,
}

/// A case that failed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FailureReport {
    /// The case.
    pub case: String,
    /// What it is about.
    pub profile: Profile,
    /// What must be so.
    pub description: String,
    /// The step that differed, from 1; 0 before the first.
    pub step: usize,
    /// How it differed.
    pub differences: Vec<Difference>,
    /// The exchange, without tokens and secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ShownExchange>,
    /// The command that runs this case alone.
    pub reproduce: String,
}

/// An exchange, without tokens and secrets.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ShownExchange {
    /// Method and target.
    pub request: String,
    /// Header lines.
    pub request_headers: Vec<String>,
    /// The body.
    pub request_body: String,
    /// The status that came.
    pub status: u16,
    /// Header lines that came.
    pub response_headers: Vec<String>,
    /// The body that came.
    pub response_body: String,
}

/// What came of one case.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    Passed,
    Failed(Failure),
    NotRun(String),
}

/// How a case failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) step: usize,
    pub(crate) differences: Vec<Difference>,
    pub(crate) exchange: Option<ShownExchange>,
}

impl Failure {
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

/// How a case counts.
#[derive(Debug, Clone)]
pub(crate) enum Verdict {
    Passed,
    Failed(Failure),
    ExpectedFailure(String),
    Skipped(String),
    Unsupported(String),
    NotRun(String),
}

/// A case that was dealt with.
#[derive(Debug, Clone)]
pub(crate) struct CaseResult {
    pub(crate) case: String,
    pub(crate) profile: Profile,
    pub(crate) description: String,
    pub(crate) verdict: Verdict,
}

impl Report {
    /// The report of these cases. `reproduce` is the command of the run without the case.
    pub(crate) fn new(
        implementation: ImplementationReport,
        created_at: String,
        results: Vec<CaseResult>,
        reproduce: &str,
    ) -> Self {
        let mut profiles: Vec<ProfileReport> = Profile::ALL.into_iter().map(ProfileReport::empty).collect();
        let mut failures = Vec::new();
        let mut results = results;
        results.sort_by(|a, b| (a.profile, &a.case).cmp(&(b.profile, &b.case)));
        let mut counts = Counts::default();
        for CaseResult { case, profile, description, verdict } in results {
            let Some(entry) = profiles.iter_mut().find(|entry| entry.profile == profile) else { continue };
            counts.cases += 1;
            let excused = |reason| CaseWithReason { case: case.clone(), reason };
            match verdict {
                Verdict::Passed => {
                    counts.passed += 1;
                    entry.passed.push(case);
                }
                Verdict::ExpectedFailure(reason) => {
                    counts.expected_failures += 1;
                    entry.expected_failures.push(excused(reason));
                }
                Verdict::Skipped(reason) => {
                    counts.skipped += 1;
                    entry.skipped.push(excused(reason));
                }
                Verdict::Unsupported(reason) => {
                    counts.unsupported += 1;
                    entry.unsupported.push(excused(reason));
                }
                Verdict::NotRun(reason) => {
                    counts.not_run += 1;
                    entry.not_run.push(excused(reason));
                }
                Verdict::Failed(Failure { step, differences, exchange }) => {
                    counts.failed += 1;
                    entry.failed.push(case.clone());
                    let id = case.split(' ').next().unwrap_or(&case);
                    let reproduce = format!("{reproduce} --only {id}");
                    failures.push(FailureReport {
                        case,
                        profile,
                        description,
                        step,
                        differences,
                        exchange,
                        reproduce,
                    });
                }
            }
        }
        let suite_version = env!("CARGO_PKG_VERSION").to_owned();
        Self {
            report_version: REPORT_VERSION,
            suite_version,
            created_at,
            implementation,
            counts,
            profiles,
            failures,
            mutation_score: None,
        }
    }

    /// Whether nothing failed, something ran, and no mutant survived.
    pub fn passed(&self) -> bool {
        let survived = self.mutation_score.as_ref().map_or(0, |score| score.survived);
        self.counts.failed == 0 && self.counts.passed > 0 && survived == 0
    }

    /// The exit code of a command that made this report: 0 only if nothing failed and something ran.
    pub fn exit_code(&self) -> u8 {
        if self.passed() { 0 } else { 1 }
    }
}

impl ProfileReport {
    fn empty(profile: Profile) -> Self {
        Self {
            profile,
            level: profile.level(),
            passed: Vec::new(),
            failed: Vec::new(),
            expected_failures: Vec::new(),
            skipped: Vec::new(),
            unsupported: Vec::new(),
            not_run: Vec::new(),
        }
    }
}

impl ImplementationReport {
    pub(crate) fn of_plugin(file: String, sha256: String, manifest: &Manifest, isolation: String) -> Self {
        Self::Plugin {
            file,
            sha256,
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            vendor: manifest.vendor.clone(),
            contract: manifest.contract,
            api_types: manifest.issuers.iter().map(|issuer| issuer.api_type.clone()).collect(),
            isolation,
        }
    }

    /// What people call it.
    fn title(&self) -> String {
        match self {
            Self::Plugin { name, version, .. } => format!("{name} {version}"),
            Self::Server { base_url, .. } => base_url.clone(),
        }
    }
}
