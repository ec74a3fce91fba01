//! The members of a profile: those of Auth0's older endpoints, without what is private.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::delegation::KnownUser;
use crate::model::AttributePattern;
use crate::prepared::PreparedClient;
use crate::subject_token::Subject;

/// Attributes of a profile besides the claims of the scopes `profile` and `email`.
const ADDED: [&str; 2] = ["created_at", "user_metadata"];

/// What an identity says of itself. It has a token of the identity provider too, which is for nobody else.
const OF_AN_IDENTITY: [&str; 4] = ["user_id", "provider", "connection", "isSocial"];

/// What `/tokeninfo` tells about the user of an id_token of this client.
pub(super) fn of_id_token(
    user: &KnownUser<'_>,
    client_id: &str,
    private: &[AttributePattern],
) -> Map<String, Value> {
    let mut profile = selected(user, &["profile", "email"], private);
    add_older_members(&mut profile, user, client_id, private);
    profile
}

/// What `/userinfo` tells about the user of an app token for this client: `sub`, and the claims of its scopes. Without a scope, it is
/// what the token says itself.
pub(super) fn of_app_token(
    user: &KnownUser<'_>,
    subject: &Subject<'_>,
    audience: &PreparedClient,
    private: &[AttributePattern],
) -> Map<String, Value> {
    let has = |word: &str| subject.scope.as_ref().is_none_or(|scope| scope.iter().any(|own| own == word));
    let words: Vec<&str> = ["profile", "email"].into_iter().filter(|word| has(word)).collect();
    let mut profile = selected(user, &words, private);
    if !audience.client().oidc_conformant && has("profile") {
        add_older_members(&mut profile, user, audience.id(), private);
    }
    profile.insert("sub".to_owned(), user.user_id.into());
    profile
}

fn add_older_members(
    profile: &mut Map<String, Value>,
    user: &KnownUser<'_>,
    client_id: &str,
    private: &[AttributePattern],
) {
    profile.extend(selected(user, &ADDED, private));
    profile.insert("user_id".to_owned(), user.user_id.into());
    profile.insert("clientID".to_owned(), client_id.into());
    let is_told = !private.iter().any(|pattern| pattern.matches("identities"));
    if let Some(identities) = user.stored.and_then(|stored| stored.get("identities")).filter(|_| is_told) {
        profile.insert("identities".to_owned(), without_tokens(identities));
    }
}

fn selected(user: &KnownUser<'_>, words: &[&str], private: &[AttributePattern]) -> Map<String, Value> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    user.select(&words, &HashMap::new(), private)
}

fn without_tokens(identities: &Value) -> Value {
    let told = |identity: &Value| {
        let member = |name: &str| Some((name.to_owned(), identity.get(name)?.clone()));
        Value::Object(OF_AN_IDENTITY.into_iter().filter_map(member).collect())
    };
    identities.as_array().into_iter().flatten().map(told).collect()
}
