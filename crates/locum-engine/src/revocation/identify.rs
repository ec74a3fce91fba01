//! Identify: the tenant and the client that asks.

use std::sync::Arc;

use crate::delegation::{delegating_tenant, known_client};
use crate::ports::{Directory, Found};
use crate::prepared::{PreparedClient, PreparedTenant};
use crate::refusal::Refusal;
use crate::revocation::request::RevocationRequest;

/// A request of a known client.
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

    /// The client that asks.
    pub fn client_id(&self) -> &str {
        self.client.id()
    }

    pub(crate) fn token(&self) -> &str {
        self.request.token.expose()
    }
}

/// Looks up the client of a request for the tenant that was found at its host.
///
/// # Errors
/// The refusal: unknown host, unknown client, a directory that cannot be asked.
pub async fn identify(
    directory: &dyn Directory,
    tenant: Found<PreparedTenant>,
    request: RevocationRequest,
) -> Result<Identified, Refusal> {
    let tenant = delegating_tenant(tenant)?;
    let client = known_client(directory, &tenant, &request.client_id).await?;
    Ok(Identified { tenant, client, request })
}
