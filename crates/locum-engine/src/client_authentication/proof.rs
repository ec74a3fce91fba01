//! Whether the calling client is who it says, at the endpoints where clients authenticate.

use std::net::IpAddr;

use crate::client_authentication::assertion::use_assertion;
use crate::client_authentication::presented::ClientCredential;
use crate::failure_limit::FailureLimit;
use crate::model::{ClientAuthentication, ConfidentialClients};
use crate::observer::Endpoint;
use crate::ports::{BucketSubject, Ports};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};

/// Whether a client proved who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientProof {
    /// By its secret or by an assertion.
    Authenticated,
    /// It did not have to.
    None,
}

/// Checks what a client presented at this endpoint. Failures of a client are counted for each address.
///
/// # Errors
/// What is presented is missing, wrong or was used before, too much was wrong, a store is unavailable, or `/delegation` does not
/// serve clients that can authenticate.
pub(crate) async fn client_proof(
    ports: &Ports,
    tenant: &PreparedTenant,
    client: &PreparedClient,
    presented: Option<&ClientCredential>,
    endpoint: Endpoint,
    ip: IpAddr,
    now_unix_ms: u64,
) -> Result<ClientProof, Refusal> {
    let authentication = &client.client().authentication;
    if *authentication == ClientAuthentication::None {
        // It may be the secret of another client, so it is not ignored. `/delegation` ignores what old SDKs send.
        return match presented {
            Some(_) => Err(invalid_client(
                "this client does not authenticate; send neither a secret nor an assertion",
            )),
            None => Ok(ClientProof::None),
        };
    }
    if endpoint == Endpoint::Delegation {
        return match tenant.delegation().confidential_clients {
            ConfidentialClients::Open => Ok(ClientProof::None),
            ConfidentialClients::Refused => Err(Refusal::new(
                RefusalKind::UnauthorizedClient,
                "the client must authenticate; use /oauth/token",
            )),
        };
    }
    let failures = BucketSubject::WrongSecrets(client.id());
    let failures = FailureLimit::new(&*ports.buckets, tenant, ip, failures, now_unix_ms);
    let too_many = "too many wrong secrets for this client from this address; wait before the next request";
    let proved = match (authentication, presented) {
        (ClientAuthentication::Secret(secret), Some(ClientCredential::Secret(presented))) => {
            failures.check(too_many).await?;
            if secret.matches(presented) { Ok(()) } else { Err(invalid_client("invalid client")) }
        }
        (ClientAuthentication::PrivateKey(_), Some(ClientCredential::Assertion(assertion))) => {
            failures.check(too_many).await?;
            let now = i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX);
            use_assertion(&*ports.used_assertions, tenant, client, assertion, now).await
        }
        (ClientAuthentication::PrivateKey(_), _) => {
            return Err(invalid_client(
                "the client must authenticate by a client_assertion (private_key_jwt)",
            ));
        }
        (ClientAuthentication::Secret(_) | ClientAuthentication::None, _) => {
            return Err(invalid_client("the client must authenticate by its client_secret"));
        }
    };
    match proved {
        Ok(()) => Ok(ClientProof::Authenticated),
        Err(refusal) => {
            if refusal.kind() == RefusalKind::InvalidClient {
                failures.count().await;
            }
            Err(refusal)
        }
    }
}

fn invalid_client(description: &str) -> Refusal {
    Refusal::new(RefusalKind::InvalidClient, description)
}
