//! Parse: named parameters in, a [`RevocationRequest`] out.

use std::fmt;

use locum_abi::secret::Secret;
use serde_json::{Map, Value};

use crate::limits::SUBJECT_TOKEN_BYTES_MAX;
use crate::refusal::Refusal;

/// A request to revoke a token.
pub struct RevocationRequest {
    /// The client that asks.
    pub client_id: String,
    /// The token.
    pub token: Secret,
    /// The add-on that issued it; every one of the client is tried if absent.
    pub api_type: Option<String>,
}

impl RevocationRequest {
    /// Parses parameters. An empty text or a JSON `null` is an absent parameter.
    ///
    /// # Errors
    /// The refusal that says which parameter is missing, too long or of the wrong type.
    pub fn parse(mut parameters: Map<String, Value>) -> Result<Self, Refusal> {
        let client_id =
            text(&mut parameters, "client_id")?.ok_or_else(|| Refusal::missing_parameter("client_id"))?;
        let token: Secret =
            text(&mut parameters, "token")?.ok_or_else(|| Refusal::missing_parameter("token"))?.into();
        let api_type = text(&mut parameters, "api_type")?;
        if token.expose().len() > SUBJECT_TOKEN_BYTES_MAX {
            return Err(Refusal::invalid_request("token is too long"));
        }
        Ok(Self { client_id, token, api_type })
    }
}

fn text(parameters: &mut Map<String, Value>, name: &str) -> Result<Option<String>, Refusal> {
    match parameters.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
        Some(_) => Err(Refusal::invalid_request(format!("{name} parameter must be a string"))),
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
