//! A run: all cases and probes that apply to one plugin, and the verdict of each.

use std::collections::BTreeMap;
use std::time::Instant;

use locum_abi::manifest::{IssuerManifest, Manifest};
use serde_json::Value;

use crate::cases::case_run::run_case;
use crate::cases::harness::Harness;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest, RemoteDestination, Trace};
use crate::fixtures::case::{Case, FixtureSet};
use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::{IssuerSpec, PluginSpec};
use crate::options::{Options, SetupError};
use crate::probes::{PROBES, Probe};
use crate::profile::Profile;
use crate::report::{CaseRecord, CaseResult, Verdict};
use crate::running::askable::why_not_askable;
use crate::running::completeness::missing_upstream;
use crate::running::exemptions::Exemptions;
use crate::running::features::Features;
use crate::running::spec::incomplete;
use crate::selection::selects;

/// All cases of one plugin, and where their requests go.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) fixtures: &'a Fixtures,
    pub(crate) manifest: &'a Manifest,
    pub(crate) spec: &'a PluginSpec,
    pub(crate) tenant: &'a Value,
    pub(crate) destination: RunDestination,
    /// Whether the report has results of several api_types, so that each case names its own.
    pub(crate) of_several_api_types: bool,
}

/// Where the requests of a run go.
pub(crate) enum RunDestination {
    /// To a server in this process, made for each case.
    InProcess(Harness),
    /// To a running server, by api_type; or why its tenant cannot serve the api_type.
    Remote(BTreeMap<String, Result<RemoteDestination, String>>),
}

impl RunDestination {
    /// Where the requests for an api_type go.
    fn of(&self, api_type: &str) -> Result<Destination, String> {
        match self {
            Self::InProcess(harness) => Ok(Destination::InProcess(harness.clone())),
            Self::Remote(by_api_type) => match by_api_type.get(api_type) {
                Some(remote) => Ok(Destination::Remote(remote.clone()?)),
                None => Err(format!("the tenant has no target for {api_type}")),
            },
        }
    }
}

impl Run<'_> {
    /// Runs every case and probe that applies.
    ///
    /// # Errors
    /// A selected case that does not exist, or a plugin spec without the upstream exchanges of a plugin that makes some.
    pub(crate) async fn all_cases(&self) -> Result<Vec<CaseResult>, SetupError> {
        self.check_selection()?;
        let mut exemptions = Exemptions::of(self.spec, self.options.now_unix_seconds);
        let mut results = Vec::new();
        self.prepare_probes().await;
        for manifest in &self.manifest.issuers {
            let Some(spec) = self.spec.issuers.get(&manifest.api_type) else { continue };
            let destination = match self.destination.of(&manifest.api_type) {
                Ok(destination) => destination,
                Err(why) => {
                    results.extend(self.not_run(&manifest.api_type, &why));
                    continue;
                }
            };
            let issuer = self.issuer_under_test(manifest, spec, &destination);
            if let Some(missing) = missing_upstream(&issuer).await {
                return Err(incomplete(self.manifest, &manifest.api_type, vec![missing]));
            }
            let features = Features::of(&issuer);
            for case in self.cases_for(&manifest.api_type) {
                let started = Instant::now();
                let verdict = match features.unmet_by_case(case) {
                    Some(reason) => Verdict::Unsupported(reason),
                    None => self.verdict(case, &issuer, &mut exemptions).await,
                };
                results.push(CaseResult {
                    case: self.label(&case.id, &manifest.api_type),
                    profile: case.fixture.profile,
                    description: case.fixture.description.clone(),
                    verdict,
                    record: record(&issuer, started),
                });
            }
            self.run_probes(&issuer, &features, &mut exemptions, &mut results).await;
        }
        if self.options.only.is_empty() {
            results.extend(exemptions.unused());
        }
        Ok(results)
    }

    /// Lets the probes of all api_types begin, so that what they wait for passes while the cases run.
    async fn prepare_probes(&self) {
        for manifest in &self.manifest.issuers {
            let spec = self.spec.issuers.get(&manifest.api_type);
            if let (Some(spec), Ok(destination)) = (spec, self.destination.of(&manifest.api_type)) {
                let issuer = self.issuer_under_test(manifest, spec, &destination);
                for probe in self.selected_probes() {
                    probe.prepare(&issuer).await;
                }
            }
        }
    }

    /// Every case of an api_type as not run.
    fn not_run(&self, api_type: &str, why: &str) -> Vec<CaseResult> {
        let cases = self
            .cases_for(api_type)
            .map(|case| (case.id.as_str(), case.fixture.profile, case.fixture.description.as_str()));
        let probes = self.selected_probes().map(|probe| (probe.id, probe.profile, probe.description));
        let result = |(id, profile, description): (&str, Profile, &str)| CaseResult {
            case: self.label(id, api_type),
            profile,
            description: description.to_owned(),
            verdict: Verdict::NotRun(why.to_owned()),
            record: CaseRecord::default(),
        };
        cases.chain(probes).map(result).collect()
    }

    pub(crate) fn issuer_under_test<'c>(
        &'c self,
        manifest: &'c IssuerManifest,
        spec: &'c IssuerSpec,
        destination: &Destination,
    ) -> IssuerUnderTest<'c> {
        let trace = self.options.verbose.then(Trace::default);
        let of_plugin = FixtureSet::Plugin(self.manifest.name.clone());
        let cases = self.fixtures.cases.iter().filter(|case| case.set == of_plugin);
        let steps = cases.flat_map(|case| &case.fixture.steps);
        let never_seen = steps.flat_map(|step| &step.expect.never_seen).map(String::as_str).collect();
        let destination = destination.clone();
        IssuerUnderTest { manifest, spec, tenant: self.tenant, destination, issued: None, never_seen, trace }
    }

    /// The selected cases for an api_type.
    pub(crate) fn cases_for<'c>(&'c self, api_type: &'c str) -> impl Iterator<Item = &'c Case> {
        self.fixtures.cases.iter().filter(move |case| {
            let of_plugin = match &case.set {
                FixtureSet::Core | FixtureSet::Server => true,
                FixtureSet::Plugin(name) => *name == self.manifest.name,
            };
            let of_api_type = case.fixture.api_type.as_deref().is_none_or(|only| only == api_type);
            of_plugin && of_api_type && self.is_selected(case)
        })
    }

    /// The id of a case in the report. With several api_types, each case is there once per api_type.
    pub(crate) fn label(&self, id: &str, api_type: &str) -> String {
        if self.of_several_api_types { format!("{id} ({api_type})") } else { id.to_owned() }
    }

    fn check_selection(&self) -> Result<(), SetupError> {
        let is_known = |only: &str| {
            self.fixtures.cases.iter().any(|case| selects_case(only, case))
                || PROBES.iter().any(|probe| selects(only, probe.id, VARIANT))
        };
        match self.options.only.iter().find(|only| !is_known(only)) {
            Some(unknown) => Err(SetupError::NoSuchCase(unknown.clone())),
            None => Ok(()),
        }
    }

    fn is_selected(&self, case: &Case) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|only| selects_case(only, case))
    }

    fn selected_probes(&self) -> impl Iterator<Item = &'static Probe> {
        let only = &self.options.only;
        PROBES
            .iter()
            .filter(|probe| only.is_empty() || only.iter().any(|only| selects(only, probe.id, VARIANT)))
    }

    async fn verdict(
        &self,
        case: &Case,
        issuer: &IssuerUnderTest<'_>,
        exemptions: &mut Exemptions<'_>,
    ) -> Verdict {
        if let Destination::Remote(remote) = &issuer.destination
            && let Some(why) = why_not_askable(case, issuer, remote)
        {
            return Verdict::NotRun(why);
        }
        if let Some(verdict) = exemptions.skip(&case.id) {
            return verdict;
        }
        let issued = match (&case.set, &issuer.destination) {
            (FixtureSet::Core, Destination::InProcess(_)) => issuer.spec.issued.as_ref(),
            _ => None,
        };
        let outcome = run_case(&case.fixture, &IssuerUnderTest { issued, ..issuer.clone() }).await;
        exemptions.verdict(&case.id, outcome)
    }

    async fn run_probes(
        &self,
        issuer: &IssuerUnderTest<'_>,
        features: &Features,
        exemptions: &mut Exemptions<'_>,
        results: &mut Vec<CaseResult>,
    ) {
        for probe in self.selected_probes() {
            let started = Instant::now();
            let verdict = match features.unmet(probe.needs, probe.needs_not) {
                Some(reason) => Verdict::Unsupported(reason),
                None => match exemptions.skip(probe.id) {
                    Some(verdict) => verdict,
                    None => exemptions.verdict(probe.id, probe.run(issuer).await),
                },
            };
            results.push(CaseResult {
                case: self.label(probe.id, &issuer.manifest.api_type),
                profile: probe.profile,
                description: probe.description.to_owned(),
                verdict,
                record: record(issuer, started),
            });
        }
    }
}

/// How long the case that ends now ran, and its exchanges.
fn record(issuer: &IssuerUnderTest<'_>, started: Instant) -> CaseRecord {
    let exchanges = issuer.trace.as_ref().map(Trace::take).unwrap_or_default();
    CaseRecord { duration: started.elapsed(), exchanges }
}

/// What stands between the name of a file of cases and that of a variant.
const VARIANT: char = '/';

/// Whether a selection names this case, with or without the folder that it is in.
fn selects_case(only: &str, case: &Case) -> bool {
    let folder = match &case.set {
        FixtureSet::Core => "core",
        FixtureSet::Server => "server",
        FixtureSet::Plugin(name) => name,
    };
    selects(only, &case.id, VARIANT) || selects(only, &format!("{folder}/{}", case.id), VARIANT)
}
