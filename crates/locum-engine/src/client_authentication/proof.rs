//! Whether the calling client is who it says, at the endpoints where clients authenticate.

use locum_abi::secret::Secret;

use crate::failure_limit::FailureLimit;
use crate::model::{ClientAuthentication, ConfidentialClients};
use crate::observer::Endpoint;
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};

/// Whether a client proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientProof {
    /// By its secret.
    Authenticated,
    /// It did not have to.
    None,
}

/// Checks what a client presented at this endpoint. Wrong secrets of a client are counted for each address.
///
/// # Errors
/// The secret is missing or wrong, too many were wrong, or `/delegation` does not serve clients that can authenticate.
pub(crate) async fn client_proof(
    tenant: &PreparedTenant,
    client: &PreparedClient,
    endpoint: Endpoint,
    presented: Option<&Secret>,
    wrong_secrets: FailureLimit<'_>,
) -> Result<ClientProof, Refusal> {
    let ClientAuthentication::Secret(secret) = &client.client().authentication else {
        // It may be the secret of another client, so it is not ignored. `/delegation` ignores what old SDKs send.
        return match presented {
            Some(_) => Err(invalid_client("this client has no secret to authenticate by; send none")),
            None => Ok(ClientProof::None),
        };
    };
    if endpoint == Endpoint::Delegation {
        return match tenant.delegation().confidential_clients {
            ConfidentialClients::Open => Ok(ClientProof::None),
            ConfidentialClients::Refused => Err(Refusal::new(
                RefusalKind::UnauthorizedClient,
                "the client must authenticate; use /oauth/token",
            )),
        };
    }
    let Some(presented) = presented else {
        return Err(invalid_client("the client must authenticate by its client_secret"));
    };
    wrong_secrets
        .check("too many wrong secrets for this client from this address; wait before the next request")
        .await?;
    if secret.matches(presented) {
        Ok(ClientProof::Authenticated)
    } else {
        wrong_secrets.count().await;
        Err(invalid_client("invalid client"))
    }
}

fn invalid_client(description: &str) -> Refusal {
    Refusal::new(RefusalKind::InvalidClient, description)
}
