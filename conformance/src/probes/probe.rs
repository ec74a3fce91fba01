//! The probes, and how one runs.

use std::pin::Pin;

use locum_abi::manifest::IssuerManifest;

use crate::cases::issuer_under_test::{Destination, IssuerUnderTest};
use crate::feature::Feature;
use crate::probes::context::{Found, NotRun, ProbeContext};
use crate::probes::{
    corrected_values, hostile_attributes, hostile_parameters, kept_state, kept_values, manifest, purity,
    secret_settings, settings, stated_expiry, two_processes, unconfirmed_revocation, unverified_address,
};
use crate::profile::Profile;
use crate::report::{Difference, Failure, Outcome};

/// A case without a fixture file.
pub(crate) struct Probe {
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    pub(crate) profile: Profile,
    /// The probe applies to issuers with all these features only.
    pub(crate) needs: &'static [Feature],
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
    /// Whether the issuer answers later as it did at the beginning of the run.
    TwoProcesses,
    /// What the issuer answers.
    Calls(for<'c> fn(&'c ProbeContext<'c>) -> Pin<Box<dyn Future<Output = Found> + 'c>>),
}

/// All probes.
pub(crate) const PROBES: [Probe; 25] = [
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
        "a-secret-setting-is-write-only",
        "Every setting that holds a secret is `writeOnly` in the schema, so that its value is shown to nobody.",
        Check::Calls(|context| Box::pin(async { secret_settings::secrets_are_marked(context) })),
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
            Check::Calls(|context| Box::pin(purity::equal_grants_give_equal_credentials(context))),
        )
    },
    Probe::of(
        "equal-grants-give-equal-credentials-in-two-processes",
        "Two processes, at two times of the machine, issue the same credential for the same grant, time and entropy.",
        Check::TwoProcesses,
    ),
    Probe::of(
        "a-second-user-gets-what-nobody-before-has-changed",
        "A user gets the same credential, by the same upstream requests, whoever asked before.",
        Check::Calls(|context| Box::pin(kept_state::second_user(context))),
    ),
    Probe {
        needs: &[Feature::ReadsProfile],
        ..Probe::of(
            "changed-attributes-of-a-user-are-used",
            "A user whose attributes have changed gets a credential by the new ones.",
            Check::Calls(|context| Box::pin(kept_state::changed_attributes(context))),
        )
    },
    Probe::of(
        "add-ons-of-two-clients-do-not-influence-each-other",
        "The add-ons of two clients of a tenant issue what each issues alone.",
        Check::Calls(|context| Box::pin(kept_state::second_client(context))),
    ),
    Probe::of(
        "add-ons-of-two-tenants-do-not-influence-each-other",
        "The add-ons of two tenants, with different settings, issue what each issues alone.",
        Check::Calls(|context| Box::pin(kept_state::second_tenant(context))),
    ),
    Probe {
        needs: &[Feature::Keeps],
        ..Probe::of(
            "kept-values-do-not-depend-on-the-user",
            "Values that the host keeps for an issuer are the same for all of its users.",
            Check::Calls(|context| Box::pin(kept_values::kept_values(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        ..Probe::of(
            "a-setting-sent-as-a-parameter-changes-nothing",
            "A parameter with the name of a setting changes nothing, unless the manifest declares it.",
            Check::Calls(|context| Box::pin(hostile_parameters::names_of_settings(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        needs: &[Feature::Parameters],
        ..Probe::of(
            "a-hostile-parameter-is-refused-or-harmless",
            "Whatever a parameter holds, the user, the hosts and the paths of upstream requests stay the same, or it is refused.",
            Check::Calls(|context| Box::pin(hostile_parameters::hostile_values(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        needs: &[Feature::ReadsProfile],
        ..Probe::of(
            "an-unexpected-attribute-is-refused-or-harmless",
            "Whatever an attribute of the user holds, what is made of it can be read, and is about the same user, or it is refused.",
            Check::Calls(|context| Box::pin(hostile_attributes::hostile_attributes(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        needs: &[Feature::Parameters],
        ..Probe::of(
            "a-parameter-is-used-as-it-is-or-refused",
            "No other value of a parameter gives the same credential by the same upstream requests: none is trimmed, cut or ignored.",
            Check::Calls(|context| Box::pin(corrected_values::parameters(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        ..Probe::of(
            "long-user-ids-stay-different",
            "Two users whose long ids differ in the last letter get different credentials, or different upstream requests.",
            Check::Calls(|context| Box::pin(corrected_values::user_ids(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        needs: &[Feature::ReadsProfile],
        ..Probe::of(
            "an-attribute-is-used-as-it-is-or-refused",
            "No attribute of the user is trimmed before it is used.",
            Check::Calls(|context| Box::pin(corrected_values::attributes(context))),
        )
    },
    Probe {
        profile: Profile::Hostile,
        needs: &[Feature::ReadsProfile],
        ..Probe::of(
            "an-unverified-address-identifies-nobody",
            "The email address of a user is told to nobody as verified before it is.",
            Check::Calls(|context| Box::pin(unverified_address::unverified_address(context))),
        )
    },
    Probe {
        profile: Profile::Expiry,
        needs: &[Feature::EndSetUpstream],
        ..Probe::of(
            "an-expiry-that-an-upstream-states-is-believed",
            "A credential that is valid for longer than granted by what its upstream says is refused, and no other expiry is stated.",
            Check::Calls(|context| Box::pin(stated_expiry::stated_expiry(context))),
        )
    },
    Probe {
        profile: Profile::Revocation,
        needs: &[Feature::Revocable],
        ..Probe::of(
            "a-revocation-that-a-busy-upstream-does-not-confirm-fails",
            "A revocation to which the upstream answers that it is busy or has failed is not reported as one.",
            Check::Calls(|context| Box::pin(unconfirmed_revocation::unconfirmed_revocation(context))),
        )
    },
];

impl Probe {
    const fn of(id: &'static str, description: &'static str, check: Check) -> Self {
        Self { id, description, profile: Profile::Contract, needs: &[], needs_not: &[], check }
    }

    /// Does what has to be done at the beginning of a run.
    pub(crate) async fn prepare(&self, issuer: &IssuerUnderTest<'_>) {
        if let (Check::TwoProcesses, Destination::InProcess(harness)) = (self.check, &issuer.destination)
            && let Ok(context) = ProbeContext::of(issuer, harness)
        {
            two_processes::ask_early(&context).await;
        }
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
        let found = match self.check {
            Check::Manifest(check) => Ok(check(context.manifest)),
            Check::Settings(check) => Ok(check(&context)),
            Check::TwoProcesses => two_processes::two_processes(&context).await,
            Check::Calls(check) => check(&context).await,
        };
        match found {
            Err(NotRun(why)) => Outcome::NotRun(why),
            Ok(differences) if differences.is_empty() => Outcome::Passed,
            Ok(differences) => Outcome::Failed(Failure::of(context.redacted(differences))),
        }
    }
}
