//! Times `Engine::delegate` for several issuers, and beside it only the cryptography that each cannot do without.
//!
//! The latter verifies the id_token's HMAC and signs the credential, with keys parsed beforehand. `cargo xtask bench`
//! builds the plugins in release mode, pins them, and passes their directory in LOCUM_BENCH_PLUGINS.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use locum_engine::ports::{AuditSink, Clock, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, BucketRule, Caller, DelegationRequest, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::tenant_file::{References, load};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantSet};
use serde_json::{Map, Value, json};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const SPA_SECRET: &[u8] = b"spa-secret-0123456789-0123456789-0123456789";

/// A delegation to time.
struct Exchange {
    name: &'static str,
    target: &'static str,
    api_type: &'static str,
    bare: BareCrypto,
}

/// The cryptography that an exchange cannot do without.
#[derive(Clone, Copy)]
enum BareCrypto {
    HmacThenHmac,
    HmacThenRsa,
}

const EXCHANGES: [Exchange; 4] = [
    Exchange { name: "app_hs256", target: "orders-api", api_type: "app", bare: BareCrypto::HmacThenHmac },
    Exchange { name: "app_rs256", target: "reports-api", api_type: "app", bare: BareCrypto::HmacThenRsa },
    Exchange { name: "firebase", target: "spa", api_type: "firebase", bare: BareCrypto::HmacThenRsa },
    Exchange { name: "azure_blob", target: "spa", api_type: "azure_blob", bare: BareCrypto::HmacThenHmac },
];

struct DiscardingAuditSink;

impl AuditSink for DiscardingAuditSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        black_box(event);
        PortReply::Now(Ok(()))
    }
}

fn engine() -> Engine {
    let plugins = std::env::var("LOCUM_BENCH_PLUGINS").expect("run this benchmark with `cargo xtask bench`");
    let upstreams = Arc::new(HttpUpstreams::new().expect("the HTTP client starts"));
    let issuers =
        PluginSet::load_directory(Path::new(&plugins), LoadOptions::new(upstreams)).expect("pinned plugins");
    let path = Path::new(ROOT).join("fixtures/demo/tenant.yaml");
    let no_environment = |_: &str| None;
    let base = path.parent().expect("it has a parent");
    let mut file = load(&path, &References::new(&no_environment, base)).expect("the demo tenant");
    // The bucket is consulted but never empties.
    file.data.tenant.delegation.rate = BucketRule { size: NonZeroU32::MAX, per_minute: NonZeroU32::MAX };
    let set = TenantSet::prepare(vec![file.data], &issuers).expect("one tenant");
    Engine::new(Ports::new(
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
        Arc::new(MemoryDirectory::new(set)),
        Arc::new(MemoryBuckets::default()),
        Arc::new(DiscardingAuditSink),
    ))
}

fn id_token() -> String {
    let now = SystemClock.now_unix_ms() / 1000;
    let claims = json!({
        "iss": "https://acme.example.com/", "sub": "auth0|alice", "aud": "spa", "iat": now, "exp": now + 36_000,
        "email": "alice@example.com", "name": "Alice Adams",
    });
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SPA_SECRET)).expect("it signs")
}

fn parameters(exchange: &Exchange, id_token: &str) -> Map<String, Value> {
    let parameters = json!({
        "client_id": "spa", "grant_type": locum_engine::JWT_BEARER, "id_token": id_token,
        "target": exchange.target, "api_type": exchange.api_type, "scope": "openid email",
    });
    parameters.as_object().cloned().expect("it is an object")
}

/// Times `iterations` delegations on a worker of the runtime, where requests run.
fn delegate(
    runtime: &tokio::runtime::Runtime,
    engine: &Arc<Engine>,
    parameters: &Map<String, Value>,
    iterations: u64,
) -> Duration {
    let (engine, parameters) = (engine.clone(), parameters.clone());
    let caller = Caller {
        host: "acme.example.com".to_owned(),
        ip: [192, 0, 2, 1].into(),
        auth0_client: None,
        user_agent: None,
    };
    let timed = runtime.spawn(async move {
        let start = Instant::now();
        for _ in 0..iterations {
            let tenant = engine.directory().tenant(&caller.host).wait().await;
            let request = DelegationRequest::parse((&parameters).into()).expect("a good request");
            let response = engine.delegate(tenant, request, &caller).await;
            assert!(response.outcome.is_ok(), "{:?}", response.outcome);
        }
        start.elapsed()
    });
    runtime.block_on(timed).expect("no panic")
}

/// The bare cryptography of an exchange, on messages as long as the real ones.
fn bare_crypto(crypto: BareCrypto, id_token: &str, rsa: &RsaKeyPair) -> Vec<u8> {
    let (message, signature) = id_token.rsplit_once('.').expect("a compact JWT");
    let key = hmac::Key::new(hmac::HMAC_SHA256, SPA_SECRET);
    let tag = hmac::sign(&key, message.as_bytes());
    assert_eq!(tag.as_ref().len() * 4 / 3 + 1, signature.len());
    match crypto {
        BareCrypto::HmacThenHmac => hmac::sign(&key, black_box(message).as_bytes()).as_ref().to_vec(),
        BareCrypto::HmacThenRsa => {
            let mut signed = vec![0; rsa.public_modulus_len()];
            rsa.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), black_box(message).as_bytes(), &mut signed)
                .expect("it signs");
            signed
        }
    }
}

fn rsa_key() -> RsaKeyPair {
    let pem = std::fs::read(Path::new(ROOT).join("fixtures/keys/tenant-rsa.pem")).expect("the demo key");
    RsaKeyPair::from_pkcs8(pem::parse(pem).expect("PEM").contents()).expect("an RSA key")
}

fn delegations(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(3)
        .enable_all()
        .build()
        .expect("it starts");
    let engine = {
        let _guard = runtime.enter();
        Arc::new(engine())
    };
    let (id_token, rsa) = (id_token(), rsa_key());
    for exchange in &EXCHANGES {
        let mut group = criterion.benchmark_group(exchange.name);
        let parameters = parameters(exchange, &id_token);
        group.bench_function("delegate", |bencher| {
            bencher.iter_custom(|iterations| delegate(&runtime, &engine, &parameters, iterations));
        });
        group.bench_function("bare_crypto", |bencher| {
            bencher.iter(|| bare_crypto(exchange.bare, &id_token, &rsa))
        });
        group.finish();
    }
}

criterion_group!(benches, delegations);
criterion_main!(benches);
