//! TLS with an upstream by the settings: a client certificate and an authority of its own, neither of which the plugin is given.

use std::sync::Arc;
use std::time::Duration;

use locum_abi::answer::Credential;
use locum_engine::ports::{Issuer, IssuerFailure};
use locum_host::HttpUpstreams;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::harness::{configured, issue, load_with, options, parrot, refused};

/// An authority, which certifies both sides.
struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its private key, PEM.
struct Certified {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    fn certifies(&self, name: &str) -> Certified {
        let key = KeyPair::generate().unwrap();
        let certificate =
            CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &self.0).unwrap();
        Certified { certificate, key }
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A server on this machine that this authority certifies, and that takes clients that it certifies only.
    async fn server(&self) -> String {
        let Certified { certificate, key } = self.certifies("localhost");
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let clients = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder()
            .with_client_cert_verifier(clients)
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/token", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n")
                    && stream.read_buf(&mut request).await.is_ok_and(|read| read > 0)
                {}
                let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi";
                let _ = stream.write_all(reply).await;
                let _ = stream.shutdown().await;
            }
        });
        url
    }
}

impl Certified {
    fn pem(&self) -> String {
        format!("{}{}", self.certificate.pem(), self.key.serialize_pem())
    }
}

/// The answers of an issuer that calls this URL, and then issues what it was configured with.
fn answers(url: &str) -> Value {
    let call = json!({"kind": "call", "request": {"method": "GET", "url": url}}).to_string();
    let echo = r#"{"kind":"issued","credential":{"text":{configuration}},"issued_at":1900000000}"#;
    json!([call, echo])
}

fn issuer(settings: Value) -> Arc<dyn Issuer> {
    configured(&set(), "parrot_calls", settings)
}

fn set() -> locum_host::PluginSet {
    let upstreams = Arc::new(HttpUpstreams::new().unwrap());
    load_with(parrot(), options(upstreams, Duration::from_secs(60))).unwrap()
}

#[tokio::test]
async fn the_host_authenticates_by_a_setting_that_the_plugin_is_not_given() {
    let authority = Authority::new();
    let url = authority.server().await;
    let certificate = authority.certifies("locum").pem();
    let settings =
        json!({"upstream": url, "answers": answers(&url), "certificate": certificate, "ca": authority.pem()});
    let Credential::Text(configuration) = issue(&*issuer(settings)).await.unwrap().credential else {
        panic!("no text")
    };
    let configuration: Value = serde_json::from_str(&configuration).unwrap();
    let given: Vec<&String> = configuration["settings"].as_object().unwrap().keys().collect();
    assert_eq!(given, ["upstream", "answers"]);
    assert!(!configuration.to_string().contains("BEGIN"), "{configuration}");
}

#[tokio::test]
async fn without_one_of_the_two_settings_or_with_anothers_there_is_no_connection() {
    let authority = Authority::new();
    let url = authority.server().await;
    let (certificate, other) = (authority.certifies("locum").pem(), Authority::new());
    for (certificate, ca) in [
        (None, Some(authority.pem())),
        (Some(certificate.clone()), None),
        (Some(certificate), Some(other.pem())),
        (Some(other.certifies("locum").pem()), Some(authority.pem())),
    ] {
        let mut settings = json!({"upstream": url, "answers": answers(&url)});
        settings["certificate"] = json!(certificate);
        settings["ca"] = json!(ca);
        let members = settings.as_object_mut().unwrap();
        members.retain(|_, value| !value.is_null());
        let outcome = issue(&*issuer(settings)).await;
        let Err(IssuerFailure::UpstreamUnreachable(why)) = outcome else { panic!("{outcome:?}") };
        assert!(why.starts_with("https://localhost:") && !why.contains("BEGIN"), "{why}");
    }
}

#[test]
fn a_setting_for_tls_that_cannot_be_used_is_named() {
    let authority = Authority::new();
    let (mine, other) = (authority.certifies("locum"), authority.certifies("locum"));
    let mixed = format!("{}{}", mine.certificate.pem(), other.key.serialize_pem());
    let https = "https://bank.example.com/";
    for (settings, pointer, why) in [
        (
            json!({"upstream": https, "certificate": mine.certificate.pem()}),
            "/certificate",
            "its private key",
        ),
        (json!({"upstream": https, "certificate": mixed}), "/certificate", "keys may not be consistent"),
        (json!({"upstream": https, "ca": "hunter2"}), "/ca", "there is no certificate in PEM"),
        (
            json!({"upstream": "http://bank.example.com/", "certificate": mine.pem()}),
            "/upstream",
            "expected an https URL",
        ),
    ] {
        let failure = refused(&set(), "parrot_calls", settings);
        assert_eq!(failure.pointer.as_deref(), Some(pointer), "{failure:?}");
        assert!(failure.message.contains(why), "{failure:?}");
    }
    configured(&set(), "parrot_calls", json!({"upstream": https, "certificate": mine.pem()}));
}
