//! Identify: finds the tenant and the calling client.

use std::sync::Arc;

use crate::delegation::{delegating_tenant, known_client};
use crate::ports::{Directory, Found};
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

    pub(crate) fn token(&self) -> &str {
        self.request.token.expose()
    }
}

/// Looks up the client of a request to the tenant of its host.
///
/// # Errors
/// The host or the client is unknown, or the directory is unavailable.
pub async fn identify(
    directory: &dyn Directory,
    tenant: Found<PreparedTenant>,
    request: RevocationRequest,
) -> Result<Identified, Refusal> {
    let tenant = delegating_tenant(tenant)?;
    let client = known_client(directory, &tenant, &request.client_id).await?;
    Ok(Identified { tenant, client, request })
}
