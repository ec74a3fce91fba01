//! The tenant and the client of a request.

use std::net::IpAddr;
use std::sync::Arc;

use crate::client_authentication::presented::ClientCredential;
use crate::client_authentication::proof::{ClientProof, client_proof};
use crate::observer::Endpoint;
use crate::ports::{Found, Ports};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::{Refusal, RefusalKind};
use crate::unknown_names::find_client;

/// A client that is known, and who it proved to be.
pub(crate) struct IdentifiedClient {
    pub(crate) tenant: Arc<PreparedTenant>,
    pub(crate) client: Arc<PreparedClient>,
    pub(crate) proof: ClientProof,
}

/// Looks up the client of a request to the tenant of its host, and checks what it presents at this endpoint.
///
/// # Errors
/// The host or the client is unknown, the client does not authenticate as it must, the address has named too many clients that do
/// not exist, or the directory is unavailable.
pub(crate) async fn identified_client(
    ports: &Ports,
    tenant: Found<PreparedTenant>,
    (client_id, credential): (&str, Option<&ClientCredential>),
    endpoint: Endpoint,
    ip: IpAddr,
    now_unix_ms: u64,
) -> Result<IdentifiedClient, Refusal> {
    let tenant = delegating_tenant(tenant)?;
    let client = known_client(ports, &tenant, client_id, ip).await?;
    let proof = client_proof(ports, &tenant, &client, credential, endpoint, ip, now_unix_ms).await?;
    Ok(IdentifiedClient { tenant, client, proof })
}

/// The tenant, if delegation is enabled. Otherwise the refusal is the same as for an unknown host, so that nobody can
/// probe for tenants.
pub(crate) fn delegating_tenant(tenant: Found<PreparedTenant>) -> Result<Arc<PreparedTenant>, Refusal> {
    tenant
        .map_err(Refusal::unavailable)?
        .filter(|tenant| tenant.delegation().enabled)
        .ok_or_else(|| Refusal::new(RefusalKind::NotFound, "delegation is not available here"))
}

/// The client that whoever is at this address names.
///
/// # Errors
/// There is no such client, the address has named too many that do not exist, or the directory is unavailable.
pub(crate) async fn known_client(
    ports: &Ports,
    tenant: &PreparedTenant,
    client_id: &str,
    ip: IpAddr,
) -> Result<Arc<PreparedClient>, Refusal> {
    let client = find_client(ports, tenant, client_id, ip).wait().await?;
    client.ok_or_else(|| Refusal::new(RefusalKind::UnknownClient, "invalid client"))
}
