//! Generators of users and requests, and a second statement of what a scope may select.

use std::collections::{BTreeSet, HashMap};

use locum_abi::grant::Grant;
use locum_engine::model::{AddOn, User};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use locum_testing::{TestEngine, claims_for, good_with, hs256, object};

/// Claims about the token itself, which no scope may select.
const OF_THE_TOKEN: [&str; 11] =
    ["iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "nonce", "at_hash", "c_hash"];

/// The claims of `profile` and `email` (OpenID Connect Core section 5.4).
const PROFILE: &str = "name family_name given_name middle_name nickname preferred_username profile picture website \
                       gender birthdate zoneinfo locale updated_at";
const EMAIL: &str = "email email_verified";

/// Those of `NAMES` that no scope selects.
const PRIVATE: [&str; 2] = ["app_metadata", "api_key"];

/// Names of attributes, many of which are also in `SCOPES`.
const NAMES: [&str; 17] = [
    "name",
    "email",
    "email_verified",
    "picture",
    "locale",
    "app_metadata",
    "api_key",
    "groups",
    "persistent",
    "nonce",
    "azp",
    "jti",
    "iss",
    "user_id",
    "food",
    "secret",
    "groups2",
];
const SCOPES: [&str; 13] = [
    "openid",
    "profile",
    "email",
    "passthrough",
    "offline_access",
    "everything",
    "groups",
    "food",
    "api_key",
    "iss",
    "nonce",
    "user_id",
    "no_such_word",
];

/// A stored profile, the claims of a token, and the scope alias `everything`.
#[derive(Debug, Clone)]
pub(super) struct KnownUser {
    stored: Option<Map<String, Value>>,
    presented: Map<String, Value>,
    alias: Vec<String>,
}

fn attributes(from: &'static str) -> impl Strategy<Value = Map<String, Value>> {
    subsequence(NAMES.to_vec(), 0..NAMES.len()).prop_map(move |names| {
        names.into_iter().map(|name| (name.to_owned(), json!(format!("{name} {from}")))).collect()
    })
}

pub(super) fn known_user() -> impl Strategy<Value = KnownUser> {
    let alias = subsequence(NAMES.to_vec(), 0..6);
    (prop::option::of(attributes("as stored")), attributes("as presented"), alias).prop_map(
        |(stored, mut presented, alias)| {
            // A good token keeps its issuer, and was issued at the request of its presenter.
            presented.remove("iss");
            presented.remove("azp");
            KnownUser { stored, presented, alias: alias.into_iter().map(str::to_owned).collect() }
        },
    )
}

impl KnownUser {
    fn engine(&self) -> TestEngine {
        TestEngine::with(|setup| {
            setup.remove_signing_keys();
            setup.acme.users.clear();
            if let Some(stored) = &self.stored {
                let user = User::new(stored.clone());
                setup.acme.users.insert("auth0|alice".to_owned(), user);
            }
            for id in ["caller", "api", "storage"] {
                let aliases = HashMap::from([("everything".to_owned(), self.alias.clone())]);
                setup.client(id).scope_aliases = aliases;
                setup.client(id).app = AddOn::new("app", object(json!({"seconds": 300 + 300 * id.len()})));
            }
        })
    }

    /// The parameters of a good request for this user, with these changes.
    pub(super) fn request(&self, changes: &Map<String, Value>) -> Map<String, Value> {
        let mut claims = claims_for("caller");
        claims.as_object_mut().unwrap().extend(self.presented.clone());
        let mut parameters = good_with(json!({"id_token": hs256(&claims)}));
        parameters.extend(changes.clone());
        parameters
    }

    /// The grant or the refusal of a request to an engine of its own.
    pub(super) fn outcome(&self, parameters: Map<String, Value>) -> Result<Grant, String> {
        let test = self.engine();
        let reply = test.delegate(parameters);
        if reply.response.outcome.is_ok() { Ok(test.script.last_grant()) } else { Err(reply.summary()) }
    }

    /// The value that a claim of this name must have, if it is selected.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        if OF_THE_TOKEN.contains(&name) {
            return None;
        }
        if name == "user_id" {
            return Some(json!("auth0|alice"));
        }
        let stored = self.stored.as_ref();
        if EMAIL.split(' ').any(|of_the_pair| of_the_pair == name) {
            let source = if self.presented.contains_key("email") { Some(&self.presented) } else { stored };
            let source = source.filter(|source| source.contains_key("email"))?;
            // The generated flags are texts, and no text says verified.
            return source.get(name).map(|value| if name == "email" { value.clone() } else { json!(false) });
        }
        self.presented.get(name).or_else(|| stored?.get(name)).cloned()
    }

    /// The names of the token's attributes. A flag without an address is none.
    fn presented_attributes(&self) -> Vec<String> {
        let has_address = self.presented.contains_key("email");
        self.presented.keys().filter(|name| has_address || *name != "email_verified").cloned().collect()
    }

    /// The names of the claims that a scope may select.
    pub(super) fn selectable(&self, scope: &str) -> BTreeSet<String> {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        scope
            .split_whitespace()
            .flat_map(|word| match word {
                "openid" | "offline_access" => Vec::new(),
                "profile" => words(PROFILE),
                "email" => words(EMAIL),
                "passthrough" => self.presented_attributes(),
                "everything" => self.alias.clone(),
                word => vec![word.to_owned()],
            })
            .filter(|name| !PRIVATE.contains(&name.as_str()))
            .collect()
    }
}

pub(super) fn scope() -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(SCOPES.to_vec(), 0..SCOPES.len()).prop_shuffle()
}

/// Optional parameters, with valid and invalid values.
pub(super) fn optional() -> impl Strategy<Value = Map<String, Value>> {
    let text = |values: &'static [&'static str]| prop::option::of(select(values));
    (
        text(&["caller", "api", "storage", "nobody"]),
        prop::option::of(scope()),
        text(&["app", "auth0", "azure_blob", "aws", "firebase"]),
        text(&["phone"]),
        text(&["photos"]),
    )
        .prop_map(|(target, scope, api_type, device, container)| {
            let scope = scope.map(|words| words.join(" "));
            let parameters = [
                ("target", target.map(str::to_owned)),
                ("scope", scope),
                ("api_type", api_type.map(str::to_owned)),
                ("device", device.map(str::to_owned)),
                ("containerName", container.map(str::to_owned)),
            ];
            parameters.into_iter().filter_map(|(name, text)| Some((name.to_owned(), text?.into()))).collect()
        })
}
