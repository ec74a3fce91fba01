//! Cases that follow from the manifest itself, whatever it says: is it honest, and is the issuer a function?

mod manifest;
mod settings;

use std::sync::Arc;

use locum_abi::answer::Failure as IssuerRefusal;
use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::grant::Grant;
use locum_abi::manifest::IssuerManifest;
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{CallContext, Issuer};
use serde_json::{Map, Value, json};

use crate::case_context::Harness;
use crate::case_run::{ALICE, IssuerUnderTest, settings_of, variables_of};
use crate::comparison::Difference;
use crate::plugin_spec::IssuerSpec;
use crate::profile::{Feature, Profile};
use crate::report::{Failure, Outcome};
use crate::tenant::{CALLER, TARGET, TenantDocument};
use crate::variables::{TimeWindow, Variables};

/// When the issuer is called: 2030-01-08T18:45:14Z, unix seconds.
const NOW: i64 = 1_894_128_314;

/// A case without a file.
pub(crate) struct Probe {
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    pub(crate) profile: Profile,
    /// Features that excuse an issuer from it.
    pub(crate) needs_not: &'static [Feature],
    question: Question,
}

/// What a probe asks.
#[derive(Clone, Copy)]
enum Question {
    /// Something of the manifest.
    Manifest(fn(&IssuerManifest) -> Vec<Difference>),
    /// Something of how settings are taken.
    Settings(fn(&ProbeContext<'_>) -> Vec<Difference>),
    /// Whether the issuer is a function.
    Purity,
}

/// All of them.
pub(crate) const PROBES: [Probe; 9] = [
    Probe::of(
        "settings-are-closed",
        "The settings schema is an object that allows no unknown setting.",
        Question::Manifest(manifest::settings_are_closed),
    ),
    Probe::of(
        "every-setting-is-described",
        "Every setting has a description for operators.",
        Question::Manifest(manifest::every_setting_is_described),
    ),
    Probe::of(
        "no-parameter-overrides-a-secret",
        "No request parameter stands in for a secret setting.",
        Question::Manifest(manifest::no_parameter_overrides_a_secret),
    ),
    Probe::of(
        "promises-name-what-exists",
        "Overrides, lifetime and reads name parameters and settings that the schemas know.",
        Question::Manifest(manifest::promises_name_what_exists),
    ),
    Probe::of(
        "operators-are-told-what-to-do-after-a-leak",
        "The manifest says in a sentence what to do when a credential has leaked.",
        Question::Manifest(manifest::operators_are_told_what_to_do),
    ),
    Probe::of(
        "a-setting-of-the-wrong-type-is-refused-by-name",
        "Every setting of a wrong type is refused, and the refusal points to it.",
        Question::Settings(settings::wrong_types_are_refused),
    ),
    Probe::of(
        "a-missing-setting-is-refused-by-name",
        "Every required setting that is missing is refused by name.",
        Question::Settings(settings::missing_settings_are_refused),
    ),
    Probe::of(
        "a-refusal-repeats-no-secret",
        "A secret setting of a wrong shape is refused without being repeated.",
        Question::Settings(settings::refusals_repeat_no_secret),
    ),
    Probe {
        needs_not: &[Feature::Random],
        ..Probe::of(
            "the-same-grant-gives-the-same-credential",
            "Two issuers with the same settings give the same credential for the same grant, time and entropy.",
            Question::Purity,
        )
    },
];

impl Probe {
    const fn of(id: &'static str, description: &'static str, question: Question) -> Self {
        Self { id, description, profile: Profile::Contract, needs_not: &[], question }
    }

    pub(crate) async fn run(&self, bench: &ProbeContext<'_>) -> Outcome {
        let differences = match self.question {
            Question::Manifest(ask) => ask(bench.manifest),
            Question::Settings(ask) => ask(bench),
            Question::Purity => bench.impurities().await,
        };
        if differences.is_empty() { Outcome::Passed } else { Outcome::Failed(Failure::of(differences)) }
    }
}

/// The issuer with all that is needed to make it ready.
pub(crate) struct ProbeContext<'a> {
    manifest: &'a IssuerManifest,
    spec: &'a IssuerSpec,
    harness: &'a Harness,
    settings: Map<String, Value>,
    tenant: TenantForIssuer,
    variables: Variables,
}

impl<'a> ProbeContext<'a> {
    /// # Errors
    /// A tenant that cannot be one.
    pub(crate) fn of(played: &IssuerUnderTest<'a>, harness: &'a Harness) -> Result<Self, String> {
        let mut document = TenantDocument::new(played.tenant.clone());
        document.enable(played.manifest, played.spec.settings.clone(), &Map::new());
        let tenant = document.tenant()?;
        Ok(Self {
            manifest: played.manifest,
            spec: played.spec,
            harness,
            settings: settings_of(&tenant, &played.manifest.api_type),
            variables: variables_of(played.manifest, TimeWindow { earliest: NOW, latest: NOW }, ALICE),
            tenant: TenantForIssuer {
                domain: tenant.domain.clone(),
                signing_key: tenant.keys.first().map(|key| key.signing.clone()),
            },
        })
    }

    fn configure(&self, settings: Map<String, Value>) -> Result<Arc<dyn Issuer>, IssuerRefusal> {
        self.harness.issuers.configure(Configuration {
            api_type: self.manifest.api_type.clone(),
            settings,
            tenant: self.tenant.clone(),
        })
    }

    fn settings_schema(&self) -> impl Iterator<Item = (&str, &Value)> {
        properties(&self.manifest.settings_schema)
    }

    /// How two issuers differ that were made ready apart, given the same to do.
    async fn impurities(&self) -> Vec<Difference> {
        match (self.issued().await, self.issued().await) {
            (Ok(one), Ok(other)) if one == other => Vec::new(),
            (Ok(_), Ok(_)) => {
                vec![Difference::new("credential of the second issuer", "that of the first", "another")]
            }
            (Err(why), _) | (_, Err(why)) => vec![Difference::new("credential", "one", why)],
        }
    }

    async fn issued(&self) -> Result<Value, String> {
        let issuer = self.configure(self.settings.clone()).map_err(|refusal| refusal.message)?;
        let script = self.spec.upstream.iter().map(|exchange| exchange.filled(&self.variables));
        self.harness.upstreams.play(script.collect::<Result<_, _>>().map_err(|error| error.to_string())?);
        let context = CallContext { now_unix_ms: NOW.unsigned_abs() * 1000, entropy: [7; ENTROPY_BYTES] };
        let issued = issuer.issue(&self.grant(), context).await.map_err(|failure| failure.to_string())?;
        Ok(json!(issued))
    }

    fn grant(&self) -> Grant {
        Grant {
            user_id: ALICE.to_owned(),
            client_id: CALLER.to_owned(),
            target_id: TARGET.to_owned(),
            scopes: vec!["openid".to_owned()],
            claims: Map::new(),
            profile: self.spec.profile.clone(),
            parameters: self.spec.parameters.clone(),
            lifetime_seconds: self.manifest.lifetime.default_seconds,
        }
    }
}

fn properties(schema: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties.map(|(name, property)| (name.as_str(), property))
}

fn is_secret(property: &Value) -> bool {
    property.get("writeOnly") == Some(&Value::Bool(true))
}
