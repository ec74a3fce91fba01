//! The mutation score: every mutant in turn, and the first case that detects it.

use crate::cases::case_run::run_case;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::fixtures::load::Fixtures;
use crate::mutants::catalogue;
use crate::mutants::mutant::Mutant;
use crate::mutants::request_score::request_mutation_score;
use crate::options::{Implementation, Options, SetupError};
use crate::probes::PROBES;
use crate::profile::Profile;
use crate::report::{MutantReport, MutantResult, MutationScore, Outcome, Report};
use crate::running::{Exemptions, Features, LoadedPlugin, Run, RunDestination, install_crypto, run};

/// Runs the suite against a plugin, then once per mutant. A report with failed cases has no mutation score, because a
/// failure then says nothing about a mutant.
///
/// # Errors
/// As [`run`](crate::run()); also a server instead of a plugin.
pub fn run_with_mutants(options: &Options) -> Result<Report, SetupError> {
    let mut report = run(options)?;
    if report.counts.failed == 0 {
        let mutants = mutant_reports(options, &catalogue::all(), None)?;
        report.mutation_score = Some(MutationScore::of(mutants));
        report.request_mutation_score =
            with_plugin(options, async |run| Ok(request_mutation_score(&run).await))?;
    }
    Ok(report)
}

/// The id of a mutant of this profile that survives without the profile's cases. `None` if the cases of the other
/// profiles detect every mutant of this profile.
///
/// # Errors
/// As [`run_with_mutants`].
pub fn survivor_without(options: &Options, profile: Profile) -> Result<Option<String>, SetupError> {
    let of_profile: Vec<Mutant> =
        catalogue::all().into_iter().filter(|mutant| mutant.profile == profile).collect();
    let reports = mutant_reports(options, &of_profile, Some(profile))?;
    Ok(reports.into_iter().find(|report| report.result == MutantResult::Survived).map(|report| report.mutant))
}

/// The result of each mutant. With a profile whose cases are left out, it stops at the first survivor.
fn mutant_reports(
    options: &Options,
    mutants: &[Mutant],
    without: Option<Profile>,
) -> Result<Vec<MutantReport>, SetupError> {
    with_plugin(options, async |run| {
        let mut reports = Vec::new();
        for mutant in mutants {
            let result = run_mutant(&run, mutant, without).await;
            let stop = without.is_some() && result == MutantResult::Survived;
            reports.push(MutantReport {
                mutant: mutant.id.to_owned(),
                description: mutant.description.to_owned(),
                profile: Some(mutant.profile),
                result,
            });
            if stop {
                break;
            }
        }
        Ok(reports)
    })
}

/// Does this work with a run of the plugin.
fn with_plugin<T>(
    options: &Options,
    work: impl AsyncFnOnce(Run<'_>) -> Result<T, SetupError>,
) -> Result<T, SetupError> {
    let Implementation::Plugin(file) = &options.implementation else {
        return Err(SetupError::MutationScoreNeedsPlugin);
    };
    install_crypto();
    let fixtures = Fixtures::load(&options.fixtures).map_err(SetupError::Fixtures)?;
    LoadedPlugin::load(options, &fixtures, file)?.with_run(work)
}

async fn run_mutant(run: &Run<'_>, mutant: &Mutant, without: Option<Profile>) -> MutantResult {
    let RunDestination::InProcess(harness) = &run.destination else {
        return MutantResult::Unsupported { reason: "needs the plugin file".to_owned() };
    };
    let mutated = Destination::InProcess(harness.with_fault(run.manifest, run.spec, mutant.fault));
    let mut reason = None;
    let mut applies = false;
    for manifest in &run.manifest.issuers {
        let Some(spec) = run.spec.issuers.get(&manifest.api_type) else { continue };
        let issuer = run.issuer_under_test(manifest, spec, &mutated);
        let features = Features::of(&issuer);
        if let Some(unmet) = features.unmet(mutant.needs, mutant.needs_not) {
            reason = Some(unmet);
            continue;
        }
        applies = true;
        if let Some(by) = detecting_case(run, mutant, &issuer, &features, without).await {
            return MutantResult::Killed { by };
        }
    }
    match reason {
        Some(reason) if !applies => MutantResult::Unsupported { reason },
        _ => MutantResult::Survived,
    }
}

/// The first case that fails. The cases of the mutant's own profile run first.
async fn detecting_case(
    run: &Run<'_>,
    mutant: &Mutant,
    issuer: &IssuerUnderTest<'_>,
    features: &Features,
    without: Option<Profile>,
) -> Option<String> {
    let api_type = &issuer.manifest.api_type;
    // A case that fails or is skipped without the mutant shows nothing about it.
    let exemptions = Exemptions::of(run.spec, run.options.now_unix_seconds);
    let counts = |id: &str, profile: Profile| without != Some(profile) && !exemptions.contains(id);
    for of_own_profile in [true, false] {
        for case in run.cases_for(api_type) {
            let profile = case.fixture.profile;
            if (profile == mutant.profile) == of_own_profile
                && counts(&case.id, profile)
                && features.unmet_by_case(case).is_none()
                && matches!(run_case(&case.fixture, issuer).await, Outcome::Failed(_))
            {
                return Some(run.label(&case.id, api_type));
            }
        }
        for probe in &PROBES {
            if (probe.profile == mutant.profile) == of_own_profile
                && counts(probe.id, probe.profile)
                && features.unmet(probe.needs, probe.needs_not).is_none()
                && matches!(probe.run(issuer).await, Outcome::Failed(_))
            {
                return Some(run.label(probe.id, api_type));
            }
        }
    }
    None
}
