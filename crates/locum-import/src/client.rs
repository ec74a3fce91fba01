//! Which clients of an export are kept, and which of their fields.

use serde_json::{Map, Value};

use crate::export::ExportedClient;
use crate::origin_lists::ORIGIN_LISTS;
use crate::report::{LeftOut, ToDo};

/// The legacy grants, as `grant_types` names them.
const LEGACY_GRANTS: [&str; 2] = [
    "http://auth0.com/oauth/legacy/grant-type/delegation/id_token",
    "http://auth0.com/oauth/legacy/grant-type/delegation/refresh_token",
];

/// The settings of refresh tokens, and the grant without which a client has none.
pub(crate) const REFRESH_TOKEN: &str = "refresh_token";

/// The fields that are kept as they are, in the order in which they are written.
pub(crate) const FIELDS_KEPT: [&str; 10] = [
    "name",
    "client_id",
    "client_secret",
    "is_first_party",
    "oidc_conformant",
    "grant_types",
    REFRESH_TOKEN,
    "allowed_clients",
    "callbacks",
    "addons",
];

/// Longest lifetime of an app token, in seconds: Auth0's own limit.
const LIFETIME_SECONDS_MAX: u64 = 2_592_000;

/// A client that is kept, as it will be written.
#[derive(Clone, PartialEq)]
pub(crate) struct Draft {
    pub(crate) client_id: String,
    /// The name and id by which messages call it.
    pub(crate) label: String,
    /// Its fields. Secrets are still in them.
    pub(crate) fields: Map<String, Value>,
    pub(crate) to_do: Vec<ToDo>,
}

impl Draft {
    /// The names and settings of the add-ons, those that are switched off too.
    pub(crate) fn add_ons(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.fields.get("addons").and_then(Value::as_object).into_iter().flatten()
    }

    pub(crate) fn add_ons_mut(&mut self) -> Option<&mut Map<String, Value>> {
        self.fields.get_mut("addons")?.as_object_mut()
    }

    pub(crate) fn name(&self) -> &str {
        self.fields.get("name").and_then(Value::as_str).unwrap_or_default()
    }

    /// `jwt_configuration.alg`, which is HS256 if it is absent.
    pub(crate) fn alg(&self) -> &str {
        let alg = self.fields.get("jwt_configuration").and_then(|jwt| jwt.get("alg"));
        alg.and_then(Value::as_str).unwrap_or("HS256")
    }

    /// The client as one that is left out, about which somebody has to decide.
    pub(crate) fn left_out(self, why: impl Into<String>) -> LeftOut {
        let name = self.name().to_owned();
        LeftOut { client_id: self.client_id, name, needs_decision: true, why: why.into() }
    }
}

/// Whether the client may request credentials.
pub(crate) fn may_call(fields: &Map<String, Value>) -> bool {
    if fields.get("is_first_party") == Some(&Value::Bool(false)) {
        return false;
    }
    match fields.get("grant_types") {
        Some(Value::Array(types)) => {
            types.iter().filter_map(Value::as_str).any(|grant| LEGACY_GRANTS.contains(&grant))
        }
        // Clients that are older than grant types have all of the legacy ones.
        None | Some(Value::Null) => true,
        Some(_) => false,
    }
}

fn may_have_refresh_tokens(fields: &Map<String, Value>) -> bool {
    let types = fields.get("grant_types").and_then(Value::as_array);
    types.is_some_and(|types| types.iter().any(|grant| grant == REFRESH_TOKEN))
}

/// Whether the client can be the target of an app token.
pub(crate) fn takes_app_tokens(fields: &Map<String, Value>) -> bool {
    fields.get("oidc_conformant") != Some(&Value::Bool(true))
}

/// Why delegation does not need a client with these fields; `None` if it does.
pub(crate) fn not_needed(fields: &Map<String, Value>) -> Option<&'static str> {
    if fields.get("global") == Some(&Value::Bool(true)) {
        return Some("it stands for all clients and is none itself");
    }
    let has_add_on = match fields.get("addons") {
        Some(Value::Object(add_ons)) => add_ons.values().any(|settings| !settings.is_null()),
        _ => false,
    };
    let is_listed = matches!(fields.get("allowed_clients"), Some(Value::Array(list)) if !list.is_empty());
    let is_needed = may_call(fields) || takes_app_tokens(fields) || has_add_on || is_listed;
    (!is_needed).then_some(
        "it has no legacy delegation grant, and cannot be a target: it is OIDC-conformant without add-ons",
    )
}

/// The client as it will be written, or why it cannot be.
pub(crate) fn draft(client: &ExportedClient) -> Result<Draft, LeftOut> {
    let mut draft = Draft {
        client_id: client.text("client_id").unwrap_or_default().to_owned(),
        label: client.label(),
        fields: Map::new(),
        to_do: Vec::new(),
    };
    for field in FIELDS_KEPT {
        keep(client, field, &mut draft);
    }
    for field in ORIGIN_LISTS {
        keep(client, field, &mut draft);
    }
    if let Err(why) = authentication(client, &mut draft) {
        return Err(draft.left_out(why));
    }
    jwt_configuration(client, &mut draft);
    add_ons(&mut draft);
    grants(&mut draft);
    if may_have_refresh_tokens(&draft.fields) {
        draft.to_do.push(ToDo::note(
            "it may have refresh tokens of Locum's own, if locum.toml names a database: `state = \"state.db\"`; those of Auth0 cannot be moved",
        ));
    }
    Ok(draft)
}

fn keep(client: &ExportedClient, field: &str, draft: &mut Draft) {
    let value = client.fields.get(field).filter(|value| !value.is_null());
    draft.fields.extend(value.map(|value| (field.to_owned(), value.clone())));
}

/// How the client authenticates at `/oauth/token`. One that would count as public although it is not is refused.
fn authentication(client: &ExportedClient, draft: &mut Draft) -> Result<(), String> {
    let has_secret = client.text("client_secret").is_some();
    let app_type = client.text("app_type");
    let method = match client.fields.get("token_endpoint_auth_method") {
        None | Some(Value::Null) => None,
        Some(Value::String(method)) => Some(method.as_str()),
        Some(_) => return Err("its token_endpoint_auth_method is not a text".to_owned()),
    };
    let public = match method {
        Some("none") => true,
        Some("client_secret_basic" | "client_secret_post") => false,
        Some("private_key_jwt") => {
            return Err(
                "it authenticates by private_key_jwt, and an export does not contain its keys; add it to the tenant file by hand, with its public keys as `jwks`"
                    .to_owned(),
            );
        }
        Some(other) => {
            return Err(format!(
                "it authenticates by {other}, which Locum does not support; give it a client_secret and export again"
            ));
        }
        // Auth0 has no method for clients that are older than the field: their type decides.
        None => matches!(app_type, Some("spa" | "native")),
    };
    let uses_secret = draft.alg_of(client) == "HS256";
    if !has_secret && (uses_secret || !public) {
        return Err(
            "it has no client_secret in the export, and would need one; if it authenticates by a key, give it a client_secret at Auth0"
                .to_owned(),
        );
    }
    match (public, method) {
        (true, None) => {
            draft.fields.insert("token_endpoint_auth_method".to_owned(), "none".into());
            draft.to_do.push(ToDo::note(
                "it has no token_endpoint_auth_method, so it is taken for a public client by its app_type",
            ));
        }
        (_, Some(method)) => {
            draft.fields.insert("token_endpoint_auth_method".to_owned(), method.into());
        }
        (false, None) => {}
    }
    Ok(())
}

impl Draft {
    /// The algorithm of the exported client, whose `jwt_configuration` is not yet in the draft.
    fn alg_of<'a>(&self, client: &'a ExportedClient) -> &'a str {
        let alg = client.fields.get("jwt_configuration").and_then(|jwt| jwt.get("alg"));
        alg.and_then(Value::as_str).unwrap_or("HS256")
    }
}

fn jwt_configuration(client: &ExportedClient, draft: &mut Draft) {
    let Some(Value::Object(exported)) = client.fields.get("jwt_configuration") else { return };
    let mut kept = Map::new();
    for (field, value) in exported.iter().filter(|(_, value)| !value.is_null()) {
        match (field.as_str(), value) {
            ("alg", Value::String(_)) | ("secret_encoded", Value::Bool(_)) => {
                kept.insert(field.clone(), value.clone());
            }
            ("lifetime_in_seconds", seconds) => match seconds.as_u64() {
                Some(1..=LIFETIME_SECONDS_MAX) => {
                    kept.insert(field.clone(), value.clone());
                }
                _ => draft.to_do.push(ToDo::decision(format!(
                    "jwt_configuration.lifetime_in_seconds is not between 1 and {LIFETIME_SECONDS_MAX}, so it is left out: app tokens are valid for 36000 s"
                ))),
            },
            ("scopes", Value::Object(scopes)) if is_lists_of_texts(scopes) => {
                if !scopes.is_empty() {
                    kept.insert(field.clone(), value.clone());
                }
            }
            (other, _) => draft
                .to_do
                .push(ToDo::note(format!("jwt_configuration.{other} is left out: Locum does not know it"))),
        }
    }
    if !kept.is_empty() {
        draft.fields.insert("jwt_configuration".to_owned(), Value::Object(kept));
    }
}

fn is_lists_of_texts(scopes: &Map<String, Value>) -> bool {
    scopes.values().all(|claims| claims.as_array().is_some_and(|claims| claims.iter().all(Value::is_string)))
}

/// Locum knows no refresh token of Auth0's.
fn grants(draft: &mut Draft) {
    let Some(Value::Array(types)) = draft.fields.get("grant_types") else { return };
    let [id_token, refresh_token] = LEGACY_GRANTS.map(|grant| types.iter().any(|granted| granted == grant));
    if refresh_token && !id_token {
        draft.to_do.push(ToDo::decision(format!(
            "of the legacy grants it has the one for refresh tokens only, and Auth0's refresh tokens are unknown to Locum; add {} to grant_types if it can send id_tokens",
            LEGACY_GRANTS[0]
        )));
    }
}

/// An add-on that is neither settings nor `null` is switched off: nothing says what it means.
fn add_ons(draft: &mut Draft) {
    let mut unclear = Vec::new();
    let Some(add_ons) = draft.fields.get_mut("addons") else { return };
    let Value::Object(add_ons) = add_ons else {
        draft.fields.shift_remove("addons");
        draft.to_do.push(ToDo::decision("addons is not a mapping, so it is left out: add the add-ons"));
        return;
    };
    for (name, settings) in
        add_ons.iter_mut().filter(|(_, settings)| !settings.is_object() && !settings.is_null())
    {
        *settings = Value::Null;
        unclear.push(name.clone());
    }
    for name in unclear {
        draft.to_do.push(ToDo::decision(format!(
            "the add-on {name} has no settings, so it is written as null: add its settings"
        )));
    }
}
