//! Parse: named parameters in, a [`DelegationRequest`] out whose parameters are all present and of the right types.

use std::fmt;
use std::net::IpAddr;

use locum_abi::secret::Secret;
use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The only grant type of the endpoint.
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The other end of the connection.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name in the `Host` header, without port, lower case.
    pub host: String,
    /// The client's address, behind trusted proxies if there are any.
    pub ip: IpAddr,
    /// The `Auth0-Client` header, for the audit; never parsed.
    pub auth0_client: Option<String>,
    /// The `User-Agent` header, for the audit.
    pub user_agent: Option<String>,
}

/// A request with all the parameters that it needs, in the right types.
#[derive(Debug)]
pub struct DelegationRequest {
    /// The calling client.
    pub client_id: String,
    /// The token that names the user.
    pub subject: SubjectToken,
    /// The target; the calling client if absent.
    pub target: Option<String>,
    /// The scopes that were requested.
    pub scope: Vec<String>,
    /// The api_type that was requested.
    pub api_type: Option<String>,
    /// A text for the audit.
    pub device: Option<String>,
    /// The parameters that only the issuer knows.
    pub extras: Map<String, Value>,
}

/// The token that names the user.
pub enum SubjectToken {
    /// An unexpired id_token of the calling client.
    IdToken(Secret),
    /// A refresh token of the calling client.
    RefreshToken(Secret),
}

// The kind of token may be shown, the token may not.
impl fmt::Debug for SubjectToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::IdToken(_) => "IdToken(…)",
            Self::RefreshToken(_) => "RefreshToken(…)",
        })
    }
}

/// The parameters of the endpoint; all others are for the issuer.
const KNOWN: [&str; 8] =
    ["client_id", "grant_type", "id_token", "refresh_token", "target", "scope", "api_type", "device"];

/// Sent by old SDKs without need: dropped, so that it reaches neither issuer nor log.
const DROPPED: [&str; 1] = ["client_secret"];

impl DelegationRequest {
    /// Parses parameters. An empty text is an absent parameter, and so is a JSON `null`, which auth0-python sends.
    ///
    /// # Errors
    /// The refusal that says which parameter is missing, double or of the wrong type.
    pub fn parse(parameters: Map<String, Value>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters)?;
        let client_id = parameters.required("client_id")?;
        let grant_type = parameters.required("grant_type")?;
        if grant_type != JWT_BEARER {
            return Err(Refusal::unsupported_grant_type(JWT_BEARER));
        }
        let subject = match (parameters.take("id_token"), parameters.take("refresh_token")) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid_request("send either id_token or refresh_token, not both"));
            }
            (Some(token), None) => SubjectToken::IdToken(token.into()),
            (None, Some(token)) => SubjectToken::RefreshToken(token.into()),
            (None, None) => return Err(Refusal::missing_parameter("id_token")),
        };
        Ok(Self {
            client_id,
            subject,
            target: parameters.take("target"),
            scope: scope_words(&parameters.take("scope").unwrap_or_else(|| "openid".to_owned())),
            api_type: parameters.take("api_type"),
            device: parameters.take("device"),
            extras: parameters.extras,
        })
    }
}

fn scope_words(scope: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in scope.split_whitespace() {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

struct Parameters {
    known: Map<String, Value>,
    extras: Map<String, Value>,
}

impl Parameters {
    fn sort(parameters: Map<String, Value>) -> Result<Self, Refusal> {
        let mut sorted = Self { known: Map::new(), extras: Map::new() };
        for (name, value) in parameters {
            if DROPPED.contains(&name.as_str()) || value.is_null() || value.as_str() == Some("") {
                continue;
            }
            if !KNOWN.contains(&name.as_str()) {
                sorted.extras.insert(name, value);
            } else if value.is_string() {
                sorted.known.insert(name, value);
            } else {
                return Err(Refusal::invalid_request(format!("{name} parameter must be a string")));
            }
        }
        Ok(sorted)
    }

    fn take(&mut self, name: &str) -> Option<String> {
        match self.known.remove(name) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    fn required(&mut self, name: &str) -> Result<String, Refusal> {
        self.take(name).ok_or_else(|| Refusal::missing_parameter(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(parameters: Value) -> Result<DelegationRequest, Refusal> {
        DelegationRequest::parse(parameters.as_object().unwrap().clone())
    }

    fn good() -> Value {
        json!({"client_id": "caller", "grant_type": JWT_BEARER, "id_token": "a.b.c"})
    }

    fn with(name: &str, value: impl Into<Value>) -> Value {
        let mut parameters = good();
        parameters[name] = value.into();
        parameters
    }

    #[test]
    fn three_parameters_are_enough() {
        let request = parse(good()).unwrap();
        assert_eq!(request.scope, ["openid"]);
        assert_eq!((request.target, request.api_type), (None, None));
    }

    #[test]
    fn an_empty_text_is_an_absent_parameter() {
        assert_eq!(parse(with("api_type", "")).unwrap().api_type, None);
        let refusal = parse(with("client_id", "")).unwrap_err();
        assert_eq!(refusal.description(), "missing client_id parameter");
    }

    #[test]
    fn both_tokens_are_refused() {
        assert_eq!(parse(with("refresh_token", "r")).unwrap_err().status(), 400);
    }

    #[test]
    fn a_parameter_of_the_endpoint_must_be_a_text() {
        let refusal = parse(with("scope", 7)).unwrap_err();
        assert_eq!(refusal.description(), "scope parameter must be a string");
    }

    #[test]
    fn a_parameter_for_the_issuer_may_have_any_type() {
        let request = parse(with("containerName", json!({"a": [1]}))).unwrap();
        assert_eq!(request.extras["containerName"], json!({"a": [1]}));
    }

    #[test]
    fn a_client_secret_is_dropped() {
        assert!(parse(with("client_secret", "s")).unwrap().extras.is_empty());
    }

    #[test]
    fn another_grant_type_is_refused_with_unsupported_grant_type() {
        assert_eq!(parse(with("grant_type", "password")).unwrap_err().code(), "unsupported_grant_type");
    }
}
