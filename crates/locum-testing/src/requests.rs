//! Parameters and callers of requests.

use locum_engine::{Caller, JWT_BEARER};
use serde_json::{Map, Value, json};

use crate::ACME;
use crate::tokens::id_token;

/// Alice's browser, at `acme.example.com`.
pub fn caller() -> Caller {
    Caller { host: ACME.to_owned(), ip: "203.0.113.7".parse().unwrap(), auth0_client: None, user_agent: None }
}

/// The parameters of a delegation from `caller` to itself that is good.
pub fn good() -> Map<String, Value> {
    good_with(json!({}))
}

/// The same with more, or other, parameters. An empty text takes a parameter away.
pub fn good_with(changes: Value) -> Map<String, Value> {
    let mut parameters = object(json!({
        "client_id": "caller", "grant_type": JWT_BEARER, "id_token": id_token("caller"),
    }));
    parameters.extend(object(changes));
    parameters
}

/// The members of a JSON object.
pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        other => panic!("{other} is not an object"),
    }
}
