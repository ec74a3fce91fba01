//! Runs one case, step by step, until a step fails.

use std::sync::Arc;

use locum_abi::manifest::LifetimeSetting;
use locum_store::TenantData;
use serde_json::{Map, Value};

use crate::cases::case_context::CaseContext;
use crate::cases::comparison::{Actual, credential_differences, differences};
use crate::cases::invariants::Invariants;
use crate::cases::issuer_under_test::{Destination, IssuerUnderTest, RemoteDestination};
use crate::cases::leaks::{Secrets, masked, token, tokens_of_replies};
use crate::cases::redacted_failure::{redacted_differences, shown_exchange};
use crate::cases::remote_server::{RemoteServer, explained_by_server};
use crate::cases::scripted_upstreams::Script;
use crate::exchange::credential::{DecodedCredential, decode, jwt};
use crate::exchange::id_token::id_token;
use crate::exchange::message::{Request, Response, Transcript};
use crate::exchange::redaction::redacted;
use crate::exchange::request_builder::{DELEGATION, REVOCATION, build_request};
use crate::fixtures::credential_reading::CredentialReading;
use crate::fixtures::fixture::{ExpectedResponse, Fixture, FixtureRequest, Given, Step, UpstreamExchange};
use crate::fixtures::merge_patch::merge_patch;
use crate::fixtures::plugin_spec::IssuerSpec;
use crate::fixtures::tenant_document::{ALICE, TenantDocument};
use crate::fixtures::tested_tenant::{Roles, TestedTenant};
use crate::fixtures::variables::{TimeWindow, Variables, unix_seconds};
use crate::report::{Difference, Failure, Outcome};

/// The time of the first step, unless the fixture states another.
const START: &str = "2030-01-08T18:45:14Z";

/// The shortest time for which an id_token is still valid.
const SHORTLY_SECONDS: i64 = 1;

/// The shortest time by which an id_token is issued too far in the future.
const TOO_EARLY_SECONDS: i64 = 61;

/// How long a request to a remote server may take, so that its times still mean the same there.
const TRANSFER_SECONDS_MAX: i64 = 20;

/// The user's attributes in every valid id_token.
const ATTRIBUTES: [(&str, &str); 6] = [
    ("name", "Alice Adams"),
    ("given_name", "Alice"),
    ("nickname", "alice"),
    ("email", "alice@example.com"),
    ("favourite_fruit", "plum"),
    ("nonce", "nonce-of-the-login"),
];

/// Runs a case.
pub(crate) async fn run_case(fixture: &Fixture, issuer: &IssuerUnderTest<'_>) -> Outcome {
    match CaseRun::prepare(&fixture.given, issuer) {
        Ok(run) => run.run(fixture).await,
        Err(why) => Outcome::failed_before(unusable_fixture(why)),
    }
}

/// The server's answer to a request that every issuer accepts.
///
/// # Errors
/// No answer.
pub(crate) async fn first_answer(issuer: &IssuerUnderTest<'_>) -> Result<Response, String> {
    first_transcript(issuer).await.map(|transcript| transcript.response)
}

/// The same with what happened inside the server. No upstream answers.
///
/// # Errors
/// No answer.
pub(crate) async fn first_transcript(issuer: &IssuerUnderTest<'_>) -> Result<Transcript, String> {
    let run = CaseRun::prepare(&Given::default(), issuer)?;
    let (request, _) = run.request(&FixtureRequest::default(), &mut run.variables(&[]))?;
    match &run.connection {
        Connection::InProcess(context) => context.send(&request, Script::default(), &run.tenant).await,
        Connection::Remote(server) => server.send(&request).await,
    }
}

fn unusable_fixture(why: String) -> Difference {
    Difference::new("the fixture", "a usable fixture", why)
}

/// The suite's tenant with the plugin's settings and the changes of the case.
fn changed_tenant(given: &Given, issuer: &IssuerUnderTest<'_>) -> Result<TenantData, String> {
    let patch = issuer.variables(TimeWindow { earliest: 0, latest: 0 }, ALICE);
    let mut changes = patch.object(&given.settings).map_err(|error| error.to_string())?;
    if let Some(lifetime) = &given.asked_lifetime_seconds {
        let lifetime = patch.value(lifetime).map_err(|error| error.to_string())?;
        let setting = issuer.manifest.lifetime.setting.as_ref();
        let (name, units) = lifetime_setting(setting, &lifetime)?;
        changes.insert(name, units);
    }
    let mut document = TenantDocument::new(issuer.tenant.clone());
    document.enable(issuer.manifest, issuer.spec.settings.clone(), &changes);
    document.change(&given.tenant.filled(&patch).map_err(|error| error.to_string())?);
    document.tenant()
}

struct CaseRun<'a> {
    issuer: &'a IssuerUnderTest<'a>,
    tenant: Arc<TestedTenant>,
    settings: Map<String, Value>,
    secrets: Vec<(String, String)>,
    /// The same, as they are searched.
    searched: Secrets,
    /// The id of the user who sends the requests.
    user: String,
    connection: Connection,
    /// When the case started, unix seconds; no limit in this process, where time does not pass by itself.
    started: i64,
}

/// Why a case ends before its last step.
enum Stop {
    Failed(Failure),
    NotRun(String),
}

enum Connection {
    InProcess(Box<CaseContext>),
    Remote(Arc<RemoteServer>),
}

impl<'a> CaseRun<'a> {
    fn prepare(given: &Given, issuer: &'a IssuerUnderTest<'a>) -> Result<Self, String> {
        let (tenant, connection, user) = match &issuer.destination {
            Destination::InProcess(harness) => {
                let data = changed_tenant(given, issuer)?;
                let now = given.now.as_deref().unwrap_or(START);
                let now = unix_seconds(now).ok_or_else(|| format!("`{now}` is not RFC 3339"))?;
                let context = CaseContext::new(harness.clone(), data.clone(), &given.server, now)?;
                let tenant = Arc::new(TestedTenant { data, roles: Roles::of_suite() });
                (tenant, Connection::InProcess(Box::new(context)), ALICE.to_owned())
            }
            Destination::Remote(RemoteDestination { server, tenant, .. }) => {
                (tenant.clone(), Connection::Remote(server.clone()), server.fresh_user())
            }
        };
        let settings = tenant.settings(&issuer.manifest.api_type);
        let secrets = tenant.secrets(issuer.manifest);
        let searched = Secrets::of(&secrets);
        let started = match &connection {
            Connection::InProcess(_) => i64::MAX,
            Connection::Remote(server) => server.now().earliest,
        };
        Ok(Self { issuer, tenant, settings, secrets, searched, user, connection, started })
    }

    async fn run(&self, fixture: &Fixture) -> Outcome {
        if let Some(outcome) = self.disclosed_while_configuring() {
            return outcome;
        }
        if let Some(pointer) = &fixture.refused_setting {
            return self.refused_setting(pointer);
        }
        let mut earlier: Vec<Option<DecodedCredential>> = Vec::new();
        for (index, step) in fixture.steps.iter().enumerate() {
            self.advance(step.after_seconds);
            match self.repeated_step(step, &earlier).await {
                Ok(credential) => earlier.push(credential),
                Err(Stop::NotRun(why)) => return Outcome::NotRun(why),
                Err(Stop::Failed(mut failure)) => {
                    failure.step = index + 1;
                    return Outcome::Failed(failure);
                }
            }
        }
        Outcome::Passed
    }

    /// Runs a step as often as it says, for each exchange that has its fault. Returns the last credential.
    async fn repeated_step(
        &self,
        step: &Step,
        earlier: &[Option<DecodedCredential>],
    ) -> Result<Option<DecodedCredential>, Stop> {
        let unusable = |why: String| Stop::Failed(Failure::of(vec![unusable_fixture(why)]));
        let faulty = self.faulty_exchanges(step, earlier).map_err(unusable)?;
        if faulty.is_empty() {
            return Err(Stop::NotRun("no exchange of `plugin.yaml` has a reply with a body".to_owned()));
        }
        let mut issued = None;
        for faulty in faulty {
            for _ in 0..step.times {
                issued = self.step(step, faulty.as_deref(), earlier).await.map_err(|stop| {
                    match (stop, &faulty) {
                        (Stop::Failed(mut failure), Some(exchanges)) => {
                            let got = format!("of exchange {}", exchanges.len());
                            failure.differences.push(Difference::new("upstream fault", "a refusal", got));
                            Stop::Failed(failure)
                        }
                        (stop, _) => stop,
                    }
                })?;
            }
        }
        Ok(issued)
    }

    /// The exchanges up to each one that can have the step's fault, with the fault; `None` if the step has no fault.
    fn faulty_exchanges(
        &self,
        step: &Step,
        earlier: &[Option<DecodedCredential>],
    ) -> Result<Vec<Option<Vec<UpstreamExchange>>>, String> {
        let Some(fault) = &step.upstream_fault else { return Ok(vec![None]) };
        let (request, _) = self.request(&step.request, &mut self.variables(earlier))?;
        let exchanges = self.exchanges_of_plugin(&request);
        if exchanges.is_empty() {
            return Err("`upstream_fault`, but `plugin.yaml` has no exchange".to_owned());
        }
        let faulty = exchanges.iter().enumerate().filter_map(|(index, exchange)| {
            let before = exchanges.iter().take(index).cloned();
            Some(Some(before.chain([fault.applied(exchange)?]).collect()))
        });
        Ok(faulty.collect())
    }

    fn refused_setting(&self, pointer: &str) -> Outcome {
        let Connection::InProcess(context) = &self.connection else {
            return Outcome::NotRun(
                "needs the plugin itself: its settings are refused before a request".to_owned(),
            );
        };
        let refused = context.refused_settings(&self.tenant.roles.target, &self.issuer.manifest.api_type);
        let got = match refused.first() {
            None => "accepted settings".to_owned(),
            Some((got, _)) if got.as_deref() == Some(pointer) => {
                return self.refusal_without_secrets(&refused);
            }
            Some((got, message)) => format!("{}: {message}", got.as_deref().unwrap_or("no pointer")),
        };
        let got = redacted(&got, &self.secrets);
        Outcome::failed_before(Difference::new("refused setting", pointer, got))
    }

    /// Passes if no refusal repeats a secret.
    fn refusal_without_secrets(&self, refused: &[(Option<String>, String)]) -> Outcome {
        let messages = refused.iter().map(|(_, message)| message);
        self.disclosed(messages, "message of the refusal").unwrap_or(Outcome::Passed)
    }

    /// A failure if a log line that was written while the issuers were configured has a secret.
    fn disclosed_while_configuring(&self) -> Option<Outcome> {
        let Connection::InProcess(context) = &self.connection else { return None };
        self.disclosed(context.log_of_configuring.iter(), "log line while configuring")
    }

    /// A failure if one of these texts has a secret or a token.
    fn disclosed<'t>(&self, mut texts: impl Iterator<Item = &'t String>, what: &str) -> Option<Outcome> {
        let name = texts.find_map(|text| {
            let found = self.searched.found_in(text).chain(masked(text)).chain(token(text)).next();
            found.map(str::to_owned)
        })?;
        let got = "a text that contains it";
        Some(Outcome::failed_before(Difference::new(what, format!("without {name}"), got)))
    }

    fn advance(&self, seconds: u64) {
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

    /// Runs a step, with these exchanges if they have its fault. Returns the credential, if the response holds one.
    async fn step(
        &self,
        step: &Step,
        faulty: Option<&[UpstreamExchange]>,
        earlier: &[Option<DecodedCredential>],
    ) -> Result<Option<DecodedCredential>, Stop> {
        let unusable = |why: String| Stop::Failed(Failure::of(vec![unusable_fixture(why)]));
        let mut variables = self.variables(earlier);
        let (request, token) = self.request(&step.request, &mut variables).map_err(unusable)?;
        let of_plugin = self.exchanges_of_plugin(&request);
        let script = match (faulty, &step.upstream) {
            (Some(faulty), _) => faulty,
            (None, Some(script)) => script,
            (None, None) if step.expect.status == 200 => of_plugin,
            (None, None) => &[],
        };
        let script = script.iter().enumerate().map(|(index, exchange)| {
            let exchange = exchange.based_on(of_plugin.get(index))?;
            exchange.filled(&variables).map_err(|error| error.to_string())
        });
        let script = script.collect::<Result<Vec<_>, String>>().map_err(unusable)?;
        // What an earlier step had the host keep is not fetched again.
        let may_leave_out = self.issuer.manifest.keeps && step.upstream.is_none();
        let (transcript, script) = match &self.connection {
            Connection::InProcess(context) if may_leave_out => {
                let transcript = context.send(&request, Script::by_fit(script), &self.tenant).await;
                (transcript, context.script())
            }
            Connection::InProcess(context) => {
                (context.send(&request, Script::whole(script.clone()), &self.tenant).await, script)
            }
            Connection::Remote(server) => (server.send(&request).await, script),
        };
        let transcript = transcript.map_err(unusable)?;
        if let Connection::Remote(server) = &self.connection
            && let Some(why) = server
                .refuses_this_address(step, &transcript.response)
                .or_else(|| explained_by_server(step, &transcript.response))
        {
            return Err(Stop::NotRun(why));
        }
        // The reset of a bucket counts from the first request of the case.
        let earliest = transcript.window.earliest.min(self.started);
        variables.now = TimeWindow { earliest, ..transcript.window };
        let credential = self.credential(&request, &transcript);
        let actual = Actual {
            transcript: &transcript,
            credential: credential.as_ref(),
            earlier,
            variables: &variables,
            script: &script,
            verify: &|token, key| match &self.connection {
                Connection::InProcess(context) if context.takes_signatures_as_valid() => Ok(()),
                _ => token.verify(key, &self.settings, &self.tenant),
            },
        };
        let mut found = differences(&step.expect, &actual).map_err(|error| unusable(error.to_string()))?;
        if let (Some(issued), Some(_)) = (self.issuer.issued, &step.expect.credential) {
            let issued = credential_differences(issued, &actual);
            found.extend(issued.map_err(|error| unusable(error.to_string()))?);
        }
        let mut secrets = Secrets::default();
        secrets.add("the presented id_token", &token);
        for text in &step.expect.never_seen {
            let text = variables.text(text).map_err(|error| unusable(error.to_string()))?;
            secrets.add(&format!("`{text}`"), &text);
        }
        let tokens = self.tokens(&script, &variables, earlier, credential.as_ref());
        found.extend(self.invariants(&step.expect, [&self.searched, &secrets], &tokens).violations(
            &request,
            &transcript,
            credential.as_ref(),
        ));
        if found.is_empty() && self.issuer.trace.is_none() {
            return Ok(credential.and_then(Result::ok));
        }
        let mut hidden = self.secrets.clone();
        if let (Connection::Remote(_), Some(Ok(credential))) = (&self.connection, &credential) {
            hidden.extend(self.live_credential(credential));
        }
        let exchange = shown_exchange(&request, &transcript, &hidden);
        if let Some(trace) = &self.issuer.trace {
            trace.add(exchange.clone());
        }
        if found.is_empty() {
            return Ok(credential.and_then(Result::ok));
        }
        let mut failure = Failure::of(redacted_differences(found, &hidden));
        failure.exchange = Some(exchange);
        Err(Stop::Failed(failure))
    }

    /// The request of a step, and its id_token.
    fn request(
        &self,
        request: &FixtureRequest,
        variables: &mut Variables,
    ) -> Result<(Request, String), String> {
        let token = id_token(&request.id_token, &self.tenant, &attributes(self.issuer.spec), variables)?;
        variables.set("id_token", token.as_str());
        let subject = jwt(token.clone()).ok().and_then(|token| token.claim("sub"));
        variables.set("subject", subject.unwrap_or_else(|| self.user.as_str().into()));
        let parameters = &self.issuer.spec.parameters;
        let secret_of = |id: &str| self.tenant.secret_to_authenticate(id);
        Ok((build_request(request, self.tenant.domain(), parameters, variables, secret_of)?, token))
    }

    /// The exchanges of the plugin spec for a successful request of this path.
    fn exchanges_of_plugin(&self, request: &Request) -> &[UpstreamExchange] {
        match request.target.split('?').next().unwrap_or_default() {
            DELEGATION => &self.issuer.spec.upstream,
            REVOCATION => &self.issuer.spec.revocation,
            _ => &[],
        }
    }

    fn variables(&self, earlier: &[Option<DecodedCredential>]) -> Variables {
        let mut variables = self.issuer.variables(self.now(), &self.user);
        let (shortly, too_early) = match &self.connection {
            Connection::InProcess(_) => (SHORTLY_SECONDS, TOO_EARLY_SECONDS),
            Connection::Remote(_) => {
                (SHORTLY_SECONDS + TRANSFER_SECONDS_MAX, TOO_EARLY_SECONDS + TRANSFER_SECONDS_MAX)
            }
        };
        variables.set("shortly", shortly);
        variables.set("too_early", too_early);
        let tenant = &self.tenant;
        variables.set("domain", tenant.domain());
        variables.set("caller", tenant.roles.caller.as_str());
        variables.set("target", tenant.roles.target.as_str());
        variables.set("lifetime", tenant.lifetime_seconds(self.issuer.manifest));
        if let Some(origin) = tenant.origin() {
            variables.set("origin", origin);
        }
        if let Some((_, kid)) = tenant.signing_key() {
            variables.set("kid", kid);
            variables.set("public_exponent", tenant.public_exponent());
        }
        if let Some(credential) = earlier.iter().rev().flatten().next() {
            variables.set("credential", credential.presented.as_str());
        }
        variables
    }

    /// The credential of a successful delegation by POST.
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

    /// The issued credentials, and the tokens in the replies of upstreams.
    fn tokens(
        &self,
        script: &[UpstreamExchange],
        variables: &Variables,
        earlier: &[Option<DecodedCredential>],
        credential: Option<&Result<DecodedCredential, String>>,
    ) -> Secrets {
        let mut tokens = Secrets::default();
        let issued = credential.and_then(|credential| credential.as_ref().ok());
        for credential in earlier.iter().flatten().chain(issued) {
            tokens.add("the issued credential", &credential.presented);
        }
        let subject = variables.text("${subject}").unwrap_or_default();
        for token in tokens_of_replies(script, &[&subject]) {
            tokens.add("a token of the upstream", &token);
        }
        tokens
    }

    fn invariants<'s>(
        &'s self,
        expected: &'s ExpectedResponse,
        secrets: [&'s Secrets; 2],
        tokens: &'s Secrets,
    ) -> Invariants<'s> {
        const NOT_DECODED: &CredentialReading = &CredentialReading::Opaque;
        // A fixture without an expected credential may request another issuer's, so only its form is checked.
        let reading = if expected.credential.is_some() { &self.issuer.spec.credential } else { NOT_DECODED };
        Invariants {
            form: &self.issuer.manifest.credential,
            reading,
            verifies_with: expected
                .credential
                .as_ref()
                .and_then(|credential| credential.verifies_with.as_ref()),
            settings: &self.settings,
            tenant: &self.tenant,
            secrets,
            tokens,
        }
    }

    /// A credential that a server has issued and that is valid now, if it is not a JWT and is not decoded: reports name
    /// it in place of its text.
    fn live_credential(&self, credential: &DecodedCredential) -> Option<(String, String)> {
        match self.issuer.spec.credential {
            CredentialReading::Jwt(_) | CredentialReading::Query(_) => None,
            CredentialReading::Opaque | CredentialReading::Object(_) => {
                Some(("the issued credential".to_owned(), credential.presented.clone()))
            }
        }
    }
}

/// The user's attributes in a valid id_token for this issuer.
pub(crate) fn attributes(spec: &IssuerSpec) -> Map<String, Value> {
    let mut attributes: Map<String, Value> =
        ATTRIBUTES.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    attributes.insert("email_verified".to_owned(), true.into());
    merge_patch(&mut attributes, &spec.profile);
    attributes
}

/// Name and value of the setting that requests this lifetime, in the setting's own unit.
fn lifetime_setting(setting: Option<&LifetimeSetting>, lifetime: &Value) -> Result<(String, Value), String> {
    let setting = setting.ok_or("the manifest names no lifetime setting")?;
    let seconds = lifetime.as_u64().ok_or("asked_lifetime_seconds is not a number of seconds")?;
    Ok((setting.name.clone(), (seconds / setting.unit_seconds.max(1)).into()))
}
