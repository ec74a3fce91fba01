//! Parse: turns parameters into a [`DelegationRequest`], in which all are present and have the right types.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use locum_abi::secret::Secret;
use serde_json::{Map, Value};

use crate::client_authentication::ClientCredential;
use crate::observer::Endpoint;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::strict_json::Members;

/// The only grant type of the endpoint (RFC 7523 section 8.1).
pub const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Who sent the request, as the transport knows it.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The name in the `Host` header, without port, in lower case.
    pub host: String,
    /// The client's address; behind trusted proxies, the one that they state.
    pub ip: IpAddr,
    /// The `Auth0-Client` header, for the audit event. It is not parsed.
    pub auth0_client: Option<String>,
    /// The `User-Agent` header, for the audit event.
    pub user_agent: Option<String>,
}

/// A request for a credential, of either endpoint, in which all required parameters are present.
#[derive(Debug)]
#[non_exhaustive]
pub struct DelegationRequest {
    /// Where it was sent to.
    pub endpoint: Endpoint,
    /// The `client_id` of the calling client.
    pub client_id: String,
    /// What the client authenticates by, if it presents anything.
    pub client_credential: Option<ClientCredential>,
    /// The token that names the user.
    pub subject: PresentedToken,
    /// The token that names who acts for the user (RFC 8693 section 2.1, `actor_token`).
    pub actor: Option<PresentedToken>,
    /// The `client_id` of the target; the calling client if absent.
    pub target: Option<String>,
    /// A URI of the target (RFC 8693 section 2.1, `resource`).
    pub resource: Option<String>,
    /// The requested scopes, without duplicates. If the parameter is absent, it is `openid`, and with
    /// [`Wanted::Refreshed`] it is empty, for all scopes of the refresh token.
    pub scope: Vec<String>,
    /// What is requested.
    pub wanted: Wanted,
    /// The requested api_type; if absent, the target's first add-on is used.
    pub api_type: Option<String>,
    /// The parameter `device`, for the audit event.
    pub device: Option<String>,
    /// All other parameters, which the issuer receives.
    pub extras: Map<String, Value>,
}

/// What a request asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wanted {
    /// A credential of the target.
    Credential,
    /// A refresh token for the calling client itself.
    RefreshToken,
    /// An app token for the calling client itself and, if its refresh tokens rotate, the successor of the presented one (RFC
    /// 6749 section 6).
    Refreshed,
}

/// A token of a user, and the parameter that it was sent as, which refusals name.
pub struct PresentedToken {
    /// What the client says that it is.
    pub kind: PresentedKind,
    /// The name of the parameter.
    pub parameter: &'static str,
    /// The token.
    pub token: Secret,
}

/// What a client says that a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresentedKind {
    /// An id_token (OpenID Connect Core section 2).
    IdToken,
    /// An access token that is a JWT (RFC 9068).
    AccessToken,
    /// Either of the two.
    Jwt,
    /// A refresh token of Locum's own.
    RefreshToken,
}

impl PresentedToken {
    /// A token of this kind, presented as the parameter `id_token` or `refresh_token`.
    pub fn new(kind: PresentedKind, token: impl Into<Secret>) -> Self {
        let parameter = if kind == PresentedKind::RefreshToken { "refresh_token" } else { "id_token" };
        Self { kind, parameter, token: token.into() }
    }
}

// Shows the kind of token but not the token.
impl fmt::Debug for PresentedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}(…)", self.kind)
    }
}

/// The parameters of the endpoint. The issuer receives all others.
const KNOWN: [&str; 8] =
    ["client_id", "grant_type", "id_token", "refresh_token", "target", "scope", "api_type", "device"];

/// Old SDKs send it without need. It is dropped, so that it reaches neither an issuer nor a log.
const DROPPED: [&str; 1] = ["client_secret"];

impl DelegationRequest {
    /// A request of this client for itself at `/delegation`, with the scope `openid` and no other parameter.
    pub fn new(client_id: impl Into<String>, subject: PresentedToken) -> Self {
        Self {
            endpoint: Endpoint::Delegation,
            client_id: client_id.into(),
            client_credential: None,
            subject,
            actor: None,
            target: None,
            resource: None,
            scope: vec!["openid".to_owned()],
            wanted: Wanted::Credential,
            api_type: None,
            device: None,
            extras: Map::new(),
        }
    }

    /// Parses the parameters of `/delegation`. An empty string counts as an absent parameter, and so does a JSON `null`,
    /// which auth0-python sends.
    ///
    /// # Errors
    /// A parameter is missing, has the wrong type or excludes another; the refusal names it.
    pub fn parse(parameters: Members<'_>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &KNOWN, &DROPPED)?;
        let client_id = parameters.required("client_id")?;
        let grant_type = parameters.required("grant_type")?;
        if grant_type != JWT_BEARER {
            return Err(Refusal::unsupported_grant_type(JWT_BEARER));
        }
        let subject = match (parameters.take("id_token"), parameters.take("refresh_token")) {
            (Some(_), Some(_)) => {
                return Err(Refusal::invalid_request("send either id_token or refresh_token, not both"));
            }
            (Some(token), None) => PresentedToken::new(PresentedKind::IdToken, token.into_owned()),
            (None, Some(token)) => PresentedToken::new(PresentedKind::RefreshToken, token.into_owned()),
            (None, None) => return Err(Refusal::missing_parameter("id_token")),
        };
        let mut request = Self::new(client_id, subject);
        if let Some(scope) = parameters.take("scope") {
            request.scope = scope_words(&scope);
        }
        request.target = parameters.take("target").map(Cow::into_owned);
        request.api_type = parameters.take("api_type").map(Cow::into_owned);
        request.device = parameters.take("device").map(Cow::into_owned);
        request.extras = parameters.extras;
        Ok(request)
    }
}

/// The words of a scope, each once.
pub(crate) fn scope_words(scope: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in scope.split_whitespace() {
        if !words.iter().any(|known| known == word) {
            words.push(word.to_owned());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(parameters: Value) -> Result<DelegationRequest, Refusal> {
        DelegationRequest::parse(parameters.as_object().unwrap().into())
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
    fn debug_shows_the_kind_of_a_token_and_not_the_token() {
        let request = format!("{:?}", parse(good()).unwrap());
        assert!(request.contains("IdToken(…)") && !request.contains("a.b.c"), "{request}");
        assert_eq!(format!("{:?}", PresentedToken::new(PresentedKind::RefreshToken, "r")), "RefreshToken(…)");
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
    fn a_parameter_of_the_endpoint_must_be_a_string() {
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
