//! A server with a tenant and an issuer in code; the issuer is the one of the engine's example `without_http`.
//!
//! Run it, and paste the `curl` line that it prints: `cargo run -p locum-server --example custom_issuer`.

#![expect(clippy::print_stdout, reason = "an example that is run by hand")]

#[path = "../../locum-engine/examples/without_http/chat_tickets.rs"]
mod chat_tickets;

use std::error::Error;
use std::sync::Arc;

use jsonwebtoken::{EncodingKey, Header};
use locum_engine::model::{AddOn, Client, ClientKey, ClientSecret, Tenant};
use locum_engine::ports::{AuditSink, Clock, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, JWT_BEARER, Ports};
use locum_server::{ServerOptions, router, serve};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use serde_json::{Map, json};
use tokio::net::TcpListener;

use crate::chat_tickets::ChatTickets;

const SECRET: &str = "the secret of the web application";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut webapp = Client::new("webapp");
    webapp.key = ClientKey::Secret(ClientSecret::new(&SECRET.into(), false)?);
    webapp.add_ons = vec![AddOn::new("chat", Map::new())];
    let tenant = TenantData::new(Tenant::new("localhost"), vec![webapp]);

    let tenants = TenantSet::prepare(vec![tenant], &ChatTickets::default())?;
    let engine = Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(tenants)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(PrintedAudit),
    ));

    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!(
        "curl http://localhost:8080/delegation -d client_id=webapp -d grant_type={JWT_BEARER} -d id_token={}",
        id_token()?
    );
    let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
    let router = router(Arc::new(engine), ServerOptions::default());
    let drained = serve(listener, router, ctrl_c, &ServerOptions::default()).await;
    println!("stopped; connections cut: {}", drained.connections_cut);
    Ok(())
}

/// What the web application was given when Alice logged in.
fn id_token() -> Result<String, jsonwebtoken::errors::Error> {
    let now = SystemClock.now_unix_ms() / 1000;
    let claims = json!({
        "iss": "https://localhost/", "aud": "webapp", "sub": "auth0|alice", "iat": now, "exp": now + 3600,
    });
    jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes()))
}

struct PrintedAudit;

impl AuditSink for PrintedAudit {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        println!("{} {:?} from {}: {:?}", event.code.as_str(), event.user_id, event.ip, event.refusal);
        PortReply::Now(Ok(()))
    }
}
