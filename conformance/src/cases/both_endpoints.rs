//! Both endpoints in one run: each delegation is also made as a token exchange at `/oauth/token`, of a server of its own at
//! the same time with the same tenant, and what is decided must be the same.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_engine::model::ClientAuthentication;
use locum_engine::strict_json::{self, Node};
use locum_engine::{JWT_BEARER, TOKEN_EXCHANGE};
use locum_store::TenantData;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::exchange::message::{Internals, Request, Response, Transcript};
use crate::exchange::request_builder::DELEGATION;

const TOKEN: &str = "/oauth/token";
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";

/// How many requests both endpoints have answered.
#[derive(Debug, Default)]
pub(crate) struct BothEndpoints(AtomicUsize);

impl BothEndpoints {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn counted(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The tenant with public clients only: authentication is what the endpoints differ in.
pub(crate) fn without_authentication(mut tenant: TenantData) -> TenantData {
    for client in &mut tenant.clients {
        client.authentication = ClientAuthentication::None;
    }
    tenant
}

/// The token exchange that asks for the same; `None` for a request that has no such counterpart, such as one that cannot be
/// read.
pub(crate) fn as_token_exchange(request: &Request) -> Option<Request> {
    if request.method != "POST" || request.target != DELEGATION {
        return None;
    }
    let content_type = request.headers.iter().find(|(name, _)| name == "content-type")?.1.as_str();
    let body = match content_type {
        "application/json" => {
            let parameters = strict_json::object(request.body.as_bytes()).ok()?;
            let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), Node::to_value(value)));
            let renamed = renamed(parameters.collect(), |value: &Value| value.as_str(), |text| text.into())?;
            Value::Object(Map::from_iter(renamed)).to_string()
        }
        "application/x-www-form-urlencoded" => {
            let parameters = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
            let renamed = renamed(parameters, |text: &String| Some(text.as_str()), str::to_owned)?;
            form_urlencoded::Serializer::new(String::new()).extend_pairs(renamed).finish()
        }
        _ => return None,
    };
    let mut exchange = Request { target: TOKEN.to_owned(), body, ..request.clone() };
    // Old clients send one to `/delegation`, which ignores it.
    exchange.headers.retain(|(name, _)| name != "authorization");
    Some(exchange)
}

/// The parameters under their names at the other endpoint.
fn renamed<T>(
    parameters: Vec<(String, T)>,
    text: impl Fn(&T) -> Option<&str>,
    value: impl Fn(&str) -> T,
) -> Option<Vec<(String, T)>> {
    let has = |wanted: &str| parameters.iter().filter(|(name, _)| name == wanted).count();
    let names_one_token = has("id_token") + has("refresh_token") < 2;
    // For the issuer there, and for the endpoint here.
    let is_ambiguous =
        ["audience", "resource", "assertion", "actor_token"].into_iter().any(|name| has(name) > 0);
    if !names_one_token || is_ambiguous || parameters.iter().any(|(name, _)| has(name) > 1) {
        return None;
    }
    let mut renamed = Vec::with_capacity(parameters.len() + 1);
    for (name, old) in parameters {
        let old_text = text(&old).map(str::to_owned);
        let (name, new) = match (name.as_str(), old_text.as_deref()) {
            ("client_secret", _) => continue,
            ("grant_type", Some(JWT_BEARER)) => ("grant_type", value(TOKEN_EXCHANGE)),
            ("target", _) => ("audience", old),
            ("api_type", Some("app" | "auth0")) => {
                ("requested_token_type", value(&format!("{TOKEN_TYPE}jwt")))
            }
            ("api_type", Some(api_type)) if !api_type.is_empty() => {
                ("requested_token_type", value(&format!("urn:locum:token-type:{api_type}")))
            }
            ("api_type", _) => ("requested_token_type", old),
            (kind @ ("id_token" | "refresh_token"), token) => {
                if token.is_some_and(|token| !token.is_empty()) {
                    renamed.push(("subject_token_type".to_owned(), value(&format!("{TOKEN_TYPE}{kind}"))));
                }
                ("subject_token", old)
            }
            (other, _) => {
                renamed.push((other.to_owned(), old));
                continue;
            }
        };
        renamed.push((name.to_owned(), new));
    }
    Some(renamed)
}

/// What the two endpoints decided differently.
pub(crate) fn differences(delegation: &Transcript, exchange: &Transcript) -> Vec<String> {
    let mut found = Vec::new();
    let mut compare = |what: &str, delegation: Value, exchange: Value| {
        if delegation != exchange {
            found.push(format!("{what}: {delegation} at {DELEGATION}, {exchange} at {TOKEN}"));
        }
    };
    compare("the decision", decision(&delegation.response, true), decision(&exchange.response, false));
    for name in ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"] {
        let header = |response: &Response| response.header(name).collect::<Value>();
        compare(name, header(&delegation.response), header(&exchange.response));
    }
    if delegation.response.status == 200 && exchange.response.status == 200 {
        compare("the credential", credential(&delegation.response), exchanged_credential(&exchange.response));
    }
    let empty = Internals::default();
    let internals =
        |transcript: &'_ Transcript| transcript.internals.clone().unwrap_or_else(|| empty.clone());
    let (delegation, exchange) = (internals(delegation), internals(exchange));
    compare("the audit events", audited(delegation.audit), audited(exchange.audit));
    let calls = [&delegation.upstream_requests, &exchange.upstream_requests].map(Vec::len);
    let [of_delegation, of_exchange] = calls.map(Value::from);
    compare("the upstream requests", of_delegation, of_exchange);
    found
}

/// Status and code, in the terms of OAuth. Two refusals have one code at `/delegation`, and different ones here.
fn decision(response: &Response, is_delegation: bool) -> Value {
    let error = response.object().and_then(|body| Some(body.get("error")?.as_str()?.to_owned()));
    let (status, error) = match (response.status, error.as_deref()) {
        (401, Some("unauthorized")) if is_delegation => (400, Some("invalid_grant or invalid_target")),
        (403, Some("unauthorized_client")) if is_delegation => {
            (400, Some("unauthorized_client or invalid_client"))
        }
        (400, Some("invalid_target")) => (400, Some("invalid_grant or invalid_target")),
        (400, Some("invalid_grant")) if says(response, "user is blocked") => {
            (400, Some("invalid_grant or invalid_target"))
        }
        (401, Some("invalid_client")) | (400, Some("unauthorized_client")) => {
            (400, Some("unauthorized_client or invalid_client"))
        }
        other => other,
    };
    Value::from(vec![Value::from(status), error.into()])
}

fn says(response: &Response, description: &str) -> bool {
    response
        .object()
        .is_some_and(|body| body.get("error_description").and_then(Value::as_str) == Some(description))
}

/// The credential in an answer of `/delegation`.
fn credential(response: &Response) -> Value {
    let Some(body) = response.object() else { return Value::Null };
    match (body.get("id_token"), body.len()) {
        (Some(token), 3) => without_scope(token),
        (_, 1) if body.values().all(Value::is_string) => body.into_values().next().unwrap_or_default(),
        _ => Value::Object(body),
    }
}

/// The credential in an answer of `/oauth/token`.
fn exchanged_credential(response: &Response) -> Value {
    let Some(mut body) = response.object() else { return Value::Null };
    if let Some(object) = body.remove("credential") {
        return object;
    }
    let token = body.remove("access_token").unwrap_or_default();
    let is_jwt = body.get("token_type").and_then(Value::as_str) == Some("Bearer");
    if is_jwt { without_scope(&token) } else { token }
}

/// Header and claims of a token, without the scope, which only one of the endpoints writes.
fn without_scope(token: &Value) -> Value {
    let part =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let mut parts = token.as_str().unwrap_or_default().split('.').map(part);
    let (header, mut claims) = (parts.next().flatten(), parts.next().flatten());
    if let Some(Value::Object(claims)) = &mut claims {
        claims.remove("scope");
    }
    Value::from(vec![header.unwrap_or_default(), claims.unwrap_or_default()])
}

/// Audit events without what the endpoints write differently: codes, statuses, descriptions, and numbers of requests.
fn audited(mut events: Vec<Map<String, Value>>) -> Value {
    for event in &mut events {
        for name in ["code", "status", "error", "error_description", "reference"] {
            event.remove(name);
        }
    }
    events.into_iter().map(Value::Object).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn delegation(content_type: &str, body: &str) -> Request {
        Request {
            method: "POST",
            target: DELEGATION.to_owned(),
            host: "acme.example.com".to_owned(),
            ip: [192, 0, 2, 1].into(),
            headers: vec![("content-type".to_owned(), content_type.to_owned())],
            body: body.to_owned(),
        }
    }

    #[test]
    fn a_delegation_is_asked_for_under_other_names() {
        let parameters = json!({
            "client_id": "c", "client_secret": "s", "grant_type": JWT_BEARER, "id_token": "t", "target": "api",
            "api_type": "aws", "role": "r",
        });
        let request = as_token_exchange(&delegation("application/json", &parameters.to_string())).unwrap();
        let expected = json!({
            "client_id": "c", "grant_type": TOKEN_EXCHANGE, "subject_token": "t",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token", "audience": "api",
            "requested_token_type": "urn:locum:token-type:aws", "role": "r",
        });
        assert_eq!(serde_json::from_str::<Value>(&request.body).unwrap(), expected);
        assert_eq!(request.target, TOKEN);
        let form = as_token_exchange(&delegation(
            "application/x-www-form-urlencoded",
            "target=a%20b&api_type=auth0",
        ));
        let expected = "audience=a+b&requested_token_type=urn%3Aietf%3Aparams%3Aoauth%3Atoken-type%3Ajwt";
        assert_eq!(form.unwrap().body, expected);
    }

    #[test]
    fn what_cannot_be_read_or_names_two_tokens_has_no_counterpart() {
        for (content_type, body) in [
            ("text/plain", "{}"),
            ("application/json", "[]"),
            ("application/json", r#"{"id_token":"a","refresh_token":"b"}"#),
            ("application/json", r#"{"id_token":"a","audience":"b"}"#),
            ("application/x-www-form-urlencoded", "scope=a&scope=b"),
        ] {
            assert!(as_token_exchange(&delegation(content_type, body)).is_none(), "{body}");
        }
        assert!(
            as_token_exchange(&Request { method: "GET", ..delegation("application/json", "{}") }).is_none()
        );
    }

    fn answered(status: u16, body: Value) -> Transcript {
        Transcript {
            response: Response { status, headers: Vec::new(), body: body.to_string() },
            window: crate::fixtures::variables::TimeWindow { earliest: 0, latest: 0 },
            internals: None,
        }
    }

    #[test]
    fn an_equal_decision_is_no_difference_and_another_one_is() {
        let jwt = |claims: Value| format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let issued = |claims: Value| {
            answered(200, json!({"token_type": "Bearer", "expires_in": 1, "id_token": jwt(claims)}))
        };
        let exchanged =
            |claims: Value| answered(200, json!({"access_token": jwt(claims), "token_type": "Bearer"}));
        let refused =
            |status: u16, error: &str| answered(status, json!({"error": error, "error_description": "x"}));
        let is_same = |a: Transcript, b: Transcript| differences(&a, &b).is_empty();
        assert!(is_same(issued(json!({"a": 1})), exchanged(json!({"a": 1, "scope": "openid"}))));
        assert!(!is_same(issued(json!({"a": 1})), exchanged(json!({"a": 2}))));
        assert!(!is_same(issued(json!({})), refused(400, "invalid_grant")));
        assert!(!is_same(refused(400, "invalid_grant"), exchanged(json!({}))));
        assert!(is_same(refused(400, "invalid_grant"), refused(400, "invalid_grant")));
        assert!(is_same(refused(401, "unauthorized"), refused(400, "invalid_target")));
        assert!(!is_same(refused(401, "unauthorized"), refused(400, "invalid_grant")));
        assert!(is_same(refused(403, "unauthorized_client"), refused(401, "invalid_client")));
        assert!(!is_same(refused(403, "access_denied"), refused(401, "invalid_client")));
        let sas = answered(200, json!({"azure_blob_sas": "sig=x"}));
        assert!(is_same(sas.clone(), answered(200, json!({"access_token": "sig=x", "token_type": "N_A"}))));
        assert!(!is_same(sas, answered(200, json!({"access_token": "sig=y", "token_type": "N_A"}))));
    }
}
