//! What all calls share.

use std::sync::Arc;

use locum_database::Database;
use locum_database::directory::DatabaseDirectory;
use locum_engine::Engine;
use locum_server::TrustedProxies;
use tokio::sync::Semaphore;

/// What all calls share.
pub(crate) struct Service {
    pub(crate) engine: Arc<Engine>,
    pub(crate) directory: Arc<DatabaseDirectory>,
    /// Where refresh tokens are, if there are any.
    pub(crate) refresh_tokens: Option<Database>,
    pub(crate) proxies: TrustedProxies,
    /// One permit for each call that is worked on.
    pub(crate) calls: Arc<Semaphore>,
}
