//! Parameters and callers of requests.

use locum_engine::{Caller, JWT_BEARER, TOKEN_EXCHANGE};
use serde_json::{Map, Value, json};

use crate::ACME;
use crate::tokens::id_token;

/// A caller at [`ACME`].
pub fn caller() -> Caller {
    Caller { host: ACME.to_owned(), ip: "203.0.113.7".parse().unwrap(), auth0_client: None, user_agent: None }
}

/// The parameters of a good delegation request, from the client `caller` for itself.
pub fn good() -> Map<String, Value> {
    good_with(json!({}))
}

/// The parameters of [`good`], with these added or replaced. An empty string removes a parameter.
pub fn good_with(changes: Value) -> Map<String, Value> {
    let mut parameters = object(json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"),
    }));
    parameters.extend(object(changes));
    parameters
}

/// The parameters of a good token exchange, from the client `caller` for itself, with these added or replaced. An empty
/// string removes a parameter.
pub fn exchange_with(changes: Value) -> Map<String, Value> {
    let mut parameters = object(json!({
        "client_id": "caller", "grant_type": TOKEN_EXCHANGE, "subject_token": id_token("caller"),
        "subject_token_type": token_type("id_token"),
    }));
    parameters.extend(object(changes));
    parameters
}

/// The URI of a type of token that RFC 8693 section 3 names.
pub fn token_type(name: &str) -> String {
    format!("urn:ietf:params:oauth:token-type:{name}")
}

/// The members of a JSON object. Panics for any other value.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}
