//! `identities` of a user: the accounts at identity providers, with tokens of these.

use serde_json::{Map, Value};

use crate::body::Members;

/// Tokens of an identity, which only `read:user_idp_tokens` shows.
const TOKENS: [&str; 4] = ["access_token", "access_token_secret", "refresh_token", "id_token"];

/// Removes the tokens of all identities.
pub(crate) fn conceal_tokens(user: &mut Members) {
    let Some(identities) = user.get_mut("identities") else { return };
    match identities {
        Value::Array(items) => items.iter_mut().for_each(conceal),
        other => conceal(other),
    }
}

fn conceal(identity: &mut Value) {
    match identity {
        Value::Object(identity) => *identity = without_tokens(identity),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
        // Whatever it is, it is not an identity as Auth0 has it.
        Value::String(_) | Value::Array(_) => *identity = Value::Null,
    }
}

/// Gives the identities of a patch the tokens that they have in the stored user, if they are the same otherwise: whoever may not read
/// tokens sends back what they have read.
pub(crate) fn keep_absent_tokens(patch: &mut Members, stored: &Members) {
    let Some(Value::Array(identities)) = patch.get_mut("identities") else { return };
    let Some(Value::Array(before)) = stored.get("identities") else { return };
    for identity in identities {
        let Value::Object(identity) = identity else { continue };
        let is_same = |before: &&Map<String, Value>| without_tokens(before) == *identity;
        if let Some(before) = before.iter().filter_map(Value::as_object).find(is_same) {
            identity.clone_from(before);
        }
    }
}

fn without_tokens(identity: &Map<String, Value>) -> Map<String, Value> {
    let mut rest = identity.clone();
    rest.retain(|name, _| !TOKENS.contains(&name.as_str()));
    rest
}
