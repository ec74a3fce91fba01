//! Cases that follow from the manifest itself, whatever it says: is it honest, and is the issuer a function?

use std::sync::Arc;

use locum_abi::answer::Failure as IssuerRefusal;
use locum_abi::configuration::{Configuration, Tenant as TenantForIssuer};
use locum_abi::grant::Grant;
use locum_abi::manifest::{IssuerManifest, Read};
use locum_abi::operation::ENTROPY_BYTES;
use locum_engine::ports::{Issuer, Moment};
use serde_json::{Map, Value, json};

use crate::judge::Difference;
use crate::profile::{Feature, Profile};
use crate::replay::{ALICE, Played, settings_of, variables_of};
use crate::report::Outcome;
use crate::sheet::IssuerSheet;
use crate::stage::House;
use crate::tenant::{CALLER, TARGET, TenantDocument};
use crate::variables::{Variables, Window};

/// When the issuer is called: 2030-01-08T18:45:14Z, unix seconds.
const NOW: i64 = 1_894_128_314;

/// A case without a file.
pub(crate) struct Probe {
    pub(crate) id: &'static str,
    pub(crate) description: &'static str,
    pub(crate) profile: Profile,
    /// A feature that excuses an issuer from it.
    pub(crate) needs_not: Option<Feature>,
    run: fn(&Bench<'_>) -> Vec<Difference>,
}

/// All of them. The one that calls the issuer stands apart, since calling takes time.
pub(crate) const PROBES: [Probe; 8] = [
    Probe::of(
        "settings-are-closed",
        "The settings schema is an object that allows no unknown setting.",
        settings_are_closed,
    ),
    Probe::of(
        "every-setting-is-described",
        "Every setting has a description for operators.",
        every_setting_is_described,
    ),
    Probe::of(
        "no-parameter-overrides-a-secret",
        "No request parameter stands in for a secret setting.",
        no_parameter_overrides_a_secret,
    ),
    Probe::of(
        "promises-name-what-exists",
        "Overrides, lifetime and reads name parameters and settings that the schemas know.",
        promises_name_what_exists,
    ),
    Probe::of(
        "operators-are-told-what-to-do-after-a-leak",
        "The manifest says in a sentence what to do when a credential has leaked.",
        operators_are_told_what_to_do,
    ),
    Probe::of(
        "a-setting-of-the-wrong-type-is-refused-by-name",
        "Every setting of a wrong type is refused, and the refusal points to it.",
        wrong_types_are_refused,
    ),
    Probe::of(
        "a-missing-setting-is-refused-by-name",
        "Every required setting that is missing is refused by name.",
        missing_settings_are_refused,
    ),
    Probe::of(
        "a-refusal-repeats-no-secret",
        "A secret setting of a wrong shape is refused without being repeated.",
        refusals_repeat_no_secret,
    ),
];

/// The probe that calls the issuer.
pub(crate) const PURITY: Probe = Probe {
    needs_not: Some(Feature::Random),
    ..Probe::of(
        "the-same-grant-gives-the-same-credential",
        "Two issuers with the same settings give the same credential for the same grant, time and entropy.",
        |_| Vec::new(),
    )
};

impl Probe {
    const fn of(id: &'static str, description: &'static str, run: fn(&Bench<'_>) -> Vec<Difference>) -> Self {
        Self { id, description, profile: Profile::Contract, needs_not: None, run }
    }

    pub(crate) fn run(&self, bench: &Bench<'_>) -> Outcome {
        outcome((self.run)(bench))
    }
}

fn outcome(differences: Vec<Difference>) -> Outcome {
    if differences.is_empty() {
        Outcome::Passed
    } else {
        Outcome::Failed(crate::report::Failure::of(differences))
    }
}

/// The issuer with all that is needed to make it ready.
pub(crate) struct Bench<'a> {
    manifest: &'a IssuerManifest,
    sheet: &'a IssuerSheet,
    house: &'a House,
    settings: Map<String, Value>,
    tenant: TenantForIssuer,
    variables: Variables,
}

impl<'a> Bench<'a> {
    /// # Errors
    /// A tenant that cannot be one.
    pub(crate) fn of(played: &Played<'a>, house: &'a House) -> Result<Self, String> {
        let mut document = TenantDocument::new(played.tenant.clone());
        document.enable(played.manifest, played.sheet.settings.clone(), &Map::new());
        let tenant = document.tenant()?;
        Ok(Self {
            manifest: played.manifest,
            sheet: played.sheet,
            house,
            settings: settings_of(&tenant, &played.manifest.api_type),
            variables: variables_of(played.manifest, Window { earliest: NOW, latest: NOW }, ALICE),
            tenant: TenantForIssuer {
                domain: tenant.domain.clone(),
                signing_key: tenant.keys.first().map(|key| key.signing.clone()),
            },
        })
    }

    fn configure(&self, settings: Map<String, Value>) -> Result<Arc<dyn Issuer>, IssuerRefusal> {
        self.house.issuers.configure(Configuration {
            api_type: self.manifest.api_type.clone(),
            settings,
            tenant: self.tenant.clone(),
        })
    }

    fn settings_schema(&self) -> impl Iterator<Item = (&str, &Value)> {
        properties(&self.manifest.settings_schema)
    }

    /// Issues twice, by two issuers made ready apart.
    pub(crate) async fn purity(&self) -> Outcome {
        let mut given = Vec::new();
        for _ in 0..2 {
            let issuer = match self.configure(self.settings.clone()) {
                Ok(issuer) => issuer,
                Err(refusal) => {
                    return Outcome::failed_before(Difference::new("settings", "taken", refusal.message));
                }
            };
            let script = self.sheet.upstream.iter().map(|exchange| exchange.filled(&self.variables));
            match script.collect::<Result<Vec<_>, _>>() {
                Ok(script) => self.house.upstreams.play(script),
                Err(error) => {
                    return Outcome::failed_before(Difference::new(
                        "sheet",
                        "known variables",
                        error.to_string(),
                    ));
                }
            }
            let moment = Moment { now_unix_ms: NOW.unsigned_abs() * 1000, entropy: [7; ENTROPY_BYTES] };
            match issuer.issue(&self.grant(), moment).await {
                Ok(issued) => given.push(json!(issued)),
                Err(failure) => {
                    return Outcome::failed_before(Difference::new("credential", "one", failure.to_string()));
                }
            }
        }
        match given.as_slice() {
            [one, other] if one == other => Outcome::Passed,
            _ => Outcome::failed_before(Difference::new(
                "credential of the second issuer",
                "that of the first",
                "another",
            )),
        }
    }

    fn grant(&self) -> Grant {
        Grant {
            user_id: ALICE.to_owned(),
            client_id: CALLER.to_owned(),
            target_id: TARGET.to_owned(),
            scopes: vec!["openid".to_owned()],
            claims: Map::new(),
            profile: self.sheet.profile.clone(),
            parameters: self.sheet.parameters.clone(),
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

fn settings_are_closed(bench: &Bench<'_>) -> Vec<Difference> {
    let schema = &bench.manifest.settings_schema;
    let mut open = Vec::new();
    if schema.get("type") != Some(&json!("object")) {
        open.push(Difference::new("type of the settings schema", "object", "another"));
    }
    if schema.get("additionalProperties") != Some(&Value::Bool(false)) {
        open.push(Difference::new("additionalProperties", "false", "absent or true"));
    }
    open
}

fn every_setting_is_described(bench: &Bench<'_>) -> Vec<Difference> {
    let described = |property: &Value| {
        property.get("description").and_then(Value::as_str).is_some_and(|text| !text.trim().is_empty())
    };
    let silent = bench.settings_schema().filter(|(_, property)| !described(property));
    silent.map(|(name, _)| Difference::new(format!("setting {name}"), "a description", "none")).collect()
}

fn no_parameter_overrides_a_secret(bench: &Bench<'_>) -> Vec<Difference> {
    let secret =
        |name: &str| bench.settings_schema().any(|(own, property)| own == name && is_secret(property));
    let overriding = bench.manifest.overrides.iter().filter(|known| secret(&known.setting));
    overriding
        .map(|known| {
            Difference::new(
                format!("parameter {}", known.parameter),
                "stands in for no secret",
                &known.setting,
            )
        })
        .collect()
}

fn promises_name_what_exists(bench: &Bench<'_>) -> Vec<Difference> {
    let manifest = bench.manifest;
    let setting = |name: &str| bench.settings_schema().any(|(own, _)| own == name);
    let parameter = |name: &str| properties(&manifest.parameters_schema).any(|(own, _)| own == name);
    let mut unknown = Vec::new();
    let mut check = |promise: &str, known: bool, name: &str| {
        if !known {
            unknown.push(Difference::new(promise, "a name that the schema knows", name));
        }
    };
    for known in &manifest.overrides {
        check("setting of an override", setting(&known.setting), &known.setting);
        check("parameter of an override", parameter(&known.parameter), &known.parameter);
    }
    if let Some(asking) = &manifest.lifetime.setting {
        check("setting of the lifetime", setting(&asking.name), &asking.name);
    }
    for read in &manifest.reads {
        if let Read::NamedBySetting { setting: name, .. } = read {
            check("setting that names an attribute", setting(name), name);
        }
    }
    unknown
}

fn operators_are_told_what_to_do(bench: &Bench<'_>) -> Vec<Difference> {
    let advice = bench.manifest.revocation_advice.trim();
    if advice.ends_with('.') && advice.contains(' ') {
        return Vec::new();
    }
    vec![Difference::new("revocation_advice", "a whole sentence", advice)]
}

/// No schema of a sensible setting takes this.
fn misshapen(canary: &str) -> Value {
    json!([{ "misshapen": [canary] }])
}

fn wrong_types_are_refused(bench: &Bench<'_>) -> Vec<Difference> {
    let mut taken = Vec::new();
    for (name, _) in bench.settings_schema() {
        let mut settings = bench.settings.clone();
        settings.insert(name.to_owned(), misshapen("value"));
        let pointer = format!("/{name}");
        match bench.configure(settings) {
            Ok(_) => {
                taken.push(Difference::new(format!("setting {name} of a wrong type"), "refused", "taken"))
            }
            Err(refusal) if refusal.pointer.as_deref().is_some_and(|own| own.starts_with(&pointer)) => {}
            Err(refusal) => taken.push(Difference::new(
                format!("pointer of the refusal of {name}"),
                pointer,
                refusal.pointer.unwrap_or_else(|| "absent".to_owned()),
            )),
        }
    }
    taken
}

fn missing_settings_are_refused(bench: &Bench<'_>) -> Vec<Difference> {
    let required = bench.manifest.settings_schema.get("required").and_then(Value::as_array);
    let mut taken = Vec::new();
    for name in required.into_iter().flatten().filter_map(Value::as_str) {
        let mut settings = bench.settings.clone();
        settings.shift_remove(name);
        match bench.configure(settings) {
            Ok(_) => taken.push(Difference::new(format!("settings without {name}"), "refused", "taken")),
            Err(refusal) => {
                let named =
                    refusal.pointer.as_deref() == Some(&format!("/{name}")) || refusal.message.contains(name);
                if !named {
                    taken.push(Difference::new(
                        format!("refusal of settings without {name}"),
                        "its name",
                        refusal.message,
                    ));
                }
            }
        }
    }
    taken
}

fn refusals_repeat_no_secret(bench: &Bench<'_>) -> Vec<Difference> {
    const CANARY: &str = "canary-4f0e9c1b7a";
    let mut repeated = Vec::new();
    for (name, _) in bench.settings_schema().filter(|(_, property)| is_secret(property)) {
        for value in [misshapen(CANARY), json!({ CANARY: CANARY })] {
            let mut settings = bench.settings.clone();
            settings.insert(name.to_owned(), value);
            if let Err(refusal) = bench.configure(settings)
                && (refusal.message.contains(CANARY)
                    || refusal.pointer.is_some_and(|pointer| pointer.contains(CANARY)))
            {
                repeated.push(Difference::new(
                    format!("refusal of {name}"),
                    "nothing of the value",
                    "a text that holds it",
                ));
            }
        }
    }
    repeated
}
