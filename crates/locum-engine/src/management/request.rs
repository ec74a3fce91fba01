//! Parse: turns the parameters of the grant `client_credentials` into a [`ClientCredentialsRequest`] (RFC 6749 section 4.4.2).

use crate::client_authentication::{BasicCredentials, ClientCredential, PresentedClient};
use crate::delegation::{TOKEN_PARAMETERS, scope_words};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::strict_json::Members;

/// A request for a management token.
#[derive(Debug)]
pub(crate) struct ClientCredentialsRequest {
    pub(crate) client_id: String,
    pub(crate) client_credential: Option<ClientCredential>,
    /// What the token is to be for.
    pub(crate) audience: String,
    /// The words of the requested scope; `None` for all that the client may have.
    pub(crate) scope: Option<Vec<String>>,
}

impl ClientCredentialsRequest {
    /// Parameters of other endpoints than `/oauth/token` are ignored (RFC 6749 section 3.2).
    ///
    /// # Errors
    /// A parameter is missing, has the wrong type or belongs to another grant.
    pub(crate) fn parse(parameters: Members<'_>, basic: Option<BasicCredentials>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &TOKEN_PARAMETERS, &[])?;
        let PresentedClient { client_id, credential } = PresentedClient::take(&mut parameters, basic)?;
        parameters.required("grant_type")?;
        let audience = parameters.required("audience")?.into_owned();
        let scope = parameters.take("scope").map(|scope| scope_words(&scope));
        match parameters.left() {
            None => Ok(Self { client_id, client_credential: credential, audience, scope }),
            Some(name) => {
                let description = format!("{name} has no effect with this grant_type; leave it out");
                Err(Refusal::invalid_request(description))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(changes: Value) -> Result<ClientCredentialsRequest, String> {
        let mut parameters = json!({
            "grant_type": "client_credentials", "client_id": "worker", "client_secret": "s3cret",
            "audience": "https://acme.example.com/api/v2/",
        });
        parameters.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        ClientCredentialsRequest::parse(parameters.as_object().unwrap().into(), None)
            .map_err(|refusal| format!("{} {}", refusal.code(), refusal.description()))
    }

    #[test]
    fn the_audience_is_required_and_the_scope_is_not() {
        let request = parse(json!({})).unwrap();
        assert_eq!((request.client_id.as_str(), request.scope.as_ref()), ("worker", None));
        assert_eq!(request.audience, "https://acme.example.com/api/v2/");
        let scoped = parse(json!({"scope": "read:users  read:clients read:users"})).unwrap();
        assert_eq!(scoped.scope.unwrap(), ["read:users", "read:clients"]);
        for absent in [json!(""), json!(null)] {
            assert_eq!(
                parse(json!({"audience": absent})).unwrap_err(),
                "invalid_request missing audience parameter"
            );
            assert_eq!(parse(json!({"scope": absent})).unwrap().scope, None);
        }
    }

    #[test]
    fn what_belongs_to_another_grant_is_refused_and_what_is_unknown_is_ignored() {
        for name in ["subject_token", "assertion", "resource", "refresh_token", "requested_token_type"] {
            assert_eq!(
                parse(json!({name: "x"})).unwrap_err(),
                format!("invalid_request {name} has no effect with this grant_type; leave it out")
            );
        }
        assert!(parse(json!({"organization": "x"})).is_ok());
    }

    #[test]
    fn debug_does_not_show_the_secret() {
        assert!(!format!("{:?}", parse(json!({})).unwrap()).contains("s3cret"));
    }
}
