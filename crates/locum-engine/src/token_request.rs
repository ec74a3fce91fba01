//! Parse: a request to `/oauth/token`, by its grant type.

use crate::client_authentication::BasicCredentials;
use crate::delegation::{CLIENT_CREDENTIALS, ExchangeRequest};
use crate::management::ClientCredentialsRequest;
use crate::refusal::Refusal;
use crate::strict_json::{Members, Node};

/// A request to `/oauth/token` in which all required parameters are present.
#[derive(Debug)]
pub struct TokenRequest(pub(crate) TokenGrant);

/// By what a client asks for a token.
#[derive(Debug)]
pub(crate) enum TokenGrant {
    /// By a token of a user.
    Exchange(Box<ExchangeRequest>),
    /// By its own credentials alone.
    ClientCredentials(ClientCredentialsRequest),
}

impl TokenRequest {
    /// Parses parameters, and what the header `Authorization` contained. An empty string and a JSON `null` count as an absent
    /// parameter.
    ///
    /// # Errors
    /// A parameter is missing, has the wrong type or excludes another; the refusal names it.
    pub fn parse(parameters: Members<'_>, basic: Option<BasicCredentials>) -> Result<Self, Refusal> {
        let grant = match parameters.get("grant_type").and_then(Node::as_text) {
            Some(CLIENT_CREDENTIALS) => {
                TokenGrant::ClientCredentials(ClientCredentialsRequest::parse(parameters, basic)?)
            }
            _ => TokenGrant::Exchange(Box::new(ExchangeRequest::parse(parameters, basic)?)),
        };
        Ok(Self(grant))
    }

    /// The `client_id` of the calling client.
    pub fn client_id(&self) -> &str {
        match &self.0 {
            TokenGrant::Exchange(request) => request.client_id(),
            TokenGrant::ClientCredentials(request) => &request.client_id,
        }
    }
}
