//! Replays one case: step by step, until one differs.

use std::sync::Arc;

use locum_abi::manifest::{IssuerManifest, LifetimeSetting};
use locum_engine::tenant::Tenant;
use serde_json::{Map, Value};

use crate::case_context::{CaseContext, Harness};
use crate::comparison::{Actual, Difference, differences};
use crate::credential::{DecodedCredential, decode};
use crate::exchange::{Request, Transcript};
use crate::fixture::{ExpectedAnswer, Fixture, Step, UpstreamExchange};
use crate::id_token::id_token;
use crate::invariants::Invariants;
use crate::merge_patch::merge_patch;
use crate::plugin_spec::{CredentialReading, IssuerSpec};
use crate::redaction::redacted;
use crate::remote_server::RemoteServer;
use crate::report::{Failure, Outcome, ShownExchange};
use crate::request_builder::{DELEGATION, REVOCATION, build_request};
use crate::tenant::{APP, TARGET, TenantDocument};
use crate::variables::{TimeWindow, Variables, unix_seconds};

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
pub(crate) struct IssuerUnderTest<'a> {
    pub(crate) manifest: &'a IssuerManifest,
    pub(crate) spec: &'a IssuerSpec,
    pub(crate) tenant: &'a Value,
    pub(crate) destination: Destination,
}

/// Where requests go.
#[derive(Clone)]
pub(crate) enum Destination {
    /// To a server made for the case, around this house's plugins.
    InProcess(Harness),
    /// To somebody's server.
    Remote(Arc<RemoteServer>),
}

/// Replays a case.
pub(crate) async fn run_case(fixture: &Fixture, issuer: &IssuerUnderTest<'_>) -> Outcome {
    match CaseRun::prepare(fixture, issuer) {
        Ok(run) => run.run(fixture).await,
        Err(why) => Outcome::failed_before(unusable_fixture(why)),
    }
}

fn unusable_fixture(why: String) -> Difference {
    Difference::new("the fixture", "one that can be issuer", why)
}

struct CaseRun<'a> {
    issuer: &'a IssuerUnderTest<'a>,
    document: TenantDocument,
    settings: Map<String, Value>,
    secrets: Vec<(String, String)>,
    /// For whom the case asks.
    user: String,
    connection: Connection,
}

enum Connection {
    InProcess(Box<CaseContext>),
    Remote(Arc<RemoteServer>),
}

impl<'a> CaseRun<'a> {
    fn prepare(fixture: &Fixture, issuer: &'a IssuerUnderTest<'a>) -> Result<Self, String> {
        let given = &fixture.given;
        let patch = variables_of(issuer.manifest, TimeWindow { earliest: 0, latest: 0 }, ALICE);
        let mut changes = patch.object(&given.settings).map_err(|error| error.to_string())?;
        if let Some(request) = &given.asked_lifetime_seconds {
            let request = patch.value(request).map_err(|error| error.to_string())?;
            let setting = issuer.manifest.lifetime.setting.as_ref();
            let (name, units) = lifetime_setting(setting, &request)?;
            changes.insert(name, units);
        }
        let mut document = TenantDocument::new(issuer.tenant.clone());
        if let Destination::InProcess(_) = issuer.destination {
            document.enable(issuer.manifest, issuer.spec.settings.clone(), &changes);
        }
        document.change(&given.tenant.filled(&patch).map_err(|error| error.to_string())?);
        let tenant = document.tenant()?;
        let settings = settings_of(&tenant, &issuer.manifest.api_type);
        let mut secrets = document.secrets();
        secrets.extend(secret_settings(&issuer.manifest.settings_schema, &settings));
        let (connection, user) = match &issuer.destination {
            Destination::InProcess(harness) => {
                let now = given.now.as_deref().unwrap_or(START);
                let now = unix_seconds(now).ok_or_else(|| format!("`{now}` is not RFC 3339"))?;
                let context = CaseContext::new(harness.clone(), tenant, &given.server, now)?;
                (Connection::InProcess(Box::new(context)), ALICE.to_owned())
            }
            Destination::Remote(server) => (Connection::Remote(server.clone()), server.fresh_user()),
        };
        Ok(Self { issuer, document, settings, secrets, user, connection })
    }

    async fn run(&self, fixture: &Fixture) -> Outcome {
        if let Some(pointer) = &fixture.refused_setting {
            return self.refused_setting(pointer);
        }
        let mut earlier: Vec<Option<DecodedCredential>> = Vec::new();
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
        let Connection::InProcess(context) = &self.connection else {
            return Outcome::NotRun(
                "needs the plugin itself: its settings are refused before a request".to_owned(),
            );
        };
        let refused = context.refused_settings(TARGET, &self.issuer.manifest.api_type);
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
        if let Connection::InProcess(context) = &self.connection {
            context.advance(seconds);
        }
    }

    fn now(&self) -> TimeWindow {
        match &self.connection {
            Connection::InProcess(context) => context.now(),
            Connection::Remote(server) => server.now(),
        }
    }

    /// Plays a step; gives the credential, if one came.
    async fn step(
        &self,
        step: &Step,
        earlier: &[Option<DecodedCredential>],
    ) -> Result<Option<DecodedCredential>, Failure> {
        let unusable = |why: String| Failure::of(vec![unusable_fixture(why)]);
        let mut variables = self.variables(earlier);
        let attributes = self.attributes();
        let token =
            id_token(&step.request.id_token, &self.document, &attributes, &variables).map_err(unusable)?;
        variables.set("id_token", token.as_str());
        let host = match &self.connection {
            Connection::InProcess(_) => self.document.domain(),
            Connection::Remote(server) => server.host(),
        };
        let request =
            build_request(&step.request, host, &self.issuer.spec.parameters, &variables).map_err(unusable)?;
        let script = step.upstream.as_deref().unwrap_or_else(|| self.good_day(&request, &step.expect));
        let scripted_calls = script.len();
        let script = script.iter().map(|exchange| exchange.filled(&variables));
        let script = script.collect::<Result<_, _>>().map_err(|error| unusable(error.to_string()))?;
        let transcript = match &self.connection {
            Connection::InProcess(context) => context.send(&request, script, &self.document).await,
            Connection::Remote(server) => server.send(&request).await,
        };
        let transcript = transcript.map_err(unusable)?;
        variables.now = transcript.window;
        let credential = self.credential(&request, &transcript);
        let actual = Actual {
            transcript: &transcript,
            credential: credential.as_ref(),
            earlier,
            variables: &variables,
            scripted_calls,
        };
        let mut found = differences(&step.expect, &actual).map_err(|error| unusable(error.to_string()))?;
        let mut secrets = self.secrets.clone();
        secrets.push(("the presented id_token".to_owned(), token));
        for text in &step.expect.never_seen {
            let text = variables.text(text).map_err(|error| unusable(error.to_string()))?;
            secrets.push((format!("`{text}`"), text));
        }
        found.extend(self.standing(&step.expect, &secrets).broken(
            &request,
            &transcript,
            credential.as_ref(),
        ));
        if found.is_empty() {
            return Ok(credential.and_then(Result::ok));
        }
        let mut failure = Failure::of(self.redacted(found));
        failure.exchange = Some(self.shown(&request, &transcript));
        Err(failure)
    }

    /// What the sheet says of the upstream on a good day; nobody is called where nothing is granted.
    fn good_day(&self, request: &Request, expected: &ExpectedAnswer) -> &[UpstreamExchange] {
        let path = request.target.split('?').next().unwrap_or_default();
        match (expected.status, path) {
            (200, DELEGATION) => &self.issuer.spec.upstream,
            (200, REVOCATION) => &self.issuer.spec.revocation,
            _ => &[],
        }
    }

    fn variables(&self, earlier: &[Option<DecodedCredential>]) -> Variables {
        let mut variables = variables_of(self.issuer.manifest, self.now(), &self.user);
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
        merge_patch(&mut attributes, &self.issuer.spec.profile);
        attributes
    }

    /// The credential of a successful delegation that answers in JSON.
    fn credential(
        &self,
        request: &Request,
        transcript: &Transcript,
    ) -> Option<Result<DecodedCredential, String>> {
        let issued =
            request.method == "POST" && request.target == DELEGATION && transcript.response.status == 200;
        issued.then(|| {
            decode(&transcript.response.body, &self.issuer.manifest.credential, &self.issuer.spec.credential)
        })
    }

    fn standing<'s>(
        &'s self,
        expected: &'s ExpectedAnswer,
        secrets: &'s [(String, String)],
    ) -> Invariants<'s> {
        const UNREAD: &CredentialReading = &CredentialReading::Opaque;
        // A fixture may ask for another issuer than the one under test; its credential is read by form alone.
        let reading = if expected.credential.is_some() { &self.issuer.spec.credential } else { UNREAD };
        Invariants {
            form: &self.issuer.manifest.credential,
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

    fn shown(&self, request: &Request, transcript: &Transcript) -> ShownExchange {
        let shown = |text: &str| redacted(text, &self.secrets);
        let lines = |headers: &[(String, String)]| {
            headers.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
        };
        let response = &transcript.response;
        ShownExchange {
            request: format!("{} {}", request.method, shown(&request.target)),
            request_headers: std::iter::once(format!("host: {}", request.host))
                .chain(lines(&request.headers))
                .collect(),
            request_body: shown(&request.body),
            status: response.status,
            response_headers: lines(&response.headers),
            response_body: shown(&response.body),
        }
    }
}

/// What `${…}` stands for at this time, for this user.
pub(crate) fn variables_of(manifest: &IssuerManifest, now: TimeWindow, user: &str) -> Variables {
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
fn lifetime_setting(setting: Option<&LifetimeSetting>, request: &Value) -> Result<(String, Value), String> {
    let setting = setting.ok_or("the manifest names no setting that asks for a lifetime")?;
    let seconds = request.as_u64().ok_or("asked_lifetime_seconds is no number of seconds")?;
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
