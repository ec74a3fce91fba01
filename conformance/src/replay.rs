//! Replays one case: step by step, until one differs.

use std::sync::Arc;

use locum_abi::manifest::{IssuerManifest, LifetimeSetting};
use locum_engine::tenant::Tenant;
use serde_json::{Map, Value};

use crate::asking::{DELEGATION, REVOCATION, asked};
use crate::credential::{Decoded, decode};
use crate::exchange::{Asked, Observed};
use crate::fixture::{ExpectedAnswer, Fixture, Step, UpstreamExchange};
use crate::judge::{Difference, Evidence, differences};
use crate::merge_patch::merge_patch;
use crate::minting::id_token;
use crate::redaction::redacted;
use crate::remote::Server;
use crate::report::{Failure, Outcome, ShownExchange};
use crate::sheet::{CredentialReading, IssuerSheet};
use crate::stage::{House, Stage};
use crate::standing::Standing;
use crate::tenant::{APP, TARGET, TenantDocument};
use crate::variables::{Variables, Window, unix_seconds};

/// When a case starts unless it says otherwise.
const START: &str = "2030-01-08T18:45:14Z";

/// For whom cases ask, where nobody asked before.
pub(crate) const ALICE: &str = "auth0|alice";

/// What every good id_token says of its user.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("name", "Alice Adams"),
    ("given_name", "Alice"),
    ("nickname", "alice"),
    ("email", "alice@example.com"),
    ("favourite_fruit", "plum"),
    ("nonce", "nonce-of-the-login"),
];

/// The issuer that cases are replayed against.
#[derive(Clone)]
pub(crate) struct Played<'a> {
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) sheet: &'a IssuerSheet,
    pub(crate) tenant: &'a Value,
    pub(crate) where_to: WhereTo,
}

/// Where requests go.
#[derive(Clone)]
pub(crate) enum WhereTo {
    /// To a server made for the case, around this house's plugins.
    InProcess(House),
    /// To somebody's server.
    Remote(Arc<Server>),
}

/// Replays a case.
pub(crate) async fn replay(fixture: &Fixture, played: &Played<'_>) -> Outcome {
    match Replay::prepare(fixture, played) {
        Ok(replay) => replay.run(fixture).await,
        Err(why) => Outcome::failed_before(unplayable(why)),
    }
}

fn unplayable(why: String) -> Difference {
    Difference::new("the fixture", "one that can be played", why)
}

struct Replay<'a> {
    played: &'a Played<'a>,
    document: TenantDocument,
    settings: Map<String, Value>,
    secrets: Vec<(String, String)>,
    /// For whom the case asks.
    user: String,
    place: Place,
}

enum Place {
    Stage(Box<Stage>),
    Remote(Arc<Server>),
}

impl<'a> Replay<'a> {
    fn prepare(fixture: &Fixture, played: &'a Played<'a>) -> Result<Self, String> {
        let given = &fixture.given;
        let patch = variables_of(played.manifest, Window { earliest: 0, latest: 0 }, ALICE);
        let mut changes = patch.object(&given.settings).map_err(|error| error.to_string())?;
        if let Some(asked) = &given.asked_lifetime_seconds {
            let asked = patch.value(asked).map_err(|error| error.to_string())?;
            let setting = played.manifest.lifetime.setting.as_ref();
            let (name, units) = lifetime_setting(setting, &asked)?;
            changes.insert(name, units);
        }
        let mut document = TenantDocument::new(played.tenant.clone());
        if let WhereTo::InProcess(_) = played.where_to {
            document.enable(played.manifest, played.sheet.settings.clone(), &changes);
        }
        document.change(&given.tenant.filled(&patch).map_err(|error| error.to_string())?);
        let tenant = document.tenant()?;
        let settings = settings_of(&tenant, &played.manifest.api_type);
        let mut secrets = document.secrets();
        secrets.extend(secret_settings(&played.manifest.settings_schema, &settings));
        let (place, user) = match &played.where_to {
            WhereTo::InProcess(house) => {
                let now = given.now.as_deref().unwrap_or(START);
                let now = unix_seconds(now).ok_or_else(|| format!("`{now}` is not RFC 3339"))?;
                let stage = Stage::new(house.clone(), tenant, &given.server, now)?;
                (Place::Stage(Box::new(stage)), ALICE.to_owned())
            }
            WhereTo::Remote(server) => (Place::Remote(server.clone()), server.fresh_user()),
        };
        Ok(Self { played, document, settings, secrets, user, place })
    }

    async fn run(&self, fixture: &Fixture) -> Outcome {
        if let Some(pointer) = &fixture.refused_setting {
            return self.refused_setting(pointer);
        }
        let mut earlier: Vec<Option<Decoded>> = Vec::new();
        for (index, step) in fixture.steps.iter().enumerate() {
            self.advance(step.after_seconds).await;
            let mut issued = None;
            for _ in 0..step.times {
                match self.step(step, &earlier).await {
                    Ok(credential) => issued = credential,
                    Err(mut failure) => {
                        failure.step = index + 1;
                        return Outcome::Failed(failure);
                    }
                }
            }
            earlier.push(issued);
        }
        Outcome::Passed
    }

    fn refused_setting(&self, pointer: &str) -> Outcome {
        let Place::Stage(stage) = &self.place else {
            return Outcome::NotRun(
                "needs the plugin itself: its settings are refused before a request".to_owned(),
            );
        };
        let refused = stage.refused_settings(TARGET, &self.played.manifest.api_type);
        let got = match refused.first() {
            None => "settings that were taken".to_owned(),
            Some((got, _)) if got.as_deref() == Some(pointer) => return self.silent_refusal(&refused),
            Some((got, message)) => format!("{}: {message}", got.as_deref().unwrap_or("no setting named")),
        };
        let got = redacted(&got, &self.secrets);
        Outcome::failed_before(Difference::new("refused setting", pointer, got))
    }

    /// A refusal of settings must not repeat a secret.
    fn silent_refusal(&self, refused: &[(Option<String>, String)]) -> Outcome {
        let spoken = refused.iter().find_map(|(_, message)| {
            self.secrets.iter().find(|(_, secret)| secret.len() >= 8 && message.contains(secret.as_str()))
        });
        match spoken {
            None => Outcome::Passed,
            Some((name, _)) => Outcome::failed_before(Difference::new(
                "words of the refusal",
                format!("nothing of {name}"),
                "a text that holds it",
            )),
        }
    }

    async fn advance(&self, seconds: u64) {
        if let Place::Stage(stage) = &self.place {
            stage.advance(seconds);
        }
    }

    fn now(&self) -> Window {
        match &self.place {
            Place::Stage(stage) => stage.now(),
            Place::Remote(server) => server.now(),
        }
    }

    /// Plays a step; gives the credential, if one came.
    async fn step(&self, step: &Step, earlier: &[Option<Decoded>]) -> Result<Option<Decoded>, Failure> {
        let unplayable = |why: String| Failure::of(vec![unplayable(why)]);
        let mut variables = self.variables(earlier);
        let attributes = self.attributes();
        let token =
            id_token(&step.request.id_token, &self.document, &attributes, &variables).map_err(unplayable)?;
        variables.set("id_token", token.as_str());
        let host = match &self.place {
            Place::Stage(_) => self.document.domain(),
            Place::Remote(server) => server.host(),
        };
        let asked =
            asked(&step.request, host, &self.played.sheet.parameters, &variables).map_err(unplayable)?;
        let good_day = self.good_day(&asked);
        let script = match &step.upstream {
            Some(script) => script,
            None if step.expect.status == 200 => good_day,
            None => &[],
        };
        let scripted_calls = script.len();
        let script = script.iter().enumerate().map(|(index, exchange)| {
            let exchange = exchange.built_on(good_day.get(index))?;
            exchange.filled(&variables).map_err(|error| error.to_string())
        });
        let script = script.collect::<Result<_, String>>().map_err(unplayable)?;
        let observed = match &self.place {
            Place::Stage(stage) => stage.ask(&asked, script, &self.document).await,
            Place::Remote(server) => server.ask(&asked).await,
        };
        let observed = observed.map_err(unplayable)?;
        variables.now = observed.window;
        let credential = self.credential(&asked, &observed);
        let evidence = Evidence {
            observed: &observed,
            credential: credential.as_ref(),
            earlier,
            variables: &variables,
            scripted_calls,
        };
        let mut found =
            differences(&step.expect, &evidence).map_err(|error| unplayable(error.to_string()))?;
        let mut secrets = self.secrets.clone();
        secrets.push(("the presented id_token".to_owned(), token));
        for text in &step.expect.never_seen {
            let text = variables.text(text).map_err(|error| unplayable(error.to_string()))?;
            secrets.push((format!("`{text}`"), text));
        }
        found.extend(self.standing(&step.expect, &secrets).broken(&asked, &observed, credential.as_ref()));
        if found.is_empty() {
            return Ok(credential.and_then(Result::ok));
        }
        let mut failure = Failure::of(self.redacted(found));
        failure.exchange = Some(self.shown(&asked, &observed));
        Err(failure)
    }

    /// The upstream's part as the sheet states it for a request of this path that succeeds.
    fn good_day(&self, asked: &Asked) -> &[UpstreamExchange] {
        match asked.target.split('?').next().unwrap_or_default() {
            DELEGATION => &self.played.sheet.upstream,
            REVOCATION => &self.played.sheet.revocation,
            _ => &[],
        }
    }

    fn variables(&self, earlier: &[Option<Decoded>]) -> Variables {
        let mut variables = variables_of(self.played.manifest, self.now(), &self.user);
        variables.set("domain", self.document.domain());
        if let Some(credential) = earlier.iter().rev().flatten().next() {
            variables.set("credential", credential.presented.as_str());
        }
        variables
    }

    fn attributes(&self) -> Map<String, Value> {
        let mut attributes: Map<String, Value> =
            ATTRIBUTES.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        attributes.insert("email_verified".to_owned(), true.into());
        merge_patch(&mut attributes, &self.played.sheet.profile);
        attributes
    }

    /// The credential of a successful delegation that answers in JSON.
    fn credential(&self, asked: &Asked, observed: &Observed) -> Option<Result<Decoded, String>> {
        let issued = asked.method == "POST" && asked.target == DELEGATION && observed.answered.status == 200;
        issued.then(|| {
            decode(&observed.answered.body, &self.played.manifest.credential, &self.played.sheet.credential)
        })
    }

    fn standing<'s>(&'s self, expected: &'s ExpectedAnswer, secrets: &'s [(String, String)]) -> Standing<'s> {
        const UNREAD: &CredentialReading = &CredentialReading::Opaque;
        // A fixture may ask for another issuer than the one under test; its credential is read by form alone.
        let reading = if expected.credential.is_some() { &self.played.sheet.credential } else { UNREAD };
        Standing {
            form: &self.played.manifest.credential,
            reading,
            verifies_with: expected
                .credential
                .as_ref()
                .and_then(|credential| credential.verifies_with.as_ref()),
            settings: &self.settings,
            tenant: &self.document,
            secrets,
        }
    }

    fn redacted(&self, differences: Vec<Difference>) -> Vec<Difference> {
        let shown = |text: &str| redacted(text, &self.secrets);
        differences
            .into_iter()
            .map(|Difference { what, expected, got }| Difference {
                what,
                expected: shown(&expected),
                got: shown(&got),
            })
            .collect()
    }

    fn shown(&self, asked: &Asked, observed: &Observed) -> ShownExchange {
        let shown = |text: &str| redacted(text, &self.secrets);
        let lines = |headers: &[(String, String)]| {
            headers.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
        };
        let answered = &observed.answered;
        ShownExchange {
            request: format!("{} {}", asked.method, shown(&asked.target)),
            request_headers: std::iter::once(format!("host: {}", asked.host))
                .chain(lines(&asked.headers))
                .collect(),
            request_body: shown(&asked.body),
            status: answered.status,
            answer_headers: lines(&answered.headers),
            answer_body: shown(&answered.body),
        }
    }
}

/// What `${…}` stands for at this time, for this user.
pub(crate) fn variables_of(manifest: &IssuerManifest, now: Window, user: &str) -> Variables {
    let lifetime = &manifest.lifetime;
    let unit = lifetime.setting.as_ref().map_or(1, |setting| setting.unit_seconds.max(1));
    let mut variables = Variables::new(now);
    variables.set("user", user);
    variables.set("api_type", manifest.api_type.as_str());
    variables.set("lifetime_default", lifetime.default_seconds);
    variables.set("lifetime_minimum", lifetime.minimum_seconds);
    variables.set("lifetime_maximum", lifetime.maximum_seconds);
    variables.set("lifetime_shortest", lifetime.minimum_seconds.div_ceil(unit) * unit);
    variables
}

/// The setting that asks for this lifetime, in its own unit.
fn lifetime_setting(setting: Option<&LifetimeSetting>, asked: &Value) -> Result<(String, Value), String> {
    let setting = setting.ok_or("the manifest names no setting that asks for a lifetime")?;
    let seconds = asked.as_u64().ok_or("asked_lifetime_seconds is no number of seconds")?;
    Ok((setting.name.clone(), (seconds / setting.unit_seconds.max(1)).into()))
}

/// The settings that the target's issuer is configured with.
pub(crate) fn settings_of(tenant: &Tenant, api_type: &str) -> Map<String, Value> {
    let Some(target) = tenant.clients.get(TARGET) else { return Map::new() };
    if api_type == APP {
        return target.app.settings.clone();
    }
    let add_on = target.add_ons.iter().find(|add_on| add_on.api_type == api_type);
    add_on.map(|add_on| add_on.settings.clone()).unwrap_or_default()
}

/// The settings that the schema marks as secret.
fn secret_settings(schema: &Value, settings: &Map<String, Value>) -> Vec<(String, String)> {
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties
        .filter(|(_, property)| property.get("writeOnly") == Some(&Value::Bool(true)))
        .filter_map(|(name, _)| Some((format!("setting {name}"), settings.get(name)?.as_str()?.to_owned())))
        .collect()
}
