//! What all calls share.

use std::sync::Arc;

use locum_database::Database;
use locum_engine::Engine;
use locum_server::TrustedProxies;
use tokio::sync::Semaphore;

use crate::directory::ManagedTenants;
use crate::server_view::ServerView;

/// What all calls share.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) tenants: ManagedTenants,
    pub(crate) server: Arc<dyn ServerView>,
    /// Where refresh tokens are, if there are any.
    pub(crate) refresh_tokens: Option<Database>,
    pub(crate) proxies: TrustedProxies,
    /// One permit for each call that is worked on.
    pub(crate) calls: Arc<Semaphore>,
    /// Held by a call that has all clients of a tenant in memory.
    pub(crate) whole_tenants: Arc<Semaphore>,
}
