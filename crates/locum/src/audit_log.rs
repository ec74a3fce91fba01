//! Writes audit events to the log: one line per request, with the log target `audit`.

use locum_engine::AuditEvent;
use locum_engine::ports::AuditSink;

pub(crate) struct AuditLog;

impl AuditSink for AuditLog {
    fn record(&self, event: AuditEvent) {
        let refusal = event.refusal.as_ref();
        tracing::info!(
            target: "audit",
            code = event.code.as_str(),
            reference = event.reference,
            at_unix_ms = event.at_unix_ms,
            host = event.host,
            ip = %event.ip,
            tenant = event.tenant,
            client_id = event.client_id,
            user_id = event.user_id,
            delegation_target = event.target,
            api_type = event.api_type,
            scope = event.scope,
            device = event.device,
            subject_token_sha256 = event.subject_token_sha256,
            expires_at = event.expires_at,
            status = refusal.map(|refusal| refusal.status),
            error = refusal.map(|refusal| refusal.code),
            description = refusal.map(|refusal| refusal.description.as_str()),
            inside = refusal.and_then(|refusal| refusal.inside.as_deref()),
            auth0_client = event.auth0_client,
            user_agent = event.user_agent,
            uncounted = event.uncounted,
            reused = event.reused,
        );
    }
}
