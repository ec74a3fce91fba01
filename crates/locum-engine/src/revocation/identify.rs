//! Identify: finds the tenant and the calling client, and authenticates it.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client_authentication::{IdentifiedClient, identified_client};
use crate::observer::Endpoint;
use crate::ports::{Found, Ports};
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
    let presented = (request.client_id.as_str(), request.client_credential.as_ref());
    let IdentifiedClient { tenant, client, .. } =
        identified_client(ports, tenant, presented, Endpoint::Revocation, ip, now_unix_ms).await?;
    Ok(Identified { tenant, client, request })
}
