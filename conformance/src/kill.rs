//! The kill score: every mutant in turn, and the case that notices it.

use locum_abi::manifest::IssuerManifest;

use crate::exemption::Exemptions;
use crate::library::Library;
use crate::mutants::{self, Mutant};
use crate::options::{Options, SetupError, Subject};
use crate::probe::PROBES;
use crate::profile::Profile;
use crate::replay::{WhereTo, replay};
use crate::report::{Fate, KillScore, MutantReport, Outcome, Report};
use crate::run::{Course, Features, Workbench, install_crypto, run};
use crate::sheet::IssuerSheet;

/// Judges a plugin, then puts one fault after the other into its way and sees whether a case notices.
///
/// # Errors
/// As [`run`](crate::run()); and if the subject is no plugin.
pub fn run_with_mutants(options: &Options) -> Result<Report, SetupError> {
    let mut report = run(options)?;
    // A fault means nothing where something fails without it.
    if report.counts.failed == 0 {
        report.kill_score = Some(KillScore::of(fates(options, &mutants::all(), None)?));
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
    let fates = fates(options, &own, Some(profile))?;
    Ok(fates.into_iter().find(|mutant| mutant.fate == Fate::Survived).map(|mutant| mutant.mutant))
}

impl KillScore {
    fn of(mutants: Vec<MutantReport>) -> Self {
        let count = |fits: fn(&Fate) -> bool| mutants.iter().filter(|mutant| fits(&mutant.fate)).count();
        Self {
            killed: count(|fate| matches!(fate, Fate::Killed { .. })),
            survived: count(|fate| *fate == Fate::Survived),
            unsupported: count(|fate| matches!(fate, Fate::Unsupported { .. })),
            mutants,
        }
    }
}

/// What becomes of these mutants. Without a profile, it ends with the first survivor.
fn fates(
    options: &Options,
    mutants: &[Mutant],
    without: Option<Profile>,
) -> Result<Vec<MutantReport>, SetupError> {
    let Subject::Plugin(file) = &options.subject else { return Err(SetupError::NoMutantsOfServers) };
    install_crypto();
    let library = Library::open(&options.fixtures).map_err(SetupError::Fixtures)?;
    let bench = Workbench::open(options, &library, file)?;
    bench.work(async |course| {
        let mut fates = Vec::new();
        for mutant in mutants {
            let fate = course.fate(mutant, without).await;
            let enough = without.is_some() && fate == Fate::Survived;
            fates.push(MutantReport {
                mutant: mutant.id.to_owned(),
                fault: mutant.fault.to_owned(),
                profile: mutant.profile,
                fate,
            });
            if enough {
                break;
            }
        }
        Ok(fates)
    })
}

impl Course<'_> {
    async fn fate(&self, mutant: &Mutant, without: Option<Profile>) -> Fate {
        let WhereTo::InProcess(house) = &self.where_to else {
            return Fate::Unsupported { reason: "needs the plugin itself".to_owned() };
        };
        let weakened = WhereTo::InProcess(house.weakened(self.manifest, self.sheet, mutant.weakening));
        let mut reason = None;
        let mut concerned = false;
        for issuer in &self.manifest.issuers {
            let Some(sheet) = self.sheet.issuers.get(&issuer.api_type) else { continue };
            let features = Features::of(&self.played(issuer, sheet, &weakened));
            if let Some(unfit) = features.unfit(mutant.needs, mutant.needs_not) {
                reason = Some(unfit);
                continue;
            }
            concerned = true;
            if let Some(by) = self.killer(mutant, issuer, sheet, &features, &weakened, without).await {
                return Fate::Killed { by };
            }
        }
        match reason {
            Some(reason) if !concerned => Fate::Unsupported { reason },
            _ => Fate::Survived,
        }
    }

    /// The first case that fails, the mutant's own profile first.
    async fn killer(
        &self,
        mutant: &Mutant,
        issuer: &IssuerManifest,
        sheet: &IssuerSheet,
        features: &Features,
        weakened: &WhereTo,
        without: Option<Profile>,
    ) -> Option<String> {
        let played = self.played(issuer, sheet, weakened);
        // What fails or is skipped without a mutant proves nothing with one.
        let exemptions = Exemptions::of(self.sheet, self.options.now_unix_seconds);
        let counts = |id: &str, profile: Profile| without != Some(profile) && !exemptions.exempts(id);
        for own in [true, false] {
            for case in self.library.cases.iter().filter(|case| self.concerns(case, &issuer.api_type)) {
                let profile = case.fixture.profile;
                if (profile == mutant.profile) == own
                    && counts(&case.id, profile)
                    && features.missing(case).is_none()
                    && matches!(replay(&case.fixture, &played).await, Outcome::Failed(_))
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
