//! What a client presents (RFC 6749 section 2.3.1): its id, and its secret if it has one.

use locum_abi::secret::Secret;

use crate::parameters::Parameters;
use crate::refusal::{Refusal, RefusalKind};

/// The id and the secret of a client in the header `Authorization` (RFC 6749 section 2.3.1).
#[derive(Debug)]
pub struct BasicCredentials {
    /// The `client_id`.
    pub client_id: String,
    /// The secret.
    pub client_secret: Secret,
}

/// The client that a request names, and the secret by which it authenticates.
#[derive(Debug)]
pub(crate) struct PresentedClient {
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
}

impl PresentedClient {
    /// Takes them from the header or the parameters.
    ///
    /// # Errors
    /// There is no client, or it authenticates in two ways or in one that is not supported.
    pub(crate) fn take<const N: usize>(
        parameters: &mut Parameters<'_, N>,
        basic: Option<BasicCredentials>,
    ) -> Result<Self, Refusal> {
        if parameters.take("client_assertion").is_some() || parameters.take("client_assertion_type").is_some()
        {
            let description = "client_assertion is not supported; authenticate by client_secret";
            return Err(Refusal::new(RefusalKind::InvalidClient, description));
        }
        let secret = parameters.take("client_secret").map(|secret| Secret::from(secret.into_owned()));
        let Some(BasicCredentials { client_id, client_secret }) = basic else {
            let client_id = parameters.required("client_id")?.into_owned();
            return Ok(Self { client_id, client_secret: secret });
        };
        if secret.is_some() {
            // RFC 6749 section 2.3
            return Err(Refusal::invalid_request(
                "authenticate either by the Authorization header or by client_secret, not by both",
            ));
        }
        if parameters.take("client_id").is_some_and(|stated| stated != client_id) {
            return Err(Refusal::invalid_request("client_id is not the client of the Authorization header"));
        }
        Ok(Self { client_id, client_secret: Some(client_secret) })
    }
}
