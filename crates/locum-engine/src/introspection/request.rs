//! Parse: turns parameters into an [`IntrospectionRequest`].

use std::fmt;

use locum_abi::secret::Secret;

use crate::client_authentication::{BasicCredentials, ClientCredential, PresentedClient};
use crate::parameters::Parameters;
use crate::refusal::Refusal;
use crate::strict_json::Members;

/// The parameters of the endpoint. Others are ignored.
const KNOWN: [&str; 5] = ["client_id", "client_secret", "client_assertion", "client_assertion_type", "token"];

/// A request for what a token says (RFC 7662 section 2.1).
pub struct IntrospectionRequest {
    /// The `client_id` of the calling client.
    pub client_id: String,
    /// What the client authenticates by.
    pub client_credential: Option<ClientCredential>,
    /// The token.
    pub token: Secret,
}

impl IntrospectionRequest {
    /// Parses parameters, and what the header `Authorization` contained. An empty string or a JSON `null` counts as an
    /// absent parameter; unknown parameters are ignored.
    ///
    /// # Errors
    /// A parameter is missing or of the wrong type; the refusal names it.
    pub fn parse(parameters: Members<'_>, basic: Option<BasicCredentials>) -> Result<Self, Refusal> {
        let mut parameters = Parameters::sort(parameters, &KNOWN, &[])?;
        let PresentedClient { client_id, credential: client_credential } =
            PresentedClient::take(&mut parameters, basic)?;
        let token = parameters.required("token")?.into_owned().into();
        Ok(Self { client_id, client_credential, token })
    }
}

impl fmt::Debug for IntrospectionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionRequest").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn client_and_token_are_required_and_debug_shows_neither_token_nor_secret() {
        let parse = |parameters: serde_json::Value| {
            IntrospectionRequest::parse(parameters.as_object().unwrap().into(), None)
                .map_err(|refusal| refusal.description().to_owned())
        };
        let request = parse(
            json!({"client_id": "api", "client_secret": "s3cret", "token": "t0ken", "token_type_hint": 7}),
        );
        let shown = format!("{:?}", request.unwrap());
        assert_eq!(shown, r#"IntrospectionRequest { client_id: "api", .. }"#);
        assert_eq!(parse(json!({"client_id": "api"})).unwrap_err(), "missing token parameter");
        assert_eq!(parse(json!({"token": "t"})).unwrap_err(), "missing client_id parameter");
    }
}
