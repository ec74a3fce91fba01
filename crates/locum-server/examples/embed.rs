//! The router inside a server of one's own, under a path prefix and beside other routes.
//!
//! ```text
//! cargo run -p locum-server --example embed
//! curl http://localhost:8080/auth/.well-known/openid-configuration
//! ```

#[path = "../../locum-engine/examples/without_http/chat_tickets.rs"]
mod chat_tickets;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use locum_engine::model::{Client, Tenant};
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_server::{ServerOptions, router};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use tokio::net::TcpListener;

use crate::chat_tickets::ChatTickets;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let tenant = TenantData::new(Tenant::new("localhost"), vec![Client::new("webapp")]);
    let tenants = TenantSet::prepare(vec![tenant], &ChatTickets::default())?;
    let engine = Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(tenants)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(NoAudit),
    ));
    let options = ServerOptions { path_prefix: "/auth".to_owned(), ..ServerOptions::default() };
    let app = Router::new()
        .route("/", get(|| async { "an application that issues credentials under /auth" }))
        .nest("/auth", router(Arc::new(engine), options));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    // Without the peer's address there is no rate limit, so delegations are refused.
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}

struct NoAudit;

impl AuditSink for NoAudit {
    fn record(&self, _: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        PortReply::Now(Ok(()))
    }
}
