//! A run: which cases there are for a subject, what comes of each, and the report.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use jsonwebtoken::crypto::aws_lc;
use locum_abi::manifest::{IssuerManifest, Manifest};
use locum_engine::ports::Issuers;
use locum_host::{Isolation, LoadOptions, Pins, PluginSet, inspect};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tracing::dispatcher::{DefaultGuard, set_default};

use crate::case_context::{Harness, LogLines, ScriptedUpstreams};
use crate::case_run::{Destination, IssuerUnderTest, run_case};
use crate::exemption::Exemptions;
use crate::library::{Case, FixtureSet, Fixtures};
use crate::options::{Implementation, Options, SetupError};
use crate::plugin_spec::{IssuerSpec, PluginSpec};
use crate::probe::{PROBES, Probe, ProbeContext};
use crate::profile::Feature;
use crate::report::{CaseResult, ImplementationReport, Outcome, Report, Verdict};
use crate::variables::rfc_3339;

/// Worker threads of a run: plugins may hang, and one thread must always be free of them.
const WORKERS: usize = 4;

/// Judges a subject. It starts a runtime of its own: call it outside of one.
///
/// # Errors
/// Why the run could not start. What the subject does wrong stands in the report.
pub fn run(options: &Options) -> Result<Report, SetupError> {
    install_crypto();
    let library = Fixtures::open(&options.fixtures).map_err(SetupError::Fixtures)?;
    match &options.implementation {
        Implementation::Plugin(file) => test_plugin(options, &library, file),
        Implementation::Server { .. } => crate::server_run::test_server(options, &library),
    }
}

/// Tokens are minted before there is an engine to do this.
pub(crate) fn install_crypto() {
    // An error says that it is done.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
}

fn test_plugin(options: &Options, library: &Fixtures, file: &Path) -> Result<Report, SetupError> {
    let bench = LoadedPlugin::open(options, library, file)?;
    let implementation = bench.implementation.clone();
    let results = bench.work(async |run| run.run().await)?;
    Ok(Report::new(implementation, rfc_3339(options.now_unix_seconds), results, &options.command))
}

/// A loaded plugin with all that its cases need.
pub(crate) struct LoadedPlugin<'a> {
    options: &'a Options,
    library: &'a Fixtures,
    manifest: Manifest,
    spec: PluginSpec,
    harness: Harness,
    runtime: Runtime,
    pub(crate) implementation: ImplementationReport,
}

impl<'a> LoadedPlugin<'a> {
    /// Loads the plugin.
    ///
    /// # Errors
    /// A plugin that cannot be loaded, or that no sheet speaks of.
    pub(crate) fn open(options: &'a Options, library: &'a Fixtures, file: &Path) -> Result<Self, SetupError> {
        let file = std::path::absolute(file).map_err(SetupError::Runtime)?;
        let upstreams = Arc::new(ScriptedUpstreams::default());
        let load = LoadOptions::new(upstreams.clone());
        let isolation = load.isolation;
        let log = Arc::new(LogLines::default());
        let runtime = runtime(&log)?;
        let plugins = Arc::new(PluginSet::load([&file], &Pins::of_file_as_it_is(&file)?, load)?);
        let inspection = inspect(&file)?;
        let manifest = inspection.manifest;
        let harness = Harness { issuers: plugins as Arc<dyn Issuers>, upstreams, log, fault: None };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let implementation = ImplementationReport::of_plugin(
            name,
            inspection.sha256.to_string(),
            &manifest,
            isolation_name(isolation),
        );
        let spec = spec_for(options, library, &manifest)?;
        Ok(Self { options, library, manifest, spec, harness, runtime, implementation })
    }

    /// Does this with the plugin's cases, on the runtime, with its log.
    pub(crate) fn work<T>(
        self,
        work: impl AsyncFnOnce(Run<'_>) -> Result<T, SetupError>,
    ) -> Result<T, SetupError> {
        let run = Run {
            options: self.options,
            library: self.library,
            manifest: &self.manifest,
            spec: &self.spec,
            tenant: &self.library.tenant,
            destination: Destination::InProcess(self.harness.clone()),
        };
        let log = set_default(&self.harness.log.dispatch());
        let outcome = self.runtime.block_on(work(run));
        drop(log);
        // A call that hangs would keep the runtime from ending.
        self.runtime.shutdown_background();
        outcome
    }
}

fn isolation_name(isolation: Isolation) -> String {
    match isolation {
        Isolation::InProcess => "in process".to_owned(),
        other => format!("{other:?}"),
    }
}

/// A runtime whose threads log into these lines.
pub(crate) fn runtime(log: &Arc<LogLines>) -> Result<Runtime, SetupError> {
    thread_local! {
        static LOG: RefCell<Option<DefaultGuard>> = const { RefCell::new(None) };
    }
    let dispatch = log.dispatch();
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .enable_all()
        .on_thread_start(move || LOG.with(|own| *own.borrow_mut() = Some(set_default(&dispatch))))
        .build()?;
    Ok(runtime)
}

/// The sheet of a plugin: the one in the library, with the settings of the options in it if there are any.
pub(crate) fn spec_for(
    options: &Options,
    library: &Fixtures,
    manifest: &Manifest,
) -> Result<PluginSpec, SetupError> {
    let mut spec = match (library.spec(&manifest.name), &options.settings) {
        (Some(spec), _) => spec.clone(),
        (None, Some(_)) => PluginSpec::bare(manifest),
        (None, None) => return Err(SetupError::NoPluginSpec(manifest.name.clone())),
    };
    for issuer in &manifest.issuers {
        let api_type = &issuer.api_type;
        match (spec.issuers.get_mut(api_type), &options.settings) {
            (Some(of_issuer), Some(settings)) => of_issuer.settings = settings.clone(),
            (Some(_), None) => {}
            (None, _) => {
                return Err(SetupError::NoIssuerSpec {
                    plugin: manifest.name.clone(),
                    api_type: api_type.clone(),
                });
            }
        }
    }
    Ok(spec)
}

/// All the cases of one plugin.
pub(crate) struct Run<'a> {
    pub(crate) options: &'a Options,
    pub(crate) library: &'a Fixtures,
    pub(crate) manifest: &'a Manifest,
    pub(crate) spec: &'a PluginSpec,
    pub(crate) tenant: &'a Value,
    pub(crate) destination: Destination,
}

impl Run<'_> {
    pub(crate) async fn run(&self) -> Result<Vec<CaseResult>, SetupError> {
        self.check_only()?;
        let mut exemptions = Exemptions::of(self.spec, self.options.now_unix_seconds);
        let mut results = Vec::new();
        for issuer in &self.manifest.issuers {
            let Some(spec) = self.spec.issuers.get(&issuer.api_type) else { continue };
            let played = self.played(issuer, spec, &self.destination);
            let features = Features::of(&played);
            for case in self.library.cases.iter().filter(|case| self.concerns(case, &issuer.api_type)) {
                let excuse = features.missing(case);
                let verdict = match excuse {
                    Some(reason) => Verdict::Unsupported(reason),
                    None => self.verdict(case, &played, &mut exemptions).await,
                };
                results.push(CaseResult {
                    case: self.label(&case.id, &issuer.api_type),
                    profile: case.fixture.profile,
                    description: case.fixture.description.clone(),
                    verdict,
                });
            }
            self.probe(&played, &features, &mut exemptions, &mut results).await;
        }
        if self.options.only.is_empty() {
            results.extend(exemptions.unused());
        }
        Ok(results)
    }

    pub(crate) fn played<'c>(
        &'c self,
        manifest: &'c IssuerManifest,
        spec: &'c IssuerSpec,
        destination: &Destination,
    ) -> IssuerUnderTest<'c> {
        IssuerUnderTest { manifest, spec, tenant: self.tenant, destination: destination.clone() }
    }

    fn check_only(&self) -> Result<(), SetupError> {
        let probes = PROBES.iter().map(|probe| probe.id);
        let known: Vec<&str> = self.library.cases.iter().map(|case| case.id.as_str()).chain(probes).collect();
        match self.options.only.iter().find(|id| !known.contains(&id.as_str())) {
            Some(unknown) => Err(SetupError::NoSuchCase(unknown.clone())),
            None => Ok(()),
        }
    }

    fn wanted(&self, id: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|only| only == id)
    }

    pub(crate) fn concerns(&self, case: &Case, api_type: &str) -> bool {
        let own = match &case.set {
            FixtureSet::Core | FixtureSet::Server => true,
            FixtureSet::Plugin(name) => *name == self.manifest.name,
        };
        own && self.wanted(&case.id) && case.fixture.api_type.as_deref().is_none_or(|only| only == api_type)
    }

    pub(crate) fn label(&self, id: &str, api_type: &str) -> String {
        if self.manifest.issuers.len() == 1 { id.to_owned() } else { format!("{id} ({api_type})") }
    }

    async fn verdict(
        &self,
        case: &Case,
        played: &IssuerUnderTest<'_>,
        exemptions: &mut Exemptions<'_>,
    ) -> Verdict {
        if let Destination::Remote(_) = played.destination
            && let Some(what) = crate::remote_server::missing_ability(&case.fixture, played.spec)
        {
            return Verdict::NotRun(format!("needs {what}"));
        }
        if let Some(verdict) = exemptions.skip(&case.id) {
            return verdict;
        }
        let outcome = run_case(&case.fixture, played).await;
        exemptions.verdict(&case.id, outcome)
    }

    async fn probe(
        &self,
        played: &IssuerUnderTest<'_>,
        features: &Features,
        exemptions: &mut Exemptions<'_>,
        results: &mut Vec<CaseResult>,
    ) {
        for probe in PROBES.iter().filter(|probe| self.wanted(probe.id)) {
            let verdict = match features.unfit(&[], probe.needs_not) {
                Some(reason) => Verdict::Unsupported(reason),
                None => match exemptions.skip(probe.id) {
                    Some(verdict) => verdict,
                    None => exemptions.verdict(probe.id, self.probed(probe, played).await),
                },
            };
            results.push(CaseResult {
                case: self.label(probe.id, &played.manifest.api_type),
                profile: probe.profile,
                description: probe.description.to_owned(),
                verdict,
            });
        }
    }

    pub(crate) async fn probed(&self, probe: &Probe, played: &IssuerUnderTest<'_>) -> Outcome {
        let Destination::InProcess(harness) = &played.destination else {
            return Outcome::NotRun("needs the plugin itself".to_owned());
        };
        match ProbeContext::of(played, harness) {
            Ok(bench) => probe.run(&bench).await,
            Err(why) => Outcome::failed_before(crate::comparison::Difference::new(
                "tenant",
                "one that can be read",
                why,
            )),
        }
    }
}

/// What an issuer has.
pub(crate) struct Features(Vec<Feature>);

impl Features {
    pub(crate) fn of(played: &IssuerUnderTest<'_>) -> Self {
        let mut features = Feature::of_manifest(played.manifest);
        features.extend(&played.spec.features);
        Self(features)
    }

    /// Why a case does not concern the issuer, if it does not.
    pub(crate) fn missing(&self, case: &Case) -> Option<String> {
        let server = (case.set == FixtureSet::Server).then_some(Feature::App);
        let needs: Vec<Feature> = server.into_iter().chain(case.fixture.needs.iter().copied()).collect();
        self.unfit(&needs, &case.fixture.needs_not)
    }

    /// What these needs find missing or unwanted, if anything.
    pub(crate) fn unfit(&self, needs: &[Feature], needs_not: &[Feature]) -> Option<String> {
        if let Some(feature) = needs.iter().find(|feature| !self.0.contains(feature)) {
            return Some(format!("needs {feature}"));
        }
        let unwanted = needs_not.iter().find(|feature| self.0.contains(feature))?;
        Some(format!("is for issuers without {unwanted}"))
    }
}

impl PluginSpec {
    /// A sheet that knows nothing but the api_types.
    fn bare(manifest: &Manifest) -> Self {
        let issuers = manifest.issuers.iter().map(|issuer| (issuer.api_type.clone(), IssuerSpec::default()));
        Self {
            plugin: manifest.name.clone(),
            cases: 0,
            issuers: issuers.collect(),
            skip: Vec::new(),
            expected_failures: Vec::new(),
        }
    }
}
