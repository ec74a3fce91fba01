//! Identify: finds the tenant and the calling client, and authenticates it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client_authentication::client_proof;
use crate::delegation::{delegating_tenant, known_client};
use crate::failure_limit::FailureLimit;
use crate::observer::Endpoint;
use crate::ports::{BucketSubject, Found, Ports};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::Refusal;
use crate::revocation::request::RevocationRequest;

/// A revocation request of a known client.
#[derive(Debug)]
pub struct Identified {
    pub(super) tenant: Arc<PreparedTenant>,
    pub(super) client: Arc<PreparedClient>,
    pub(super) request: RevocationRequest,
}

impl Identified {
    /// The tenant's domain.
    pub fn tenant_domain(&self) -> &str {
        self.tenant.domain()
    }

    /// The `client_id` of the calling client.
    pub fn client_id(&self) -> &str {
        self.client.id()
    }
}

/// Looks up the client of a request to the tenant of its host, and checks that it is the one that sends it.
///
/// # Errors
/// The host or the client is unknown, the client does not authenticate as it must, or the directory is unavailable.
pub async fn identify(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    request: RevocationRequest,
    ip: IpAddr,
    now_unix_ms: u64,
) -> Result<Identified, Refusal> {
    let Ports { directory, buckets, .. } = ports;
    let tenant = delegating_tenant(tenant)?;
    let client = known_client(&**directory, &tenant, &request.client_id).await?;
    let secrets = BucketSubject::WrongSecrets(client.id());
    let wrong_secrets = FailureLimit::new(&**buckets, &tenant, ip, secrets, now_unix_ms);
    let secret = request.client_secret.as_ref();
    client_proof(&tenant, &client, Endpoint::Revocation, secret, wrong_secrets).await?;
    Ok(Identified { tenant, client, request })
}
