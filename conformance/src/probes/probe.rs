//! The probes, and how one runs.

use locum_abi::manifest::IssuerManifest;

use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::feature::Feature;
use crate::probes::context::ProbeContext;
use crate::probes::{manifest, purity, settings};
use crate::profile::Profile;
use crate::report::{Difference, Failure, Outcome};

/// A case without a fixture file.
pub(crate) struct Probe {
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    pub(crate) profile: Profile,
    /// The probe does not apply to issuers with one of these features.
    pub(crate) needs_not: &'static [Feature],
    check: Check,
}

/// What a probe checks.
#[derive(Clone, Copy)]
enum Check {
    /// The manifest.
    Manifest(fn(&IssuerManifest) -> Vec<Difference>),
    /// How the issuer validates settings.
    Settings(fn(&ProbeContext<'_>) -> Vec<Difference>),
    /// Whether the issuer is a pure function.
    Purity,
}

/// All probes.
pub(crate) const PROBES: [Probe; 9] = [
    Probe::of(
        "unknown-settings-are-refused-by-the-schema",
        "The settings schema is an object that allows no unknown setting.",
        Check::Manifest(manifest::unknown_settings_are_refused),
    ),
    Probe::of(
        "every-setting-has-a-description",
        "Every setting has a description for operators.",
        Check::Manifest(manifest::every_setting_has_a_description),
    ),
    Probe::of(
        "no-parameter-overrides-a-secret",
        "No request parameter overrides a secret setting.",
        Check::Manifest(manifest::no_parameter_overrides_a_secret),
    ),
    Probe::of(
        "names-in-the-manifest-exist-in-its-schemas",
        "Overrides, lifetime and reads name parameters and settings that the schemas define.",
        Check::Manifest(manifest::named_properties_exist),
    ),
    Probe::of(
        "the-manifest-states-what-to-do-after-a-leak",
        "The manifest states in a sentence what operators do when a credential has leaked.",
        Check::Manifest(manifest::revocation_advice_is_a_sentence),
    ),
    Probe::of(
        "a-setting-of-the-wrong-type-is-refused-with-its-pointer",
        "Every setting of a wrong type is refused, and the refusal points to it.",
        Check::Settings(settings::wrong_types_are_refused),
    ),
    Probe::of(
        "a-missing-setting-is-refused-by-name",
        "Every required setting that is missing is refused by name.",
        Check::Settings(settings::missing_settings_are_refused),
    ),
    Probe::of(
        "a-refusal-of-settings-contains-no-secret",
        "The refusal of a malformed secret setting does not contain its value.",
        Check::Settings(settings::refusals_contain_no_secret),
    ),
    Probe {
        needs_not: &[Feature::Random],
        ..Probe::of(
            "equal-grants-give-equal-credentials",
            "Two issuers with the same settings issue the same credential for the same grant, time and entropy.",
            Check::Purity,
        )
    },
];

impl Probe {
    const fn of(id: &'static str, description: &'static str, check: Check) -> Self {
        Self { id, description, profile: Profile::Contract, needs_not: &[], check }
    }

    /// Runs the probe; it needs the plugin in this process.
    pub(crate) async fn run(&self, issuer: &IssuerUnderTest<'_>) -> Outcome {
        let Destination::InProcess(harness) = &issuer.destination else {
            return Outcome::NotRun("needs the plugin file".to_owned());
        };
        let context = match ProbeContext::of(issuer, harness) {
            Ok(context) => context,
            Err(why) => return Outcome::failed_before(Difference::new("tenant", "a valid tenant", why)),
        };
        let differences = match self.check {
            Check::Manifest(check) => check(context.manifest),
            Check::Settings(check) => check(&context),
            Check::Purity => purity::equal_grants_give_equal_credentials(&context).await,
        };
        if differences.is_empty() { Outcome::Passed } else { Outcome::Failed(Failure::of(differences)) }
    }
}
