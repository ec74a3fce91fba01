//! Serves the Management API of a tenant in a new SQLite file, without a rate limit, for a verifier that sends requests by its OpenAPI
//! description. Prints the URL and a token with all scopes, and ends when standard input does.
//!
//! `cargo run -p locum-management --example described -- FOLDER`

#![expect(clippy::print_stdout, reason = "the verifier reads it")]

use std::error::Error;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use locum_database::Database;
use locum_database::directory::{DatabaseDirectory, DirectoryOptions, Existing, import};
use locum_database::sealing::MasterKeys;
use locum_engine::ports::{BucketKey, Buckets, StoreReply};
use locum_engine::{BucketDecision, BucketRule, Engine, OperatorToken, Ports};
use locum_management::{Management, router};
use locum_store::documents::from_tenant_file;
use locum_store::tenant_file::References;
use locum_store::{MemoryBuckets, SystemClock, SystemEntropy};
use locum_testing::{RecordingSink, ScriptedIssuers};
use tokio::net::TcpListener;

/// The host that clients name, without the port.
const DOMAIN: &str = "127.0.0.1";

const TENANT: &str = "
domain: 127.0.0.1
management: { keys: [a management key of at least thirty-two bytes] }
clients:
  - { client_id: shop, name: Shop, client_secret: secret-of-the-shop-0123456789 }
users:
  - { user_id: auth0|alice, email: alice@acme.example }
";

/// Buckets from which nothing is taken.
#[derive(Default)]
struct Unlimited(MemoryBuckets);

impl Buckets for Unlimited {
    fn try_acquire<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        self.0.peek(key, rule, now_unix_ms)
    }

    fn peek<'a>(
        &'a self,
        key: BucketKey<'a>,
        rule: BucketRule,
        now_unix_ms: u64,
    ) -> StoreReply<'a, BucketDecision> {
        self.0.peek(key, rule, now_unix_ms)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("name a folder for the database")?;
    let database = Database::open(&Path::new(&folder).join("state.db")).await?;
    let keys =
        Arc::new(MasterKeys::parse("one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "the example")?);
    let documents = from_tenant_file(TENANT, "tenant.yaml", &References::new(&|_| None, Path::new(".")))?.0;
    import(&database, &keys, &[documents], Existing::Replace).await?;
    let (issuers, options) = (Arc::new(ScriptedIssuers::default()), DirectoryOptions::default());
    let directory = Arc::new(DatabaseDirectory::open(database.clone(), keys, issuers, options).await?);
    let engine = Arc::new(Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        directory.clone(),
        Arc::new(Unlimited::default()),
        Arc::new(RecordingSink::default()),
    )));
    let tenant = directory.served(DOMAIN).ok_or("the tenant is not served")?;
    let issued_at = i64::try_from(std::time::UNIX_EPOCH.elapsed()?.as_secs())?;
    let token = OperatorToken {
        tenant: tenant.tenant(),
        scope: None,
        issued_at,
        lifetime_seconds: 3600,
        entropy: [1; 32],
    };
    let token = token.mint().ok_or("the tenant has no management keys")?;
    let refresh_tokens = Some(database);
    let router = router(Management { engine, directory, refresh_tokens, trusted_proxies: Vec::new() });
    let listener = TcpListener::bind((DOMAIN, 0)).await?;
    println!("{}\n{}", listener.local_addr()?, token.expose());
    let served = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>());
    tokio::spawn(async move { served.await });
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await??;
    Ok(())
}
