//! What all endpoints of a router share.

use std::sync::Arc;

use axum::http::request::Parts;
use locum_engine::ports::{Found, PortReply, StoreUnavailable};
use locum_engine::prepared::PreparedTenant;
use locum_engine::{Engine, Refusal, RefusalKind};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::options::{Limits, ServerOptions};
use crate::request::{TrustedProxies, host};

pub(crate) struct AppState {
    pub(crate) engine: Arc<Engine>,
    pub(crate) limits: Limits,
    pub(crate) path_prefix: String,
    pub(crate) proxies: TrustedProxies,
    pub(crate) ready: Arc<dyn Fn() -> bool + Send + Sync>,
    pub(crate) details: Arc<dyn Fn() -> Map<String, Value> + Send + Sync>,
    /// One permit for each request that may wait.
    pub(crate) in_flight: Arc<Semaphore>,
}

impl AppState {
    pub(crate) fn new(engine: Arc<Engine>, options: ServerOptions) -> Self {
        Self {
            engine,
            limits: options.limits,
            path_prefix: options.path_prefix,
            proxies: TrustedProxies::new(&options.trusted_proxies),
            ready: options.ready,
            details: options.details,
            in_flight: Arc::new(Semaphore::new(options.limits.in_flight_max.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// When a request that arrives now must be answered.
    pub(crate) fn deadline(&self) -> Instant {
        Instant::now() + self.limits.request_deadline
    }

    /// Looks up the tenant of a host, once for each request.
    pub(crate) async fn find_tenant(&self, host: &str, deadline: Instant) -> Found<PreparedTenant> {
        await_lookup(self.engine.directory().tenant(host), host, deadline).await
    }

    /// The tenant of a request for a document of the tenant.
    ///
    /// # Errors
    /// No usable host, a host that no tenant answers on, or a directory that cannot be asked.
    pub(crate) async fn tenant(
        &self,
        head: &Parts,
        deadline: Instant,
    ) -> Result<Arc<PreparedTenant>, Refusal> {
        match self.find_tenant(&host(head)?, deadline).await {
            Ok(Some(tenant)) => Ok(tenant),
            Ok(None) => Err(Refusal::new(RefusalKind::NotFound, "no tenant answers on this host")),
            Err(unavailable) => Err(try_again(unavailable)),
        }
    }
}

/// Waits for a look-up until the deadline of the request. A failure is logged here, since requests for documents have
/// no audit event.
pub(crate) async fn await_lookup<T>(
    lookup: PortReply<'_, Result<T, StoreUnavailable>>,
    host: &str,
    deadline: Instant,
) -> Result<T, StoreUnavailable> {
    let found = match lookup {
        PortReply::Now(found) => found,
        PortReply::Later(later) => timeout_at(deadline, later).await.unwrap_or_else(|_| Err(too_late())),
    };
    if let Err(unavailable) = &found {
        tracing::error!(%host, error = %unavailable, "the tenant directory cannot be asked");
    }
    found
}

/// Waits for the look-up of a name until the deadline of the request, as [`await_lookup`] does.
///
/// # Errors
/// Its address has sent too many names that do not exist, or the directory does not answer.
pub(crate) async fn await_name<T>(
    lookup: PortReply<'_, Result<T, Refusal>>,
    host: &str,
    deadline: Instant,
) -> Result<T, Refusal> {
    let found = match lookup {
        PortReply::Now(found) => found,
        PortReply::Later(later) => {
            timeout_at(deadline, later).await.unwrap_or_else(|_| Err(try_again(too_late())))
        }
    };
    if let Err(refusal) = &found
        && refusal.kind() == RefusalKind::TemporarilyUnavailable
    {
        let error = refusal.inside().unwrap_or_default();
        tracing::error!(%host, %error, "a name cannot be looked up");
    }
    found
}

fn too_late() -> StoreUnavailable {
    StoreUnavailable("the directory did not answer before the request's deadline".to_owned())
}

/// The refusal of a request that needs an answer from a directory that has none.
pub(crate) fn try_again(unavailable: StoreUnavailable) -> Refusal {
    let description = "the tenant cannot be looked up now; try again later";
    Refusal::new(RefusalKind::TemporarilyUnavailable, description).because(unavailable)
}
