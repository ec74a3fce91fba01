//! Times `Engine::delegate` for several issuers, and beside it only the cryptography that each cannot do without.
//!
//! What trust in another issuer costs is timed too: id_tokens of the tenant with and without that trust, and those of the
//! other issuer beside those of the tenant's own key.
//!
//! The cryptography verifies the id_token's HMAC and signs the credential, with keys parsed beforehand. `cargo xtask bench`
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
use locum_engine::contract::SigningKey;
use locum_engine::model::{IssuerKeySource, TrustedIssuer};
use locum_engine::ports::{AuditSink, Clock, PortReply, StoreUnavailable};
use locum_engine::prepared::TenantKey;
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

/// The issuer that the tenant trusts. Its key is that of the demo's Firebase project.
const OTHER_ISSUER: &str = "https://login.corp.example/";

/// An id_token to exchange for an HS256 token, and whether the tenant trusts the other issuer.
struct Trust {
    name: &'static str,
    trusts: bool,
    id_token: fn() -> (String, &'static str),
}

const TRUST: [Trust; 4] = [
    Trust { name: "hs256_of_the_tenant_alone", trusts: false, id_token: || (id_token(), "spa") },
    Trust { name: "hs256_of_the_tenant", trusts: true, id_token: || (id_token(), "spa") },
    Trust {
        name: "rs256_of_the_tenant",
        trusts: true,
        id_token: || (rs256("https://acme.example.com/", "tenant-2026", "tenant-rsa.pem"), "rs-spa"),
    },
    Trust {
        name: "rs256_of_the_other_issuer",
        trusts: true,
        id_token: || (rs256(OTHER_ISSUER, "other", "firebase.pem"), "rs-spa"),
    },
];

struct DiscardingAuditSink;

impl AuditSink for DiscardingAuditSink {
    fn record(&self, event: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        black_box(event);
        PortReply::Now(Ok(()))
    }
}

fn engine(trusts: bool) -> Engine {
    let plugins = std::env::var("LOCUM_BENCH_PLUGINS").expect("run this benchmark with `cargo xtask bench`");
    let upstreams = Arc::new(HttpUpstreams::new().expect("the HTTP client starts"));
    let issuers =
        PluginSet::load_directory(Path::new(&plugins), LoadOptions::new(upstreams)).expect("pinned plugins");
    let path = Path::new(ROOT).join("fixtures/demo/tenant.yaml");
    let no_environment = |_: &str| None;
    let base = path.parent().expect("it has a parent");
    let mut file = load(&path, &References::new(&no_environment, base)).expect("the demo tenant");
    file.data.tenant.trusted_issuers = if trusts { vec![other_issuer()] } else { Vec::new() };
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

fn other_issuer() -> TrustedIssuer {
    let mut key = TenantKey::from_signing_key(&SigningKey {
        kid: "other".to_owned(),
        private_key_pem: private_key("firebase.pem").into(),
        certificate_pem: None,
    })
    .expect("the demo key");
    let (n, e) = (std::mem::take(&mut key.public.n), std::mem::take(&mut key.public.e));
    let set = json!({"keys": [{"kty": "RSA", "kid": key.kid, "n": n, "e": e}]});
    let user_id = "corp|{sub}".parse().expect("a prefix and a claim");
    TrustedIssuer::new(OTHER_ISSUER, IssuerKeySource::Set(set.to_string()), user_id)
}

fn private_key(name: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join("fixtures/keys").join(name)).expect("the demo key")
}

fn claims(issuer: &str, audience: &str) -> Value {
    let now = SystemClock.now_unix_ms() / 1000;
    json!({
        "iss": issuer, "sub": "auth0|alice", "aud": audience, "iat": now, "exp": now + 36_000,
        "email": "alice@example.com", "name": "Alice Adams",
    })
}

fn id_token() -> String {
    let claims = claims("https://acme.example.com/", "spa");
    encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(SPA_SECRET)).expect("it signs")
}

fn rs256(issuer: &str, kid: &str, key: &str) -> String {
    let key = EncodingKey::from_rsa_pem(private_key(key).as_bytes()).expect("the demo key");
    let mut header = Header::new(Algorithm::RS256);
    header.kid = Some(kid.to_owned());
    encode(&header, &claims(issuer, "rs-spa"), &key).expect("it signs")
}

fn parameters(client_id: &str, id_token: &str, target: &str, api_type: &str) -> Map<String, Value> {
    let parameters = json!({
        "client_id": client_id, "grant_type": locum_engine::JWT_BEARER, "id_token": id_token,
        "target": target, "api_type": api_type, "scope": "openid email",
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
    let [alone, trusting] = [false, true].map(|trusts| {
        let _guard = runtime.enter();
        Arc::new(engine(trusts))
    });
    let (id_token, rsa) = (id_token(), rsa_key());
    for exchange in &EXCHANGES {
        let mut group = criterion.benchmark_group(exchange.name);
        let parameters = parameters("spa", &id_token, exchange.target, exchange.api_type);
        group.bench_function("delegate", |bencher| {
            bencher.iter_custom(|iterations| delegate(&runtime, &alone, &parameters, iterations));
        });
        group.bench_function("bare_crypto", |bencher| {
            bencher.iter(|| bare_crypto(exchange.bare, &id_token, &rsa))
        });
        group.finish();
    }
    let mut group = criterion.benchmark_group("trust");
    for Trust { name, trusts, id_token } in TRUST {
        let (id_token, client_id) = id_token();
        let parameters = parameters(client_id, &id_token, "orders-api", "app");
        let engine = if trusts { &trusting } else { &alone };
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|iterations| delegate(&runtime, engine, &parameters, iterations));
        });
    }
    group.finish();
}

criterion_group!(benches, delegations);
criterion_main!(benches);
