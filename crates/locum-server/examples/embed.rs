//! A host of one's own: the router in a program that brings its tenant and an issuer as Rust values, no files, no
//! plugins. Run it, and paste the `curl` line that it prints.

#![expect(clippy::print_stdout, reason = "an example that is run by hand")]

use std::collections::HashMap;
use std::error::Error;
use std::future::ready;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::{EncodingKey, Header};
use locum_abi::answer::{Credential, Failure, Issued, RevokeAnswer};
use locum_abi::configuration::Configuration;
use locum_abi::grant::Grant;
use locum_abi::manifest::{CredentialForm, IssuerManifest, Lifetime, Revocation};
use locum_engine::ports::{
    AuditSink, CallContext, Clock, Directory, Issuer, IssuerFailure, Issuers, PortFuture, StoreUnavailable,
};
use locum_engine::tenant::{AddOn, Client, ClientVerification, DelegationPolicy, LegacyGrants, Tenant};
use locum_engine::{AuditEvent, Engine, JWT_BEARER, Ports, VerificationKey};
use locum_server::{Limits, ServerOptions, router, serve};
use locum_store::{MemoryBuckets, SystemClock, SystemEntropy};
use serde_json::{Map, json};
use tokio::net::TcpListener;

const DOMAIN: &str = "localhost";
const CLIENT_SECRET: &str = "the secret of the only client here";
const DOOR_SECRET: &[u8] = b"what the door's lock knows as well";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::new(Ports {
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        directory: Arc::new(OneTenant(Arc::new(tenant()?))),
        buckets: Arc::new(MemoryBuckets::default()),
        audit: Arc::new(PrintedAudit),
        issuers: Arc::new(DoorPasses { manifest: manifest() }),
    });
    let router = router(Arc::new(engine), ServerOptions::default());
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!(
        "curl http://localhost:8080/delegation -d client_id=kiosk -d grant_type={JWT_BEARER} -d id_token={}",
        id_token()?
    );
    let shutdown = async { drop(tokio::signal::ctrl_c().await) };
    let drained = serve(listener, router, shutdown, &Limits::default()).await;
    println!("stopped; {} connections were cut", drained.connections_cut);
    Ok(())
}

/// One client, which may ask for a pass to the door as its first add-on.
fn tenant() -> Result<Tenant, Box<dyn Error>> {
    let kiosk = Client {
        id: "kiosk".to_owned(),
        name: Some("The kiosk at the entrance".to_owned()),
        verification: ClientVerification::Secret(VerificationKey::hs256(CLIENT_SECRET.as_bytes())?),
        is_first_party: true,
        oidc_conformant: false,
        grants: LegacyGrants { id_token: true, refresh_token: false },
        allowed_clients: Vec::new(),
        allowed_origins: Vec::new(),
        scope_aliases: HashMap::new(),
        app: AddOn::new("app", Map::new()),
        add_ons: vec![AddOn::new("door", Map::new())],
    };
    Ok(Tenant {
        domain: DOMAIN.to_owned(),
        delegation: DelegationPolicy::default(),
        keys: Vec::new(),
        clients: HashMap::from([(kiosk.id.clone(), kiosk)]),
        users: HashMap::new(),
    })
}

/// What a login would have given to the kiosk.
fn id_token() -> Result<String, Box<dyn Error>> {
    let now = SystemClock.now_unix_ms() / 1000;
    let claims = json!({
        "iss": format!("https://{DOMAIN}/"), "aud": "kiosk", "sub": "staff|alice", "iat": now, "exp": now + 3600,
    });
    Ok(jsonwebtoken::encode(
        &Header::default(),
        &claims,
        &EncodingKey::from_secret(CLIENT_SECRET.as_bytes()),
    )?)
}

struct OneTenant(Arc<Tenant>);

impl Directory for OneTenant {
    fn tenant<'a>(&'a self, host: &'a str) -> PortFuture<'a, Result<Option<Arc<Tenant>>, StoreUnavailable>> {
        Box::pin(ready(Ok((host == self.0.domain).then(|| Arc::clone(&self.0)))))
    }
}

struct PrintedAudit;

impl AuditSink for PrintedAudit {
    fn record(&self, event: AuditEvent) {
        println!("{} {:?} from {}: {:?}", event.code.as_str(), event.user_id, event.ip, event.refusal);
    }
}

/// An issuer that is linked in rather than loaded: `{"door_pass":"<who>.<until>.<proof>"}`.
struct DoorPasses {
    manifest: IssuerManifest,
}

fn manifest() -> IssuerManifest {
    IssuerManifest {
        api_type: "door".to_owned(),
        credential: CredentialForm::Text { member: "door_pass".to_owned() },
        settings_schema: json!({ "type": "object", "additionalProperties": false }),
        parameters_schema: json!({ "type": "object" }),
        overrides: Vec::new(),
        lifetime: Lifetime { minimum_seconds: 1, default_seconds: 60, maximum_seconds: 60, setting: None },
        revocation: Revocation::NotRevocable,
        revocation_advice: "wait a minute, or change the lock".to_owned(),
        upstreams: Vec::new(),
        needs: Vec::new(),
        reads: Vec::new(),
    }
}

impl Issuers for DoorPasses {
    fn manifest(&self, api_type: &str) -> Option<&IssuerManifest> {
        (api_type == self.manifest.api_type).then_some(&self.manifest)
    }

    fn configure(&self, _: Configuration) -> Result<Arc<dyn Issuer>, Failure> {
        Ok(Arc::new(DoorPass(hmac::Key::new(hmac::HMAC_SHA256, DOOR_SECRET))))
    }
}

struct DoorPass(hmac::Key);

impl Issuer for DoorPass {
    fn issue<'a>(
        &'a self,
        grant: &'a Grant,
        context: CallContext,
    ) -> PortFuture<'a, Result<Issued, IssuerFailure>> {
        let issued_at = (context.now_unix_ms / 1000) as i64;
        let expires_at = issued_at + grant.lifetime_seconds as i64;
        let pass = format!("{}.{expires_at}", BASE64_URL_SAFE_NO_PAD.encode(&grant.user_id));
        let proof = BASE64_URL_SAFE_NO_PAD.encode(hmac::sign(&self.0, pass.as_bytes()));
        let credential = Credential::Text(format!("{pass}.{proof}"));
        Box::pin(ready(Ok(Issued { credential, issued_at, expires_at: Some(expires_at) })))
    }

    fn revoke<'a>(
        &'a self,
        _: &'a str,
        _: CallContext,
    ) -> PortFuture<'a, Result<RevokeAnswer, IssuerFailure>> {
        Box::pin(ready(Ok(RevokeAnswer::NotRevocable)))
    }
}
