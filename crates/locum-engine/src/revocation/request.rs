//! Parse: turns parameters into a [`RevocationRequest`].

use std::borrow::Cow;
use std::fmt;

use locum_abi::secret::Secret;

use crate::client_authentication::{BasicCredentials, ClientCredential, PresentedClient};
use crate::limits::SUBJECT_TOKEN_BYTES_MAX;
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::strict_json::Members;

/// The parameters of the endpoint. Others are ignored.
const KNOWN: [&str; 6] =
    ["client_id", "client_secret", "client_assertion", "client_assertion_type", "token", "api_type"];

/// A request to revoke a token (RFC 7009 section 2.1).
pub struct RevocationRequest {
    /// The `client_id` of the calling client.
    pub client_id: String,
    /// What the client authenticates by, if it presents anything.
    pub client_credential: Option<ClientCredential>,
    /// The token to revoke.
    pub token: Secret,
    /// The api_type of the add-on that issued it. If absent, the client's add-ons are tried in order.
    pub api_type: Option<String>,
}

impl RevocationRequest {
    /// Parses parameters, and what the header `Authorization` contained. An empty string or a JSON `null` counts as an
    /// absent parameter; unknown parameters are ignored.
    ///
    /// # Errors
    /// A parameter is missing, too long or of the wrong type; the refusal names it.
    pub fn parse(parameters: Members<'_>, basic: Option<BasicCredentials>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &KNOWN, &[])?;
        let PresentedClient { client_id, credential: client_credential } =
            PresentedClient::take(&mut parameters, basic)?;
        let token: Secret = parameters.required("token")?.into_owned().into();
        let api_type = parameters.take("api_type").map(Cow::into_owned);
        if token.expose().len() > SUBJECT_TOKEN_BYTES_MAX {
            return Err(Refusal::invalid_request("token is too long"));
        }
        Ok(Self { client_id, client_credential, token, api_type })
    }
}

impl fmt::Debug for RevocationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationRequest")
            .field("client_id", &self.client_id)
            .field("api_type", &self.api_type)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(parameters: Value) -> Result<RevocationRequest, Refusal> {
        RevocationRequest::parse(parameters.as_object().unwrap().into(), None)
    }

    fn refusal(parameters: Value) -> String {
        parse(parameters).unwrap_err().description().to_owned()
    }

    #[test]
    fn client_and_token_are_enough() {
        let request = parse(json!({"client_id": "storage", "token": "t"})).unwrap();
        assert_eq!((request.client_id.as_str(), request.token.expose()), ("storage", "t"));
        assert_eq!(request.api_type, None);
    }

    #[test]
    fn an_empty_string_is_an_absent_parameter() {
        let request = parse(json!({"client_id": "storage", "token": "t", "api_type": ""})).unwrap();
        assert_eq!(request.api_type, None);
        assert_eq!(refusal(json!({"client_id": "", "token": "t"})), "missing client_id parameter");
        assert_eq!(refusal(json!({"client_id": "storage", "token": ""})), "missing token parameter");
    }

    #[test]
    fn unknown_parameters_are_ignored() {
        let hint = json!({"client_id": "storage", "token": "t", "token_type_hint": ["access_token"]});
        assert!(parse(hint).is_ok());
    }

    #[test]
    fn a_parameter_must_be_a_string() {
        for name in ["client_id", "token", "api_type"] {
            let mut parameters = json!({"client_id": "storage", "token": "t", "api_type": "aws"});
            parameters[name] = json!(7);
            assert_eq!(refusal(parameters), format!("{name} parameter must be a string"));
        }
    }

    #[test]
    fn a_token_longer_than_the_limit_is_refused() {
        let with_token = |bytes: usize| json!({"client_id": "storage", "token": "x".repeat(bytes)});
        assert!(parse(with_token(SUBJECT_TOKEN_BYTES_MAX)).is_ok());
        assert_eq!(refusal(with_token(SUBJECT_TOKEN_BYTES_MAX + 1)), "token is too long");
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let request = parse(json!({"client_id": "storage", "token": "hunter2"})).unwrap();
        assert!(!format!("{request:?}").contains("hunter2"));
    }

    #[test]
    fn debug_names_the_client_and_not_the_token() {
        let request = parse(json!({"client_id": "caller", "token": "t0ken", "api_type": "aws"})).unwrap();
        let shown = format!("{request:?}");
        assert_eq!(shown, r#"RevocationRequest { client_id: "caller", api_type: Some("aws"), .. }"#);
    }
}
