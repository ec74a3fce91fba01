//! The OpenAPI 3.1 description, made of the table of endpoints. It says nothing that is not public, so it is served to anybody.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::response::Response;
use serde_json::{Map, Value, json};

use crate::endpoint::{Changes, Endpoint, Method};
use crate::parameter::{Parameter, ParameterValue};
use crate::schema::Schema;
use crate::table;

/// Refusals that any endpoint may answer.
const REFUSALS: [(u16, &str); 9] = [
    (400, "The request has an error."),
    (401, "The token is missing, or not valid here."),
    (403, "The token lacks a scope."),
    (404, "There is no such entry, or no Management API at this host."),
    (408, "The body did not arrive in time."),
    (412, "The entry has another version than If-Match says."),
    (429, "The token has made too many calls."),
    (500, "The server has failed."),
    (503, "Try again later."),
];

/// Refusals of bodies.
const BODY_REFUSALS: [(u16, &str); 2] =
    [(413, "The body is too large."), (415, "The body is not application/json.")];

/// A refusal of changes.
const CONFLICT: (u16, &str) = (409, "It conflicts with what is there, or the tenant is in a file.");

/// The description.
pub(crate) fn description() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for endpoint in table::all() {
        let path = paths.entry(endpoint.path.to_owned()).or_insert_with(|| json!({}));
        if let Some(methods) = path.as_object_mut() {
            methods.insert(method(endpoint.method).to_owned(), operation(endpoint));
        }
    }
    let schemas: Map<String, Value> =
        Schema::ALL.iter().map(|schema| (schema.name(), schema.json())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Locum Management API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "In the names and shapes of Auth0's Management API v2.",
        },
        "servers": [{ "url": "/api/v2" }],
        "security": [{ "management_token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": { "management_token": { "type": "http", "scheme": "bearer", "bearerFormat": "JWT" } },
        },
    })
}

/// The answer to a request for the description.
pub(crate) fn response(description: &str) -> Response {
    let mut response = Response::new(Body::from(description.to_owned()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn method(method: Method) -> &'static str {
    match method {
        Method::Get => "get",
        Method::Post => "post",
        Method::Put => "put",
        Method::Patch => "patch",
        Method::Delete => "delete",
    }
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = endpoint.query.iter().map(parameter).collect();
    if endpoint.path.contains("{id}") {
        parameters.push(json!({ "name": "id", "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } }));
    }
    let mut responses = Map::new();
    let (status, body) = endpoint.success;
    let mut success = json!({ "description": "The call succeeded." });
    if let (Some(body), Some(success)) = (body, success.as_object_mut()) {
        // `fields` may leave out what the schema requires.
        let schema = if endpoint.query.iter().any(|parameter| parameter.name == "fields") && status == 200 {
            partial(body)
        } else {
            body.reference()
        };
        success.insert("content".to_owned(), json!({ "application/json": { "schema": schema } }));
    }
    responses.insert(status.to_string(), success);
    let of_body: &[(u16, &str)] = if endpoint.body.is_some() { &BODY_REFUSALS } else { &[] };
    let conflict = (endpoint.changes == Changes::Tenant).then_some(&CONFLICT);
    for (status, summary) in REFUSALS.iter().chain(conflict).chain(of_body) {
        let content = json!({ "application/json": { "schema": Schema::Error.reference() } });
        responses.insert(status.to_string(), json!({ "description": summary, "content": content }));
    }
    let mut operation = json!({
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        "description": format!("Needs the scope `{}`.", endpoint.scope),
        "parameters": parameters,
        "responses": responses,
    });
    if let (Some(body), Some(operation)) = (endpoint.body, operation.as_object_mut()) {
        let content = json!({ "application/json": { "schema": body.reference() } });
        operation.insert("requestBody".to_owned(), json!({ "required": true, "content": content }));
    }
    operation
}

/// What a schema is if fields may be left out.
fn partial(schema: Schema) -> Value {
    let mut json = schema.json();
    if let Some(members) = json.as_object_mut().filter(|members| members.contains_key("properties")) {
        members.remove("required");
    }
    json
}

fn parameter(parameter: &Parameter) -> Value {
    let schema = match parameter.value {
        ParameterValue::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        ParameterValue::Flag => json!({ "type": "boolean" }),
        ParameterValue::Text => json!({ "type": "string" }),
        ParameterValue::Required => json!({ "type": "string", "minLength": 1 }),
        ParameterValue::Form(pattern) => json!({ "type": "string", "pattern": pattern }),
        ParameterValue::Word(words) => json!({ "type": "string", "enum": words }),
    };
    let is_required = matches!(parameter.value, ParameterValue::Required);
    json!({
        "name": parameter.name,
        "in": "query",
        "description": parameter.summary,
        "required": is_required,
        "schema": schema,
    })
}
