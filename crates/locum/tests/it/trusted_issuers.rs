//! Tokens of a provider that publishes its keys, presented to a served process.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_testing::{ACME, GLOBEX, jwk_set, rs256};
use serde_json::{Value, json};

use crate::installation::Installation;
use crate::metrics::Watched;

/// A provider on this machine, which counts what it is asked for.
struct Provider {
    issuer: String,
    keys: Arc<Mutex<String>>,
    requests: Arc<AtomicUsize>,
}

impl Provider {
    /// Signs with the key of [`ACME`].
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let provider = Self { issuer, keys: Arc::new(Mutex::new(jwk_set(ACME))), requests: Arc::default() };
        let configuration =
            json!({"issuer": provider.issuer, "jwks_uri": format!("{}/keys", provider.issuer)}).to_string();
        let (keys, requests) = (Arc::clone(&provider.keys), Arc::clone(&provider.requests));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = head.next().unwrap().unwrap();
                while head.next().is_some_and(|line| !line.unwrap().is_empty()) {}
                requests.fetch_add(1, SeqCst);
                let body = if request.starts_with("GET /keys ") {
                    keys.lock().unwrap().clone()
                } else {
                    assert!(request.starts_with("GET /.well-known/openid-configuration "), "{request}");
                    configuration.clone()
                };
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        provider
    }

    fn token(&self, signer: &str) -> String {
        self.token_of(signer, "alice")
    }

    fn token_of(&self, signer: &str, user: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let claims = json!({"iss": self.issuer, "aud": "spa", "sub": user, "iat": now, "exp": now + 300});
        rs256(signer, &claims)
    }

    /// An installation whose tenant trusts it.
    fn trusted(&self) -> Installation {
        let installation = Installation::new();
        let tenant = std::fs::read_to_string(installation.path("tenant.yaml")).unwrap();
        let trusted = format!(
            "{tenant}trusted_issuers:\n  - issuer: {}\n    jwks: discovery\n    user_id: \"corp|{{sub}}\"\n",
            self.issuer
        );
        installation.write("tenant.yaml", &trusted);
        installation
    }
}

/// The keys of both tenants as one set.
fn both_keys() -> String {
    let [mut both, other] =
        [ACME, GLOBEX].map(|domain| serde_json::from_str::<Value>(&jwk_set(domain)).unwrap());
    both["keys"].as_array_mut().unwrap().extend(other["keys"].as_array().unwrap().clone());
    both.to_string()
}

/// The claims of the id_token of a response.
fn claims(response: &str) -> Value {
    let body: Value = serde_json::from_str(response.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let payload = body["id_token"].as_str().unwrap().split('.').nth(1).unwrap().to_owned();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

#[test]
fn keys_are_fetched_when_a_token_needs_them_and_again_when_the_issuer_changes_them() {
    let provider = Provider::start();
    let installation = provider.trusted();
    assert_eq!(installation.locum(["check"]).code, 0);
    let watched = Watched::start(&installation);
    let server = &watched.server;
    assert_eq!(server.readiness().get("issuer_keys"), None);
    assert_eq!(provider.requests.load(SeqCst), 0, "neither check nor the start needs the network");

    let response = server.exchange(&provider.token(ACME));
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    assert_eq!(claims(&response)["sub"], "corp|alice");
    assert!(server.exchange(&provider.token(ACME)).starts_with("HTTP/1.1 200"));
    assert_eq!(provider.requests.load(SeqCst), 2);

    // A key that the issuer did not have yet; the old one is gone afterwards.
    *provider.keys.lock().unwrap() = jwk_set(GLOBEX);
    assert!(server.exchange(&provider.token(GLOBEX)).starts_with("HTTP/1.1 200"));
    let refused = server.exchange(&provider.token(ACME));
    assert!(refused.starts_with("HTTP/1.1 400") && refused.contains("unknown key"), "{refused}");
    assert_eq!(provider.requests.load(SeqCst), 4);

    let shown = &server.readiness()["issuer_keys"];
    assert_eq!((&shown["issuers"], &shown["failing"]), (&json!(1), &json!(0)));
    let age = format!("locum_issuer_keys_age_seconds{{issuer=\"{}\"}}", provider.issuer);
    assert!(watched.scrape().value(&age).is_some_and(|age| age < 60.0));
}

#[test]
fn while_keys_change_under_load_no_good_token_is_refused_and_they_are_fetched_once_more() {
    const WORKERS: usize = 4;
    const REQUESTS: usize = 75;
    let provider = Provider::start();
    let installation = provider.trusted();
    let watched = Watched::start(&installation);
    let (answered, is_rotated) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |worker: usize| {
        for request in 0..REQUESTS {
            // Tokens of the old key are valid until they expire, and go on being presented.
            let is_new = is_rotated.load(SeqCst) && request % 4 != 0;
            let token =
                provider.token_of(if is_new { GLOBEX } else { ACME }, &format!("user-{worker}-{request}"));
            let response = watched.server.exchange(&token);
            assert!(response.starts_with("HTTP/1.1 200"), "{response}");
            if answered.fetch_add(1, SeqCst) == WORKERS * REQUESTS / 3 {
                *provider.keys.lock().unwrap() = both_keys();
                is_rotated.store(true, SeqCst);
            }
        }
    };
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            scope.spawn(move || work(worker));
        }
    });
    assert_eq!(answered.load(SeqCst), WORKERS * REQUESTS);
    // Each fetch is one of the configuration and one of the keys.
    assert_eq!(provider.requests.load(SeqCst), 4);
}
