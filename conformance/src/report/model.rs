//! The report as data.

use std::collections::BTreeMap;

use locum_abi::manifest::Manifest;
use schemars::JsonSchema;
use serde::Serialize;

use crate::profile::{Level, Profile};
use crate::report::difference::Difference;
use crate::report::mutation_score::{MutationScore, ScoreKind};
use crate::report::outcome::{CaseRecord, CaseResult, Failure, ShownExchange, Verdict};

/// Version of the report's format.
pub const REPORT_VERSION: u32 = 1;

/// The results of a run.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(title = "Locum conformance report")]
pub struct Report {
    /// Version of the report's format.
    pub report_version: u32,
    /// Version of the conformance suite.
    pub suite_version: String,
    /// When the run started, RFC 3339, by the clock that the run was given.
    pub created_at: String,
    /// The plugin or server that was tested.
    pub implementation: ImplementationReport,
    /// Number of cases by result.
    pub counts: Counts,
    /// One entry per profile, in a fixed order.
    pub profiles: Vec<ProfileReport>,
    /// Every failed case, ordered by profile.
    pub failures: Vec<FailureReport>,
    /// Which faults of the engine around the plugin the cases detect; absent unless it was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mutation_score: Option<MutationScore>,
    /// Which faults of the plugin's requests to upstreams the cases detect; absent unless it was requested, and if the
    /// plugin makes no requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_mutation_score: Option<MutationScore>,
    /// How long each case ran, and its exchanges. Equal runs give equal reports, so neither YAML, HTML nor the table has it.
    #[serde(skip)]
    pub(crate) records: BTreeMap<String, CaseRecord>,
}

/// What was tested.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum ImplementationReport {
    /// A plugin file.
    Plugin {
        /// Name of the file.
        file: String,
        /// SHA-256 of the file, in hex.
        sha256: String,
        /// The plugin's name.
        name: String,
        /// The plugin's version.
        version: String,
        /// The plugin's vendor.
        vendor: String,
        /// Version of the contract between host and plugin.
        contract: u32,
        /// The api_types that it serves.
        api_types: Vec<String>,
        /// How the plugin was isolated from the host.
        isolation: String,
    },
    /// A running server.
    Server {
        /// Its base URL.
        base_url: String,
        /// The api_types that were requested.
        api_types: Vec<String>,
        /// The clients of the tenant that the suite used, one entry for each api_type.
        clients: Vec<TestedClients>,
    },
    /// A token endpoint of any server.
    TokenEndpoint {
        /// The URL of the endpoint.
        token_endpoint: String,
        /// The id of the client that sent the requests.
        client_id: String,
    },
}

/// The clients of a server's tenant that the suite used for an api_type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TestedClients {
    /// The api_type.
    pub api_type: String,
    /// The id of the client that sent the requests.
    pub caller: String,
    /// The id of the client that credentials were requested for.
    pub target: String,
}

/// Number of cases by result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Counts {
    /// All cases that exist for this implementation.
    pub cases: usize,
    /// Cases that passed.
    pub passed: usize,
    /// Cases of a token endpoint that does not follow a recommendation.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    pub warned: usize,
    /// Cases of a token endpoint that does something else than the case asks for, as another paragraph allows.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    pub allowed_otherwise: usize,
    /// Cases that failed.
    pub failed: usize,
    /// Cases that failed and are listed under `expected_failures`.
    pub expected_failures: usize,
    /// Cases that are listed under `skip`.
    pub skipped: usize,
    /// Cases for features that the implementation does not have.
    pub unsupported: usize,
    /// Cases that this kind of implementation, or the tenant of a server, cannot be asked.
    pub not_run: usize,
}

/// The cases of one profile by result.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ProfileReport {
    /// The profile.
    pub profile: Profile,
    /// Which issuers must pass it.
    pub level: Level,
    /// Cases that passed.
    pub passed: Vec<String>,
    /// Cases of a token endpoint that does not follow a recommendation.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warned: Vec<CaseWithReason>,
    /// Cases of a token endpoint that does something else than the case asks for, as another paragraph allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_otherwise: Vec<CaseWithReason>,
    /// Cases that failed.
    pub failed: Vec<String>,
    /// Cases that failed and are listed under `expected_failures`.
    pub expected_failures: Vec<CaseWithReason>,
    /// Cases that are listed under `skip`.
    pub skipped: Vec<CaseWithReason>,
    /// Cases for features that the implementation does not have.
    pub unsupported: Vec<CaseWithReason>,
    /// Cases that this kind of implementation, or the tenant of a server, cannot be asked.
    pub not_run: Vec<CaseWithReason>,
}

/// A case that neither passed nor failed, and the reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CaseWithReason {
    /// The id of the case.
    pub case: String,
    /// The reason.
    pub reason: String,
}

/// A failed case.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct FailureReport {
    /// The id of the case.
    pub case: String,
    /// Its profile.
    pub profile: Profile,
    /// What the case requires, in one sentence.
    pub description: String,
    /// The number of the step that failed, from 1; 0 before the first step.
    pub step: usize,
    /// Each value that is not as expected.
    pub differences: Vec<Difference>,
    /// The request and the response, with tokens and secrets removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchange: Option<ShownExchange>,
    /// The command that runs this case alone.
    pub reproduce: String,
}

impl Report {
    /// Counts the results by profile. `reproduce` is the command of the whole run; `--only CASE` is appended to it.
    pub(crate) fn new(
        implementation: ImplementationReport,
        created_at: String,
        mut results: Vec<CaseResult>,
        reproduce: &str,
    ) -> Self {
        results.sort_by(|a, b| (a.profile, &a.case).cmp(&(b.profile, &b.case)));
        let mut report = Self {
            report_version: REPORT_VERSION,
            suite_version: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            implementation,
            counts: Counts::default(),
            profiles: Vec::new(),
            failures: Vec::new(),
            mutation_score: None,
            request_mutation_score: None,
            records: BTreeMap::new(),
        };
        let profiles = report.implementation.profiles();
        report.profiles = profiles.iter().copied().map(ProfileReport::empty).collect();
        for result in results {
            report.add(result, reproduce);
        }
        report
    }

    fn add(&mut self, result: CaseResult, reproduce: &str) {
        let CaseResult { case, profile, description, verdict, record } = result;
        let Some(entry) = self.profiles.iter_mut().find(|entry| entry.profile == profile) else { return };
        self.records.insert(case.clone(), record);
        self.counts.cases += 1;
        let (count, cases, reason) = match verdict {
            Verdict::Passed => {
                self.counts.passed += 1;
                entry.passed.push(case);
                return;
            }
            Verdict::Failed(Failure { step, differences, exchange }) => {
                self.counts.failed += 1;
                entry.failed.push(case.clone());
                let id = case.split(' ').next().unwrap_or(&case);
                let reproduce = format!("{reproduce} --only {id}");
                self.failures.push(FailureReport {
                    case,
                    profile,
                    description,
                    step,
                    differences,
                    exchange,
                    reproduce,
                });
                return;
            }
            Verdict::Warned(reason) => (&mut self.counts.warned, &mut entry.warned, reason),
            Verdict::AllowedOtherwise(reason) => {
                (&mut self.counts.allowed_otherwise, &mut entry.allowed_otherwise, reason)
            }
            Verdict::ExpectedFailure(reason) => {
                (&mut self.counts.expected_failures, &mut entry.expected_failures, reason)
            }
            Verdict::Skipped(reason) => (&mut self.counts.skipped, &mut entry.skipped, reason),
            Verdict::Unsupported(reason) => (&mut self.counts.unsupported, &mut entry.unsupported, reason),
            Verdict::NotRun(reason) => (&mut self.counts.not_run, &mut entry.not_run, reason),
        };
        *count += 1;
        cases.push(CaseWithReason { case, reason });
    }

    /// Whether at least one case passed, no case failed, and no mutant survived.
    pub fn passed(&self) -> bool {
        self.counts.failed == 0 && self.counts.passed > 0 && self.survivors() == 0
    }

    /// The number of mutants that no case detects.
    pub(crate) fn survivors(&self) -> usize {
        self.mutation_scores().map(|(_, score)| score.survived).sum()
    }

    /// The scores that it has.
    pub(crate) fn mutation_scores(&self) -> impl Iterator<Item = (ScoreKind, &MutationScore)> {
        let of_engine = self.mutation_score.iter().map(|score| (ScoreKind::Engine, score));
        of_engine.chain(self.request_mutation_score.iter().map(|score| (ScoreKind::Requests, score)))
    }

    /// The exit code for this report: 0 if it [`passed`](Self::passed), else 1.
    pub fn exit_code(&self) -> u8 {
        if self.passed() { 0 } else { 1 }
    }
}

impl ProfileReport {
    pub(crate) fn empty(profile: Profile) -> Self {
        Self {
            profile,
            level: profile.level(),
            passed: Vec::new(),
            warned: Vec::new(),
            allowed_otherwise: Vec::new(),
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

    /// The profiles that its report has.
    pub(crate) fn profiles(&self) -> &'static [Profile] {
        match self {
            Self::Plugin { .. } | Self::Server { .. } => &Profile::ALL,
            Self::TokenEndpoint { .. } => &[Profile::TokenExchange],
        }
    }

    /// Plugin name and version, or URL.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Plugin { name, version, .. } => format!("{name} {version}"),
            Self::Server { base_url, .. } => base_url.clone(),
            Self::TokenEndpoint { token_endpoint, .. } => token_endpoint.clone(),
        }
    }
}

/// The counts of results that only token endpoints have are left out of other reports.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
