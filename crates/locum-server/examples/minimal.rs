//! The smallest server: a tenant file, the other ports in memory, the router on a socket.
//!
//! ```text
//! cargo run -p locum-server --example minimal -- fixtures/demo/tenant.yaml
//! curl http://localhost:8080/.well-known/openid-configuration
//! ```
//!
//! It has no issuers, so it serves the tenant's documents and refuses every delegation: see `custom_issuer.rs` for an
//! issuer in code, and `locum-host` for plugins.

#![expect(clippy::print_stdout, reason = "an example that is run by hand")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::IssuerManifest;
use locum_engine::ports::{AuditSink, Issuer, Issuers, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_server::{ServerOptions, router, serve};
use locum_store::tenant_file::{References, load};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantSet};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = PathBuf::from(std::env::args().nth(1).ok_or("name a tenant file")?);
    let environment = |name: &str| std::env::var(name).ok();
    let folder = file.parent().unwrap_or(Path::new("."));
    let tenant = load(&file, &References::new(&environment, folder))?.data;

    let tenants = TenantSet::prepare(vec![tenant], &NoIssuers)?;
    for found in tenants.problems() {
        let problem = &found.problem;
        println!("client {}: add-on {}: {}", problem.client_id, problem.api_type, problem.failure);
    }
    let engine = Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(tenants)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(NoAudit),
    ));

    let router = router(Arc::new(engine), ServerOptions::default());
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    let drained = serve(listener, router, ctrl_c, &ServerOptions::default()).await;
    println!("stopped; connections cut: {}", drained.connections_cut);
    Ok(())
}

struct NoIssuers;

impl Issuers for NoIssuers {
    fn manifest(&self, _: &str) -> Option<Arc<IssuerManifest>> {
        None
    }

    fn configure(&self, _: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        Err(Failure::internal("this server has no issuers"))
    }
}

struct NoAudit;

impl AuditSink for NoAudit {
    fn record(&self, _: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        PortReply::Now(Ok(()))
    }
}
