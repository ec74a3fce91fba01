//! Does what a request gets depend on the requests before it? Each is made after others on one load of the plugin, and in a
//! process that has served nobody.

use locum_abi::manifest::Read;
use serde_json::{Map, Value, json};

use crate::exchange::parts::Parts;
use crate::feature::Feature;
use crate::probes::answered::{Answered, differences};
use crate::probes::attribute_names::attribute_names;
use crate::probes::context::{Found, NotRun, ProbeContext, ProbeRequest};
use crate::probes::second_values::{changed_members, changed_text};

/// The user besides the suite's own.
const BOB: &str = "auth0|bob";

/// The user of requests that only find out whether settings can be used.
const CAROL: &str = "auth0|carol";

/// A boolean, with which no user is identified.
pub(super) const EMAIL_VERIFIED: &str = "email_verified";

/// The value of attributes that the plugin spec does not state.
const GENERATED: &str = "alice";

const OTHER_CALLER: &str = "second-caller";
const OTHER_TARGET: &str = "second-target";
const OTHER_DOMAIN: &str = "second.example.net";
const OTHER_KEY: &str = "second-tenant-2026";

const ADVICE: &str =
    "as where nobody asked before; keep nothing of a request in a static, a thread local or the issuer";

const ADVICE_ON_ADD_ONS: &str = "as where no other add-on is configured; keep nothing of a configuration but in the issuer that `configure` returns";

impl ProbeContext<'_> {
    /// Credential and upstream requests, decoded.
    pub(super) fn parts(&self, answered: &Answered) -> Parts {
        answered.parts(&self.spec.credential)
    }

    /// What a request gets where nobody asked before, and the paths at which that differs from time to time.
    pub(super) async fn alone(&self, request: &ProbeRequest) -> Result<(Answered, Vec<String>), NotRun> {
        let answered = self.ask_alone(request).await?;
        if !self.spec.features.contains(&Feature::Random) {
            return Ok((answered, Vec::new()));
        }
        let again = self.parts(&self.ask_alone(request).await?);
        let parts = self.parts(&answered);
        let random = parts.differing(&again).into_iter().map(|(path, _, _)| path.to_owned());
        Ok((answered, random.collect()))
    }

    /// Compares what a request has got with what it gets alone.
    async fn compare(&self, what: &str, request: &ProbeRequest, got: &Answered, advice: &str) -> Found {
        let (expected, random) = self.alone(request).await?;
        if let Some(why) = expected.refusal() {
            return Err(NotRun(format!("needs a plugin.yaml with which this succeeds too: {what} ({why})")));
        }
        Ok(differences(what, &self.parts(&expected), &self.parts(got), &random, advice))
    }

    /// The request of a second user who is granted a credential: with other attributes, or with the first one's.
    pub(crate) async fn request_of_second_user(&self) -> Result<ProbeRequest, NotRun> {
        let mut request = self.request()?;
        request.grant.user_id = BOB.to_owned();
        let mut with_own_attributes = request.clone();
        let grant = &mut with_own_attributes.grant;
        grant.profile = changed_members(&grant.profile);
        grant.claims = changed_members(&grant.claims);
        if self.ask_alone(&with_own_attributes).await?.issued.is_ok() {
            return Ok(with_own_attributes);
        }
        match self.ask_alone(&request).await?.refusal() {
            None => Ok(request),
            Some(why) => Err(NotRun(format!(
                "needs a plugin.yaml with which another user than the first succeeds; write `${{user}}` for the user's id in replies, and check `parameters` ({why})"
            ))),
        }
    }
}

/// A second user on the load that has served the first.
pub(crate) async fn second_user(context: &ProbeContext<'_>) -> Found {
    let (first, second) = (context.request()?, context.request_of_second_user().await?);
    let issuer = context.issuer_for(&first)?;
    context.ask(&*issuer, &first).await?;
    let got = context.ask_next(&issuer, &second).await?;
    context.compare("second user", &second, &got, ADVICE).await
}

/// The same user, first twice and then with other attributes.
pub(crate) async fn changed_attributes(context: &ProbeContext<'_>) -> Found {
    let first = request_with_attributes(context).await?;
    let mut second = first.clone();
    second.grant.profile = changed_members(&first.grant.profile);
    second.grant.claims = changed_members(&first.grant.claims);
    let issuer = context.issuer_for(&first)?;
    context.ask(&*issuer, &first).await?;
    context.ask_next(&issuer, &first).await?;
    let got = context.ask_next(&issuer, &second).await?;
    context.compare("the same user with other attributes", &second, &got, ADVICE).await
}

/// The suite's request with a text in every attribute that the issuer reads, as far as it accepts those that the plugin spec
/// does not state.
pub(super) async fn request_with_attributes(context: &ProbeContext<'_>) -> Result<ProbeRequest, NotRun> {
    let request = context.request()?;
    let names = attribute_names(context.manifest, &context.settings);
    if names.iter().all(|name| *name == EMAIL_VERIFIED) {
        return Err(NotRun("needs settings with which the issuer reads an attribute of the user".to_owned()));
    }
    let mut with_all = request.clone();
    let texts = |members: &Map<String, Value>| changed_members(members) != *members;
    for generated in [json!(GENERATED), json!({ GENERATED: GENERATED })] {
        for name in names
            .iter()
            .filter(|name| **name != EMAIL_VERIFIED && !request.grant.profile.contains_key(**name))
        {
            with_all.grant.profile.insert((*name).to_owned(), generated.clone());
        }
        if texts(&with_all.grant.profile) && context.ask_alone(&with_all).await?.issued.is_ok() {
            return Ok(with_all);
        }
    }
    if texts(&request.grant.profile) {
        return Ok(request);
    }
    let names = names.join(", ");
    Err(NotRun(format!(
        "needs a value of the attributes that the issuer reads ({names}); write them under `profile` in plugin.yaml"
    )))
}

/// The add-ons of two clients of a tenant.
pub(crate) async fn second_client(context: &ProbeContext<'_>) -> Found {
    let first = context.request()?;
    let mut second = first.clone();
    second.grant.client_id = OTHER_CALLER.to_owned();
    second.grant.target_id = OTHER_TARGET.to_owned();
    two_add_ons(context, "client", &first, &second).await
}

/// The add-ons of two tenants, whose settings differ as far as the plugin accepts other ones.
pub(crate) async fn second_tenant(context: &ProbeContext<'_>) -> Found {
    let first = context.request()?;
    let mut second = first.clone();
    second.tenant.domain = OTHER_DOMAIN.to_owned();
    if let Some(key) = &mut second.tenant.signing_key {
        key.kid = OTHER_KEY.to_owned();
    }
    second.settings = other_settings(context, &second).await?;
    two_add_ons(context, "tenant", &first, &second).await
}

/// Asks the add-on that was configured first after the second one was configured, and then the second one.
async fn two_add_ons(
    context: &ProbeContext<'_>,
    of: &str,
    first: &ProbeRequest,
    second: &ProbeRequest,
) -> Found {
    let [first_issuer, second_issuer] = [context.issuer_for(first)?, context.issuer_for(second)?];
    let mut found = Vec::new();
    for (which, request, issuer) in [("first", first, first_issuer), ("second", second, second_issuer)] {
        let got = context.ask(&*issuer, request).await?;
        let what = format!("add-on of the {which} {of}");
        found.extend(context.compare(&what, request, &got, ADVICE_ON_ADD_ONS).await?);
    }
    Ok(found)
}

/// The settings with each text changed that can be: the plugin accepts the result and issues with it.
async fn other_settings(
    context: &ProbeContext<'_>,
    request: &ProbeRequest,
) -> Result<Map<String, Value>, NotRun> {
    let mut trial = request.clone();
    trial.grant.user_id = CAROL.to_owned();
    let names: Vec<String> = request
        .settings
        .iter()
        .filter(|(name, value)| value.is_string() && !names_attribute(context, name))
        .map(|(name, _)| name.clone())
        .collect();
    let mut attempts = vec![names.clone()];
    attempts.extend(names.into_iter().map(|name| vec![name]));
    for (index, names) in attempts.iter().enumerate() {
        let before = trial.settings.clone();
        for name in names {
            if let Some(Value::String(text)) = trial.settings.get_mut(name) {
                *text = changed_text(text);
            }
        }
        let is_usable = match context.issuer_for(&trial) {
            Ok(issuer) => context.ask(&*issuer, &trial).await?.issued.is_ok(),
            Err(_) => false,
        };
        match (is_usable, index) {
            (true, 0) => break,
            (true, _) => {}
            (false, _) => trial.settings = before,
        }
    }
    Ok(trial.settings)
}

/// Whether a setting names an attribute of the user.
fn names_attribute(context: &ProbeContext<'_>, name: &str) -> bool {
    let is_name = |read: &Read| matches!(read, Read::NamedBySetting { setting, .. } if setting == name);
    context.manifest.reads.iter().any(is_name)
}
