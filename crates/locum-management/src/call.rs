//! One call that may be made: who makes it, what it says, and its audit event.

use std::sync::Arc;

use axum::http::StatusCode;
use locum_database::directory::DirectoryWrite;
use locum_engine::{ManagementCaller, ManagementRecord};

use crate::answer::tag;
use crate::body::Members;
use crate::directory::Documents;
use crate::error::ApiError;
use crate::query::Query;
use crate::service::Service;

/// A call that may be made.
pub(crate) struct Call {
    pub(crate) service: Arc<Service>,
    pub(crate) caller: Arc<ManagementCaller>,
    /// The id in the path; empty if there is none.
    pub(crate) id: String,
    pub(crate) query: Query,
    pub(crate) body: Members,
    /// Its name in audit events.
    pub(crate) operation: &'static str,
    pub(crate) record: Arc<ManagementRecord>,
    /// The header `If-Match`.
    pub(crate) if_match: Option<String>,
}

impl Call {
    /// The domain of the tenant that is managed.
    pub(crate) fn domain(&self) -> &str {
        self.caller.tenant().domain()
    }

    /// The documents that are managed.
    pub(crate) fn documents(&self) -> &dyn Documents {
        self.service.tenants.documents()
    }

    /// Begins to write to the documents that are managed.
    pub(crate) async fn begin_write(&self) -> Result<DirectoryWrite, ApiError> {
        Ok(self.service.tenants.writable(self.domain())?.begin_write().await?)
    }

    /// Refuses the call unless its token has this scope too.
    pub(crate) fn require(&self, scope: &str) -> Result<(), ApiError> {
        if self.caller.has(scope) { Ok(()) } else { Err(ApiError::insufficient_scope(scope)) }
    }

    /// Refuses the call if it is about another version than this one (RFC 9110 section 13.1.1).
    pub(crate) fn check_version(&self, stored: i64) -> Result<(), ApiError> {
        let Some(expected) = &self.if_match else { return Ok(()) };
        let stored = tag(stored);
        if expected.split(',').map(str::trim).any(|tag| tag == "*" || tag == stored) {
            return Ok(());
        }
        let message = "somebody has changed it since; read it again";
        Err(ApiError::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", message))
    }

    /// Records what was changed, and commits it. A change whose event is not kept is not made; one that then cannot be committed
    /// has a second event, that of a failure.
    pub(crate) async fn commit(
        &self,
        write: DirectoryWrite,
        resource: Option<&str>,
        fields: &[&str],
    ) -> Result<(), ApiError> {
        self.record_change(resource, fields).await?;
        write.commit().await?;
        self.service.tenants.writable(self.domain())?.has_written().await;
        Ok(())
    }

    /// Records what is about to be changed.
    pub(crate) async fn record_change(
        &self,
        resource: Option<&str>,
        fields: &[&str],
    ) -> Result<(), ApiError> {
        let engine = &self.service.engine;
        let recorded = engine.record_management(&self.record, self.operation, resource, fields, None).await;
        recorded.map_err(ApiError::not_audited)
    }
}
