//! An audit sink in code: one line of JSON for each request, written by a thread, since a sink must not block.
//!
//! ```text
//! cargo run -p locum-server --example audit_sink
//! curl http://localhost:8080/delegation -d client_id=nobody -d grant_type=password
//! ```

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example that is run by hand")]

#[path = "../../locum-engine/examples/without_http/chat_tickets.rs"]
mod chat_tickets;

use std::error::Error;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use locum_engine::model::{Client, Tenant};
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_server::{ServerOptions, router, serve};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use serde_json::json;
use tokio::net::TcpListener;

use crate::chat_tickets::ChatTickets;

/// Most events that wait to be written.
const QUEUE_MAX: usize = 1024;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (queue, events) = sync_channel(QUEUE_MAX);
    let writer = thread::spawn(|| write(events));

    let tenant = TenantData::new(Tenant::new("localhost"), vec![Client::new("webapp")]);
    let tenants = TenantSet::prepare(vec![tenant], &ChatTickets::default())?;
    let engine = Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(tenants)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(QueueingSink(queue)),
    ));
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    let router = router(Arc::new(engine), ServerOptions::default());
    // The router and the engine are dropped when `serve` returns; the writer ends when the queue is closed and empty.
    let _drained = serve(listener, router, ctrl_c, &ServerOptions::default()).await;
    writer.join().map_err(|_| "the writer of audit events panicked")?;
    Ok(())
}

struct QueueingSink(SyncSender<AuditEvent>);

impl AuditSink for QueueingSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        if let Err(error) = self.0.try_send(event) {
            eprintln!("an audit event was lost: {error}");
        }
        PortReply::Now(Ok(()))
    }
}

/// Tokens are never part of an event; the subject token's hash is.
fn write(events: Receiver<AuditEvent>) {
    for event in events {
        let refusal = event.refusal.map(|refusal| json!({ "status": refusal.status, "error": refusal.code }));
        let line = json!({
            "at_unix_ms": event.at_unix_ms, "code": event.code.as_str(), "reference": event.reference,
            "tenant": event.tenant, "client_id": event.client_id, "user_id": event.user_id, "ip": event.ip,
            "target": event.target, "api_type": event.api_type, "refusal": refusal,
        });
        println!("{line}");
    }
}
