//! Builds the request of a step.

use std::net::IpAddr;

use locum_engine::JWT_BEARER;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::exchange::message::Request;
use crate::fixtures::fixture::{Encoding, FixtureRequest};
use crate::fixtures::merge_patch::merge_patch;
use crate::fixtures::variables::Variables;

/// The path of the delegation endpoint.
pub(crate) const DELEGATION: &str = "/delegation";

/// The path of the revocation endpoint.
pub(crate) const REVOCATION: &str = "/oauth/revoke";

/// The client IP address, unless a fixture states another.
const CLIENT_IP: &str = "192.0.2.10";

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// Builds the request of a step. `defaults` are the parameters of the plugin spec; the variables hold `${id_token}`. At
/// `/oauth/revoke`, clients authenticate by the secret that `secret_of` knows of them, so that no fixture has to.
///
/// # Errors
/// An unknown variable, or a malformed IP address.
pub(crate) fn build_request(
    request: &FixtureRequest,
    host: &str,
    defaults: &Map<String, Value>,
    variables: &Variables,
    secret_of: impl Fn(&str) -> Option<String>,
) -> Result<Request, String> {
    let resolve = |text: &str| variables.text(text).map_err(|error| error.to_string());
    let path = resolve(request.path.as_deref().unwrap_or(DELEGATION))?;
    let mut parameters = parameters(request, &path, defaults, variables)?;
    if path == REVOCATION
        && !parameters.contains_key("client_secret")
        && let Some(secret) = parameters.get("client_id").and_then(Value::as_str).and_then(secret_of)
    {
        parameters.insert("client_secret".to_owned(), secret.into());
    }
    let (target, content_type, body) = match (&request.body, request.encoding) {
        (Some(body), Encoding::Form) => (path, Some(FORM), resolve(body)?),
        (Some(body), _) => (path, Some(JSON), resolve(body)?),
        (None, Encoding::Json) => (path, Some(JSON), Value::Object(parameters).to_string()),
        (None, Encoding::Form) => (path, Some(FORM), form_encoded(&parameters)),
        (None, Encoding::Query) => (format!("{path}?{}", form_encoded(&parameters)), None, String::new()),
        (None, Encoding::Nothing) => (path, None, String::new()),
    };
    let mut headers: Vec<(String, String)> = Vec::new();
    if let Some(content_type) = content_type {
        headers.push(("content-type".to_owned(), content_type.to_owned()));
    }
    for (name, value) in &request.headers {
        let name = name.to_ascii_lowercase();
        headers.retain(|(own, _)| *own != name);
        headers.push((name, resolve(value)?));
    }
    let ip = request.ip.as_deref().unwrap_or(CLIENT_IP);
    let ip: IpAddr = ip.parse().map_err(|_| format!("`{ip}` is not an IP address"))?;
    let host = resolve(request.host.as_deref().unwrap_or(host))?;
    Ok(Request { method: request.method.name(), target, host, ip, headers, body })
}

fn parameters(
    request: &FixtureRequest,
    path: &str,
    defaults: &Map<String, Value>,
    variables: &Variables,
) -> Result<Map<String, Value>, String> {
    let mut parameters = Map::new();
    if path == DELEGATION {
        for (name, value) in [
            ("client_id", "${caller}"),
            ("grant_type", JWT_BEARER),
            ("id_token", "${id_token}"),
            ("target", "${target}"),
            ("api_type", "${api_type}"),
        ] {
            parameters.insert(name.to_owned(), value.into());
        }
        parameters.extend(defaults.clone());
    }
    merge_patch(&mut parameters, &request.parameters);
    if let Some(bytes) = request.padding_bytes {
        parameters.insert("padding".to_owned(), "x".repeat(bytes).into());
    }
    variables.object(&parameters).map_err(|error| error.to_string())
}

fn form_encoded(parameters: &Map<String, Value>) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs: Vec<String> = parameters
        .iter()
        .map(|(name, value)| match value {
            Value::String(text) => format!("{}={}", encoded(name), encoded(text)),
            other => format!("{}={}", encoded(name), encoded(&other.to_string())),
        })
        .collect();
    pairs.join("&")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::fixtures::variables::TimeWindow;
    use crate::fixtures::yaml::parse;

    fn request(text: &str) -> Result<Request, String> {
        let mut variables = Variables::new(TimeWindow { earliest: 1_000, latest: 1_000 });
        variables.set("api_type", "mine");
        variables.set("id_token", "a.b.c");
        variables.set("caller", "caller");
        variables.set("target", "target");
        let request = parse("request.yaml", text).map_err(|error| error.to_string())?;
        let defaults = Map::from_iter([("place".to_owned(), "here".into())]);
        build_request(&request, "acme.example.com", &defaults, &variables, |id| {
            Some(format!("secret of {id}"))
        })
    }

    fn parameters_of(text: &str) -> Value {
        serde_json::from_str(&request(text).unwrap().body).unwrap()
    }

    #[test]
    fn an_empty_fixture_request_is_a_valid_delegation() {
        let request = request("{}").unwrap();
        assert_eq!(
            (request.method, request.target.as_str(), request.host.as_str()),
            ("POST", "/delegation", "acme.example.com")
        );
        assert_eq!(request.headers, [("content-type".to_owned(), "application/json".to_owned())]);
        assert_eq!(
            parameters_of("{}"),
            json!({
                "client_id": "caller", "grant_type": JWT_BEARER, "id_token": "a.b.c", "target": "target",
                "api_type": "mine", "place": "here",
            })
        );
    }

    #[test]
    fn null_removes_a_parameter_and_a_value_replaces_it() {
        let changed =
            parameters_of("parameters: { place: null, api_type: \"${api_type}-2\", n: \"${now+1}\" }");
        assert_eq!(changed.get("place"), None);
        assert_eq!((&changed["api_type"], &changed["n"]), (&json!("mine-2"), &json!(1_001)));
    }

    #[test]
    fn requests_for_other_paths_have_no_default_parameters() {
        assert_eq!(
            parameters_of("{ path: /oauth/revoke, parameters: { token: t } }"),
            json!({ "token": "t" })
        );
    }

    #[test]
    fn a_client_that_revokes_authenticates_unless_the_case_says_how() {
        let revocation =
            |parameters: &str| parameters_of(&format!("{{ path: /oauth/revoke, parameters: {parameters} }}"));
        let expected = json!({ "client_id": "target", "client_secret": "secret of target" });
        assert_eq!(revocation("{ client_id: target }"), expected);
        let stated = json!({ "client_id": "target", "client_secret": "another" });
        assert_eq!(revocation("{ client_id: target, client_secret: another }"), stated);
    }

    #[test]
    fn parameters_are_encoded_as_a_form_or_as_a_query() {
        let form = request("{ path: /x, encoding: form, parameters: { a: \"1 &2\", b: 3 } }").unwrap();
        assert_eq!(form.body, "a=1%20%262&b=3");
        assert_eq!(form.headers[0].1, "application/x-www-form-urlencoded");
        let query = request("{ path: /x, method: GET, encoding: query, parameters: { a: b } }").unwrap();
        assert_eq!((query.target.as_str(), query.body.as_str()), ("/x?a=b", ""));
    }

    #[test]
    fn a_stated_body_is_sent_with_its_variables_resolved() {
        let request =
            request("{ body: '{\"id_token\":\"${id_token}\"}', headers: { Content-Type: text/plain } }")
                .unwrap();
        assert_eq!(request.body, r#"{"id_token":"a.b.c"}"#);
        assert_eq!(request.headers, [("content-type".to_owned(), "text/plain".to_owned())]);
    }

    #[test]
    fn a_malformed_address_or_unknown_variable_is_an_error() {
        assert_eq!(request("ip: nowhere").unwrap_err(), "`nowhere` is not an IP address");
        assert!(request("parameters: { a: \"${b}\" }").unwrap_err().contains("`${b}` is not a variable"));
    }
}
