//! What every endpoint of a router stands on.

use std::sync::Arc;

use axum::http::request::Parts;
use locum_engine::tenant::Tenant;
use locum_engine::{Engine, Refusal, RefusalKind};
use tokio::sync::Semaphore;

use crate::host::host;
use crate::options::{Limits, ServerOptions};
use crate::origins::Origins;
use crate::proxies::TrustedProxies;

pub(crate) struct Shared {
    pub(crate) engine: Arc<Engine>,
    pub(crate) limits: Limits,
    pub(crate) proxies: TrustedProxies,
    pub(crate) ready: Arc<dyn Fn() -> bool + Send + Sync>,
    /// One permit for each request that may be worked on.
    pub(crate) in_flight: Arc<Semaphore>,
    pub(crate) origins: Origins,
}

impl Shared {
    pub(crate) fn new(engine: Arc<Engine>, options: ServerOptions) -> Self {
        Self {
            engine,
            limits: options.limits,
            proxies: TrustedProxies::new(&options.trusted_proxies),
            ready: options.ready,
            in_flight: Arc::new(Semaphore::new(options.limits.in_flight_max.min(Semaphore::MAX_PERMITS))),
            origins: Origins::default(),
        }
    }

    /// The tenant that a request is for.
    ///
    /// # Errors
    /// No usable host, a host that no tenant answers on, or a directory that cannot be asked.
    pub(crate) async fn tenant(&self, head: &Parts) -> Result<Arc<Tenant>, Refusal> {
        self.tenant_on(&host(head)?).await
    }

    /// The tenant that answers on this host.
    ///
    /// # Errors
    /// A host that no tenant answers on, or a directory that cannot be asked.
    pub(crate) async fn tenant_on(&self, host: &str) -> Result<Arc<Tenant>, Refusal> {
        match self.engine.tenant(host).await {
            Ok(Some(tenant)) => Ok(tenant),
            Ok(None) => Err(Refusal::new(RefusalKind::NotFound, "no tenant answers on this host")),
            Err(unavailable) => {
                tracing::error!(%host, error = %unavailable, "the tenant directory cannot be asked");
                let description = "the tenant cannot be looked up now; try again later";
                Err(Refusal::new(RefusalKind::TemporarilyUnavailable, description).because(unavailable))
            }
        }
    }
}
