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

use crate::exemption::Exemptions;
use crate::library::{Case, Library, Shelf};
use crate::options::{Options, SetupError, Subject};
use crate::probe::{Bench, PROBES, Probe};
use crate::profile::Feature;
use crate::replay::{Played, WhereTo, replay};
use crate::report::{Judged, Outcome, Report, SubjectReport, Verdict};
use crate::sheet::{IssuerSheet, PluginSheet};
use crate::stage::{House, LogLines, ScriptedUpstreams};
use crate::variables::rfc_3339;

/// Worker threads of a run: plugins may hang, and one thread must always be free of them.
const WORKERS: usize = 4;

/// Judges a subject. It starts a runtime of its own: call it outside of one.
///
/// # Errors
/// Why the run could not start. What the subject does wrong stands in the report.
pub fn run(options: &Options) -> Result<Report, SetupError> {
    install_crypto();
    let library = Library::open(&options.fixtures).map_err(SetupError::Fixtures)?;
    match &options.subject {
        Subject::Plugin(file) => judge_plugin(options, &library, file),
        Subject::Server { .. } => crate::server_run::judge_server(options, &library),
    }
}

/// Tokens are minted before there is an engine to do this.
pub(crate) fn install_crypto() {
    // An error says that it is done.
    let _ = aws_lc::DEFAULT_PROVIDER.install_default();
}

fn judge_plugin(options: &Options, library: &Library, file: &Path) -> Result<Report, SetupError> {
    let bench = Workbench::open(options, library, file)?;
    let subject = bench.subject.clone();
    let judged = bench.work(async |course| course.run().await)?;
    Ok(Report::new(subject, rfc_3339(options.now_unix_seconds), judged, &options.command))
}

/// A loaded plugin with all that its cases need.
pub(crate) struct Workbench<'a> {
    options: &'a Options,
    library: &'a Library,
    manifest: Manifest,
    sheet: PluginSheet,
    house: House,
    runtime: Runtime,
    pub(crate) subject: SubjectReport,
}

impl<'a> Workbench<'a> {
    /// Loads the plugin.
    ///
    /// # Errors
    /// A plugin that cannot be loaded, or that no sheet speaks of.
    pub(crate) fn open(options: &'a Options, library: &'a Library, file: &Path) -> Result<Self, SetupError> {
        let file = std::path::absolute(file).map_err(SetupError::Runtime)?;
        let upstreams = Arc::new(ScriptedUpstreams::default());
        let load = LoadOptions::new(upstreams.clone());
        let isolation = load.isolation;
        let log = Arc::new(LogLines::default());
        let runtime = runtime(&log)?;
        let plugins = Arc::new(PluginSet::load([&file], &Pins::of_file_as_it_is(&file)?, load)?);
        let inspection = inspect(&file)?;
        let manifest = inspection.manifest;
        let house = House { issuers: plugins as Arc<dyn Issuers>, upstreams, log, weakening: None };
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let subject = SubjectReport::of_plugin(
            name,
            inspection.sha256.to_string(),
            &manifest,
            isolation_name(isolation),
        );
        let sheet = sheet_for(options, library, &manifest)?;
        Ok(Self { options, library, manifest, sheet, house, runtime, subject })
    }

    /// Does this with the plugin's cases, on the runtime, with its log.
    pub(crate) fn work<T>(
        self,
        work: impl AsyncFnOnce(Course<'_>) -> Result<T, SetupError>,
    ) -> Result<T, SetupError> {
        let course = Course {
            options: self.options,
            library: self.library,
            manifest: &self.manifest,
            sheet: &self.sheet,
            tenant: &self.library.tenant,
            where_to: WhereTo::InProcess(self.house.clone()),
        };
        let log = set_default(&self.house.log.dispatch());
        let outcome = self.runtime.block_on(work(course));
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
pub(crate) fn sheet_for(
    options: &Options,
    library: &Library,
    manifest: &Manifest,
) -> Result<PluginSheet, SetupError> {
    let mut sheet = match (library.sheet(&manifest.name), &options.settings) {
        (Some(sheet), _) => sheet.clone(),
        (None, Some(_)) => PluginSheet::bare(manifest),
        (None, None) => return Err(SetupError::NoSheet(manifest.name.clone())),
    };
    for issuer in &manifest.issuers {
        let api_type = &issuer.api_type;
        match (sheet.issuers.get_mut(api_type), &options.settings) {
            (Some(of_issuer), Some(settings)) => of_issuer.settings = settings.clone(),
            (Some(_), None) => {}
            (None, _) => {
                return Err(SetupError::NoIssuerSheet {
                    plugin: manifest.name.clone(),
                    api_type: api_type.clone(),
                });
            }
        }
    }
    Ok(sheet)
}

/// All the cases of one plugin.
pub(crate) struct Course<'a> {
    pub(crate) options: &'a Options,
    pub(crate) library: &'a Library,
    pub(crate) manifest: &'a Manifest,
    pub(crate) sheet: &'a PluginSheet,
    pub(crate) tenant: &'a Value,
    pub(crate) where_to: WhereTo,
}

impl Course<'_> {
    pub(crate) async fn run(&self) -> Result<Vec<Judged>, SetupError> {
        self.check_only()?;
        let mut exemptions = Exemptions::of(self.sheet, self.options.now_unix_seconds);
        let mut judged = Vec::new();
        for issuer in &self.manifest.issuers {
            let Some(sheet) = self.sheet.issuers.get(&issuer.api_type) else { continue };
            let played = self.played(issuer, sheet, &self.where_to);
            let features = Features::of(&played);
            for case in self.library.cases.iter().filter(|case| self.concerns(case, &issuer.api_type)) {
                let excuse = features.missing(case);
                let verdict = match excuse {
                    Some(reason) => Verdict::Unsupported(reason),
                    None => self.verdict(case, &played, &mut exemptions).await,
                };
                judged.push(Judged {
                    case: self.label(&case.id, &issuer.api_type),
                    profile: case.fixture.profile,
                    description: case.fixture.description.clone(),
                    verdict,
                });
            }
            self.probe(&played, &features, &mut exemptions, &mut judged).await;
        }
        if self.options.only.is_empty() {
            judged.extend(exemptions.unused());
        }
        Ok(judged)
    }

    pub(crate) fn played<'c>(
        &'c self,
        manifest: &'c IssuerManifest,
        sheet: &'c IssuerSheet,
        where_to: &WhereTo,
    ) -> Played<'c> {
        Played { manifest, sheet, tenant: self.tenant, where_to: where_to.clone() }
    }

    fn check_only(&self) -> Result<(), SetupError> {
        let probes = PROBES.iter().map(|probe| probe.id);
        let known: Vec<&str> = self.library.cases.iter().map(|case| case.id.as_str()).chain(probes).collect();
        match self.options.only.iter().find(|only| !known.iter().any(|id| selects(only, id))) {
            Some(unknown) => Err(SetupError::NoSuchCase(unknown.clone())),
            None => Ok(()),
        }
    }

    fn wanted(&self, id: &str) -> bool {
        self.options.only.is_empty() || self.options.only.iter().any(|only| selects(only, id))
    }

    pub(crate) fn concerns(&self, case: &Case, api_type: &str) -> bool {
        let own = match &case.shelf {
            Shelf::Core | Shelf::Server => true,
            Shelf::Plugin(name) => *name == self.manifest.name,
        };
        own && self.wanted(&case.id) && case.fixture.api_type.as_deref().is_none_or(|only| only == api_type)
    }

    pub(crate) fn label(&self, id: &str, api_type: &str) -> String {
        if self.manifest.issuers.len() == 1 { id.to_owned() } else { format!("{id} ({api_type})") }
    }

    async fn verdict(&self, case: &Case, played: &Played<'_>, exemptions: &mut Exemptions<'_>) -> Verdict {
        if let WhereTo::Remote(_) = played.where_to
            && let Some(what) = crate::remote::needs_the_inside(&case.fixture, played.sheet)
        {
            return Verdict::NotRun(format!("needs {what}"));
        }
        if let Some(verdict) = exemptions.skip(&case.id) {
            return verdict;
        }
        let outcome = replay(&case.fixture, played).await;
        exemptions.judged(&case.id, outcome)
    }

    async fn probe(
        &self,
        played: &Played<'_>,
        features: &Features,
        exemptions: &mut Exemptions<'_>,
        judged: &mut Vec<Judged>,
    ) {
        for probe in PROBES.iter().filter(|probe| self.wanted(probe.id)) {
            let verdict = match features.unfit(&[], probe.needs_not) {
                Some(reason) => Verdict::Unsupported(reason),
                None => match exemptions.skip(probe.id) {
                    Some(verdict) => verdict,
                    None => exemptions.judged(probe.id, self.probed(probe, played).await),
                },
            };
            judged.push(Judged {
                case: self.label(probe.id, &played.manifest.api_type),
                profile: probe.profile,
                description: probe.description.to_owned(),
                verdict,
            });
        }
    }

    pub(crate) async fn probed(&self, probe: &Probe, played: &Played<'_>) -> Outcome {
        let WhereTo::InProcess(house) = &played.where_to else {
            return Outcome::NotRun("needs the plugin itself".to_owned());
        };
        match Bench::of(played, house) {
            Ok(bench) => probe.run(&bench).await,
            Err(why) => {
                Outcome::failed_before(crate::judge::Difference::new("tenant", "one that can be read", why))
            }
        }
    }
}

/// Whether this choice is the case of this id, or the file of which it is a variant.
fn selects(only: &str, id: &str) -> bool {
    id.strip_prefix(only).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// What an issuer has.
pub(crate) struct Features(Vec<Feature>);

impl Features {
    pub(crate) fn of(played: &Played<'_>) -> Self {
        let mut features = Feature::of_manifest(played.manifest);
        features.extend(&played.sheet.features);
        Self(features)
    }

    /// Why a case does not concern the issuer, if it does not.
    pub(crate) fn missing(&self, case: &Case) -> Option<String> {
        let server = (case.shelf == Shelf::Server).then_some(Feature::App);
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

impl PluginSheet {
    /// A sheet that knows nothing but the api_types.
    fn bare(manifest: &Manifest) -> Self {
        let issuers = manifest.issuers.iter().map(|issuer| (issuer.api_type.clone(), IssuerSheet::default()));
        Self {
            plugin: manifest.name.clone(),
            cases: 0,
            issuers: issuers.collect(),
            skip: Vec::new(),
            expected_failures: Vec::new(),
        }
    }
}
