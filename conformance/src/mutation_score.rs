//! The mutation score: every mutant in turn, and the case that notices it.

use locum_abi::manifest::IssuerManifest;

use crate::case_run::{Destination, run_case};
use crate::exemption::Exemptions;
use crate::library::Fixtures;
use crate::mutants::{self, Mutant};
use crate::options::{Implementation, Options, SetupError};
use crate::plugin_spec::IssuerSpec;
use crate::probe::PROBES;
use crate::profile::Profile;
use crate::report::{MutantReport, MutantResult, MutationScore, Outcome, Report};
use crate::run::{Features, LoadedPlugin, Run, install_crypto, run};

/// Judges a plugin, then puts one fault after the other into its way and sees whether a case notices.
///
/// # Errors
/// As [`run`](crate::run()); and if the subject is no plugin.
pub fn run_with_mutants(options: &Options) -> Result<Report, SetupError> {
    let mut report = run(options)?;
    // A fault means nothing where something fails without it.
    if report.counts.failed == 0 {
        report.mutation_score = Some(MutationScore::of(results(options, &mutants::all(), None)?));
    }
    Ok(report)
}

/// A mutant that nobody notices when this profile has no cases: what the profile is there for. `None` if the other
/// profiles notice every mutant of this one.
///
/// # Errors
/// As [`run_with_mutants`].
pub fn survivor_without(options: &Options, profile: Profile) -> Result<Option<String>, SetupError> {
    let own: Vec<Mutant> = mutants::all().into_iter().filter(|mutant| mutant.profile == profile).collect();
    let results = results(options, &own, Some(profile))?;
    Ok(results.into_iter().find(|mutant| mutant.result == MutantResult::Survived).map(|mutant| mutant.mutant))
}

impl MutationScore {
    fn of(mutants: Vec<MutantReport>) -> Self {
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

/// What becomes of these mutants. Without a profile, it ends with the first survivor.
fn results(
    options: &Options,
    mutants: &[Mutant],
    without: Option<Profile>,
) -> Result<Vec<MutantReport>, SetupError> {
    let Implementation::Plugin(file) = &options.implementation else {
        return Err(SetupError::MutationScoreNeedsPlugin);
    };
    install_crypto();
    let library = Fixtures::open(&options.fixtures).map_err(SetupError::Fixtures)?;
    let bench = LoadedPlugin::open(options, &library, file)?;
    bench.work(async |run| {
        let mut results = Vec::new();
        for mutant in mutants {
            let result = run.result(mutant, without).await;
            let enough = without.is_some() && result == MutantResult::Survived;
            results.push(MutantReport {
                mutant: mutant.id.to_owned(),
                description: mutant.description.to_owned(),
                profile: mutant.profile,
                result,
            });
            if enough {
                break;
            }
        }
        Ok(results)
    })
}

impl Run<'_> {
    async fn result(&self, mutant: &Mutant, without: Option<Profile>) -> MutantResult {
        let Destination::InProcess(harness) = &self.destination else {
            return MutantResult::Unsupported { reason: "needs the plugin itself".to_owned() };
        };
        let with_fault = Destination::InProcess(harness.with_fault(self.manifest, self.spec, mutant.fault));
        let mut reason = None;
        let mut concerned = false;
        for issuer in &self.manifest.issuers {
            let Some(spec) = self.spec.issuers.get(&issuer.api_type) else { continue };
            let features = Features::of(&self.played(issuer, spec, &with_fault));
            if let Some(unfit) = features.unfit(mutant.needs, mutant.needs_not) {
                reason = Some(unfit);
                continue;
            }
            concerned = true;
            if let Some(by) = self.killer(mutant, issuer, spec, &features, &with_fault, without).await {
                return MutantResult::Killed { by };
            }
        }
        match reason {
            Some(reason) if !concerned => MutantResult::Unsupported { reason },
            _ => MutantResult::Survived,
        }
    }

    /// The first case that fails, the mutant's own profile first.
    async fn killer(
        &self,
        mutant: &Mutant,
        issuer: &IssuerManifest,
        spec: &IssuerSpec,
        features: &Features,
        with_fault: &Destination,
        without: Option<Profile>,
    ) -> Option<String> {
        let played = self.played(issuer, spec, with_fault);
        // What fails or is skipped without a mutant proves nothing with one.
        let exemptions = Exemptions::of(self.spec, self.options.now_unix_seconds);
        let counts = |id: &str, profile: Profile| without != Some(profile) && !exemptions.exempts(id);
        for own in [true, false] {
            for case in self.library.cases.iter().filter(|case| self.concerns(case, &issuer.api_type)) {
                let profile = case.fixture.profile;
                if (profile == mutant.profile) == own
                    && counts(&case.id, profile)
                    && features.missing(case).is_none()
                    && matches!(run_case(&case.fixture, &played).await, Outcome::Failed(_))
                {
                    return Some(self.label(&case.id, &issuer.api_type));
                }
            }
            for probe in &PROBES {
                if (probe.profile == mutant.profile) == own
                    && counts(probe.id, probe.profile)
                    && features.unfit(&[], probe.needs_not).is_none()
                    && matches!(self.probed(probe, &played).await, Outcome::Failed(_))
                {
                    return Some(self.label(probe.id, &issuer.api_type));
                }
            }
        }
        None
    }
}
