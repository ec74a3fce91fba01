//! Parse: turns the parameters of a token exchange into a [`DelegationRequest`] (RFC 8693 section 2.1, RFC 7523 section 2.1).

use std::borrow::Cow;

use crate::client_authentication::{BasicCredentials, ClientCredential, PresentedClient};
use crate::delegation::authorize::APP;
use crate::delegation::request::{
    DelegationRequest, JWT_BEARER, PresentedKind, PresentedToken, Wanted, scope_words,
};
use crate::observer::Endpoint;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::strict_json::Members;

/// The grant type of a token exchange (RFC 8693 section 2.1).
pub const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";

/// The grant type of a refresh token (RFC 6749 section 6).
pub const REFRESH_TOKEN: &str = "refresh_token";

/// The grant type of a client that acts for itself (RFC 6749 section 4.4): it gets tokens of the Management API alone.
pub const CLIENT_CREDENTIALS: &str = "client_credentials";

/// What the types of tokens begin with that RFC 8693 section 3 names.
const TOKEN_TYPE: &str = "urn:ietf:params:oauth:token-type:";

/// What the types of tokens begin with that add-ons issue. The api_type follows.
const ADD_ON_TOKEN_TYPE: &str = "urn:locum:token-type:";

/// The parameters of `/oauth/token`. The issuer receives all others.
pub(crate) const TOKEN_PARAMETERS: [&str; 19] = [
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "grant_type",
    "subject_token",
    "subject_token_type",
    "actor_token",
    "actor_token_type",
    "assertion",
    "audience",
    "resource",
    "scope",
    "requested_token_type",
    "device",
    // Of `/delegation`; refused, since they would have no effect.
    "id_token",
    "refresh_token",
    "target",
    "api_type",
];

/// What takes the place of a parameter of `/delegation`.
const INSTEAD: [(&str, &str); 4] = [
    ("id_token", "subject_token"),
    ("refresh_token", "subject_token"),
    ("target", "audience"),
    ("api_type", "requested_token_type"),
];

/// A request for a credential by a token of a user, in which all required parameters are present.
#[derive(Debug)]
pub(crate) struct ExchangeRequest {
    pub(crate) request: DelegationRequest,
    /// As it was sent.
    requested_token_type: Option<String>,
}

impl ExchangeRequest {
    /// Parses parameters, and what the header `Authorization` contained. An empty string and a JSON `null` count as an absent
    /// parameter.
    ///
    /// # Errors
    /// A parameter is missing, has the wrong type or excludes another; the refusal names it.
    pub(crate) fn parse(parameters: Members<'_>, basic: Option<BasicCredentials>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &TOKEN_PARAMETERS, &[])?;
        let PresentedClient { client_id, credential } = PresentedClient::take(&mut parameters, basic)?;
        let grant_type = parameters.required("grant_type")?;
        if grant_type == REFRESH_TOKEN {
            return Self::refreshing(client_id, credential, parameters);
        }
        for (name, instead) in INSTEAD {
            if parameters.take(name).is_some() {
                return Err(Refusal::invalid_request(format!("send {instead} instead of {name} here")));
            }
        }
        let subject = match &*grant_type {
            TOKEN_EXCHANGE => token(&mut parameters, "subject_token", "subject_token_type")?
                .ok_or_else(|| Refusal::missing_parameter("subject_token"))?,
            JWT_BEARER => {
                let assertion = parameters.required("assertion")?.into_owned();
                PresentedToken { kind: PresentedKind::Jwt, parameter: "assertion", token: assertion.into() }
            }
            _ => {
                let supported =
                    format!("{TOKEN_EXCHANGE}, {JWT_BEARER}, {REFRESH_TOKEN} or {CLIENT_CREDENTIALS}");
                return Err(Refusal::unsupported_grant_type(&supported));
            }
        };
        let mut request = DelegationRequest::new(client_id, subject);
        request.endpoint = Endpoint::Token;
        request.client_credential = credential;
        request.actor = token(&mut parameters, "actor_token", "actor_token_type")?;
        if let Some(actor) = &request.actor {
            if grant_type == JWT_BEARER {
                return Err(Refusal::invalid_request(format!(
                    "actor_token needs the grant_type {TOKEN_EXCHANGE}"
                )));
            }
            if actor.kind == PresentedKind::RefreshToken {
                return Err(Refusal::invalid_request("a refresh token names no actor"));
            }
        }
        if let Some(scope) = parameters.take("scope") {
            request.scope = scope_words(&scope);
        }
        request.target = parameters.take("audience").map(Cow::into_owned);
        request.resource = parameters.take("resource").map(Cow::into_owned);
        request.device = parameters.take("device").map(Cow::into_owned);
        let requested_token_type = parameters.take("requested_token_type").map(Cow::into_owned);
        match requested_token_type.as_deref().map(requested).transpose()? {
            None => {}
            Some(Requested::ApiType(api_type)) => request.api_type = Some(api_type),
            Some(Requested::RefreshToken) => request.wanted = Wanted::RefreshToken,
        }
        request.extras = parameters.extras;
        Ok(Self { request, requested_token_type })
    }

    /// A request by a refresh token (RFC 6749 section 6): it asks for no other target and no other kind of token.
    fn refreshing<const N: usize>(
        client_id: String,
        credential: Option<ClientCredential>,
        mut parameters: Parameters<'_, N>,
    ) -> Result<Self, Refusal> {
        let token = parameters.required("refresh_token")?.into_owned();
        let subject = PresentedToken::new(PresentedKind::RefreshToken, token);
        let scope = parameters.take("scope");
        let device = parameters.take("device");
        if let Some(name) = parameters.left() {
            let description = format!("{name} has no effect with this grant_type; use {TOKEN_EXCHANGE}");
            return Err(Refusal::invalid_request(description));
        }
        let mut request = DelegationRequest::new(client_id, subject);
        request.endpoint = Endpoint::Token;
        request.client_credential = credential;
        request.wanted = Wanted::Refreshed;
        request.api_type = Some(APP.to_owned());
        request.scope = scope.as_deref().map(scope_words).unwrap_or_default();
        request.device = device.map(Cow::into_owned);
        request.extras = parameters.extras;
        Ok(Self { request, requested_token_type: None })
    }

    /// The `client_id` of the calling client.
    pub(crate) fn client_id(&self) -> &str {
        &self.request.client_id
    }

    /// What is decided about, and the type that was asked for.
    pub(crate) fn into_parts(self) -> (DelegationRequest, Option<String>) {
        (self.request, self.requested_token_type)
    }
}

/// The member `issued_token_type` of the answer (RFC 8693 section 2.2.1): what was asked for, if anything was.
pub(crate) fn issued_token_type(requested: Option<String>, api_type: &str) -> String {
    requested.unwrap_or_else(|| match api_type {
        APP => format!("{TOKEN_TYPE}jwt"),
        add_on => format!("{ADD_ON_TOKEN_TYPE}{add_on}"),
    })
}

/// A token and its type. Each needs the other (RFC 8693 section 2.1).
fn token<const N: usize>(
    parameters: &mut Parameters<'_, N>,
    name: &'static str,
    type_name: &'static str,
) -> Result<Option<PresentedToken>, Refusal> {
    let (token, token_type) = match (parameters.take(name), parameters.take(type_name)) {
        (None, None) => return Ok(None),
        (Some(_), None) => return Err(Refusal::missing_parameter(type_name)),
        (None, Some(_)) => return Err(Refusal::missing_parameter(name)),
        (Some(token), Some(token_type)) => (token, token_type),
    };
    let kind = match token_type.strip_prefix(TOKEN_TYPE) {
        Some("id_token") => PresentedKind::IdToken,
        Some("access_token") => PresentedKind::AccessToken,
        Some("jwt") => PresentedKind::Jwt,
        Some("refresh_token") => PresentedKind::RefreshToken,
        _ => {
            return Err(Refusal::invalid_request(format!(
                "{type_name} must be {TOKEN_TYPE} followed by id_token, access_token, jwt or refresh_token"
            )));
        }
    };
    Ok(Some(PresentedToken { kind, parameter: name, token: token.into_owned().into() }))
}

/// What a client asks for by a type of token.
enum Requested {
    ApiType(String),
    RefreshToken,
}

/// What issues tokens of this type.
fn requested(token_type: &str) -> Result<Requested, Refusal> {
    if let Some(api_type) = token_type.strip_prefix(ADD_ON_TOKEN_TYPE).filter(|api_type| !api_type.is_empty())
    {
        return Ok(Requested::ApiType(api_type.to_owned()));
    }
    match token_type.strip_prefix(TOKEN_TYPE) {
        Some("jwt" | "id_token" | "access_token") => Ok(Requested::ApiType(APP.to_owned())),
        Some("refresh_token") => Ok(Requested::RefreshToken),
        _ => Err(Refusal::invalid_request(format!(
            "requested_token_type must be {TOKEN_TYPE} followed by jwt, id_token, access_token or refresh_token, or \
             {ADD_ON_TOKEN_TYPE} followed by an api_type"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse_with(parameters: &Value, basic: Option<BasicCredentials>) -> Result<ExchangeRequest, String> {
        ExchangeRequest::parse(parameters.as_object().unwrap().into(), basic)
            .map_err(|refusal| format!("{} {}", refusal.code(), refusal.description()))
    }

    fn exchange(changes: Value) -> Value {
        let mut parameters = json!({
            "client_id": "caller", "grant_type": TOKEN_EXCHANGE, "subject_token": "a.b.c",
            "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        });
        parameters.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        parameters
    }

    fn parse(changes: Value) -> Result<ExchangeRequest, String> {
        parse_with(&exchange(changes), None)
    }

    fn basic(client_id: &str) -> Option<BasicCredentials> {
        Some(BasicCredentials { client_id: client_id.to_owned(), client_secret: "s3cret".into() })
    }

    #[test]
    fn four_parameters_are_enough() {
        let ExchangeRequest { request, requested_token_type } = parse(json!({})).unwrap();
        assert_eq!((request.client_id.as_str(), request.endpoint), ("caller", Endpoint::Token));
        assert_eq!(
            (request.subject.kind, request.subject.parameter),
            (PresentedKind::IdToken, "subject_token")
        );
        assert_eq!(request.scope, ["openid"]);
        assert!(request.target.is_none() && request.api_type.is_none() && request.actor.is_none());
        assert!(requested_token_type.is_none() && request.client_credential.is_none());
    }

    #[test]
    fn each_type_of_token_is_read_and_another_is_refused() {
        for (name, kind) in [
            ("id_token", PresentedKind::IdToken),
            ("access_token", PresentedKind::AccessToken),
            ("jwt", PresentedKind::Jwt),
            ("refresh_token", PresentedKind::RefreshToken),
        ] {
            let token_type = format!("{TOKEN_TYPE}{name}");
            assert_eq!(parse(json!({"subject_token_type": token_type})).unwrap().request.subject.kind, kind);
        }
        for token_type in
            ["id_token", "urn:ietf:params:oauth:token-type:saml2", "urn:ietf:params:oauth:token-type:"]
        {
            let refusal = parse(json!({"subject_token_type": token_type})).unwrap_err();
            assert!(refusal.starts_with("invalid_request subject_token_type must be"), "{refusal}");
        }
    }

    #[test]
    fn a_token_needs_its_type_and_a_type_its_token() {
        for (changes, missing) in [
            (json!({"subject_token": ""}), "subject_token"),
            (json!({"subject_token_type": null}), "subject_token_type"),
            (json!({"actor_token": "a.b.c"}), "actor_token_type"),
            (json!({"actor_token_type": "urn:ietf:params:oauth:token-type:jwt"}), "actor_token"),
            (json!({"grant_type": JWT_BEARER}), "assertion"),
            (json!({"grant_type": ""}), "grant_type"),
            (json!({"client_id": ""}), "client_id"),
        ] {
            assert_eq!(parse(changes).unwrap_err(), format!("invalid_request missing {missing} parameter"));
        }
        let neither = json!({"subject_token": null, "subject_token_type": null});
        assert_eq!(parse(neither).unwrap_err(), "invalid_request missing subject_token parameter");
    }

    #[test]
    fn the_requested_type_chooses_the_api_type_and_is_answered_as_it_was_sent() {
        for (requested, api_type) in [
            ("urn:ietf:params:oauth:token-type:jwt", "app"),
            ("urn:ietf:params:oauth:token-type:id_token", "app"),
            ("urn:ietf:params:oauth:token-type:access_token", "app"),
            ("urn:locum:token-type:azure_blob", "azure_blob"),
        ] {
            let (request, requested_type) =
                parse(json!({"requested_token_type": requested})).unwrap().into_parts();
            assert_eq!(request.api_type.as_deref(), Some(api_type));
            assert_eq!(issued_token_type(requested_type, api_type), requested);
        }
        for requested in ["jwt", "urn:locum:token-type:", "urn:ietf:params:oauth:token-type:saml2"] {
            assert!(parse(json!({"requested_token_type": requested})).is_err(), "{requested}");
        }
        assert_eq!(issued_token_type(None, "app"), "urn:ietf:params:oauth:token-type:jwt");
        assert_eq!(issued_token_type(None, "aws"), "urn:locum:token-type:aws");
    }

    #[test]
    fn a_client_authenticates_in_one_way() {
        let secret = |request: ExchangeRequest| match request.request.client_credential? {
            ClientCredential::Secret(secret) => Some(secret.expose().to_owned()),
            ClientCredential::Assertion(_) => None,
        };
        assert_eq!(secret(parse(json!({"client_secret": "s3cret"})).unwrap()).as_deref(), Some("s3cret"));
        for client_id in [json!("caller"), json!("")] {
            let request = parse_with(&exchange(json!({"client_id": client_id})), basic("caller")).unwrap();
            assert_eq!(request.client_id(), "caller");
            assert_eq!(secret(request).as_deref(), Some("s3cret"));
        }
        for (changes, refusal) in [
            (json!({"client_secret": "s3cret"}), "invalid_request authenticate in one way"),
            (json!({"client_id": "api"}), "invalid_request client_id is not the client of"),
        ] {
            let refused = parse_with(&exchange(changes), basic("caller")).unwrap_err();
            assert!(refused.starts_with(refusal), "{refused}");
        }
    }

    #[test]
    fn an_assertion_is_exchanged_without_an_actor() {
        let assertion = |changes: Value| {
            let mut parameters =
                json!({"client_id": "caller", "grant_type": JWT_BEARER, "assertion": "a.b.c"});
            parameters.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            parse_with(&parameters, None)
        };
        let request = assertion(json!({"scope": "openid email"})).unwrap().request;
        assert_eq!((request.subject.kind, request.subject.parameter), (PresentedKind::Jwt, "assertion"));
        assert_eq!(request.scope, ["openid", "email"]);
        let actor =
            json!({"actor_token": "a.b.c", "actor_token_type": "urn:ietf:params:oauth:token-type:jwt"});
        assert!(
            assertion(actor).unwrap_err().starts_with("invalid_request actor_token needs the grant_type")
        );
    }

    #[test]
    fn another_grant_type_and_the_parameters_of_delegation_are_refused() {
        let refusal = parse(json!({"grant_type": "password"})).unwrap_err();
        assert!(refusal.starts_with("unsupported_grant_type grant_type must be"), "{refusal}");
        for (name, instead) in INSTEAD {
            assert_eq!(
                parse(json!({name: "x"})).unwrap_err(),
                format!("invalid_request send {instead} instead of {name} here")
            );
        }
        let actor =
            json!({"actor_token": "r", "actor_token_type": "urn:ietf:params:oauth:token-type:refresh_token"});
        assert_eq!(parse(actor).unwrap_err(), "invalid_request a refresh token names no actor");
    }

    #[test]
    fn other_parameters_are_for_the_issuer() {
        let request = parse(json!({"containerName": "photos"})).unwrap().request;
        assert_eq!(Value::Object(request.extras), json!({"containerName": "photos"}));
    }

    #[test]
    fn debug_shows_neither_tokens_nor_secrets() {
        let shown = format!("{:?} {:?}", parse(json!({"client_secret": "s3cret"})).unwrap(), basic("caller"));
        assert!(!shown.contains("a.b.c") && !shown.contains("s3cret"), "{shown}");
    }
}
