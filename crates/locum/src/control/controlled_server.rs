//! The server that orders are about.

use std::sync::Arc;

use locum_store::audit::AuditLog;

use crate::config::Config;
use crate::wiring::Service;

/// What orders read and change.
pub(crate) struct ControlledServer {
    pub(crate) config: Arc<Config>,
    pub(crate) service: Arc<Service>,
    pub(crate) audit: Arc<AuditLog>,
}
