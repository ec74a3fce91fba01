//! The engine without HTTP, with an issuer in code: `cargo run -p locum-engine --example without_http`.

#![expect(clippy::print_stdout, reason = "an example that is run by hand")]

mod chat_tickets;

use std::error::Error;
use std::sync::Arc;

use jsonwebtoken::{EncodingKey, Header};
use locum_engine::model::{AddOn, Client, ClientKey, ClientSecret, Tenant};
use locum_engine::ports::{AuditSink, Clock, PortReply, StoreUnavailable};
use locum_engine::{
    AuditEvent, Caller, Credential, DelegationRequest, Engine, Ports, PresentedKind, PresentedToken,
};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use serde_json::{Map, json};

use crate::chat_tickets::ChatTickets;

const SECRET: &str = "the secret of the web application";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut webapp = Client::new("webapp");
    webapp.key = ClientKey::Secret(ClientSecret::new(&SECRET.into(), false)?);
    webapp.add_ons = vec![AddOn::new("chat", Map::new())];
    let tenant = TenantData::new(Tenant::new("localhost"), vec![webapp]);
    let engine = Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(TenantSet::prepare(vec![tenant], &ChatTickets::default())?)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(PrintedAudit),
    ));
    let request = DelegationRequest::new("webapp", PresentedToken::new(PresentedKind::IdToken, id_token()?));
    let ip = [127, 0, 0, 1].into();
    let caller = Caller { host: "localhost".to_owned(), ip, auth0_client: None, user_agent: None };

    let tenant = engine.directory().tenant(&caller.host).wait().await;
    let response = engine.delegate(tenant, request, &caller).await;
    let issued = response.outcome.map_err(|refusal| refusal.description().to_owned())?;
    match issued.credential {
        Credential::Text { member, text } => println!("{member}: {text}"),
        other => println!("{other:?}"),
    }
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
        println!("{} user {:?}, refusal {:?}", event.code.as_str(), event.user_id, event.refusal);
        PortReply::Now(Ok(()))
    }
}
