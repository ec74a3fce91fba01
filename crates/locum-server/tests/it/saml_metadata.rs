//! SAML metadata: what AWS and SAP are given, compared as a whole, and when it is refused.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::configuration::SigningKey;
use locum_engine::model::Tenant;
use locum_engine::prepared::PreparedTenant;
use locum_server::ServerOptions;
use locum_testing::{ACME, GLOBEX, TestSetup, acme_key, signing_key};

use crate::test_server::{TestServer, at, code, empty};

const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");
const PATH: &str = "/samlp/metadata/caller";
const NO_CERTIFICATE: &str =
    "the tenant's signing key has no certificate; add one in PEM to the first signing key";

fn key_with(certificate: Option<&str>) -> SigningKey {
    SigningKey { certificate_pem: certificate.map(str::to_owned), ..signing_key(ACME) }
}

/// A key that [`CERTIFICATE`] does not belong to.
fn other_key() -> SigningKey {
    signing_key(GLOBEX)
}

/// A server whose tenant has a key with a certificate, changed.
fn certified(change: impl FnOnce(&mut TestSetup)) -> TestServer {
    certified_with(change, ServerOptions::default())
}

fn certified_with(change: impl FnOnce(&mut TestSetup), options: ServerOptions) -> TestServer {
    let certify = |setup: &mut TestSetup| {
        setup.acme.tenant.signing_keys = vec![key_with(Some(CERTIFICATE))];
        change(setup);
    };
    TestServer::build(certify, options)
}

/// The base64 lines of a PEM text.
fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// The texts of all elements of this name.
fn texts<'d>(document: &'d str, name: &str) -> Vec<&'d str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    document.split(start.as_str()).skip(1).map(|rest| rest.split_once(end.as_str()).unwrap().0).collect()
}

#[tokio::test]
async fn metadata_has_the_tenants_name_and_certificate() {
    let reply = certified(|_| {}).get(PATH).await;
    let certificate = base64_of(CERTIFICATE);
    assert_eq!(
        reply.body,
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="urn:acme.example.com">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="false">
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>
    </KeyDescriptor>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://acme.example.com/samlp/caller"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://acme.example.com/samlp/caller"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"#
        )
    );
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header_lines(),
        [
            "cache-control: public, max-age=300",
            "content-type: application/samlmetadata+xml",
            "x-content-type-options: nosniff",
        ]
    );
}

/// The entity is the same wherever the router is mounted.
#[tokio::test]
async fn metadata_names_urls_under_the_path_prefix() {
    let prefixed = ServerOptions { path_prefix: "/auth".to_owned(), ..ServerOptions::default() };
    let body = certified_with(|_| {}, prefixed).get(PATH).await.body;
    assert_eq!(
        body.matches(r#"Location="https://acme.example.com/auth/samlp/caller"/>"#).count(),
        2,
        "{body}"
    );
    assert!(body.contains(r#"entityID="urn:acme.example.com""#), "{body}");
}

#[tokio::test]
async fn the_certificate_belongs_to_the_signing_key() {
    let reply = certified(|_| {}).get(PATH).await;
    let der = STANDARD.decode(texts(&reply.body, "X509Certificate")[0]).unwrap();
    let certifies = |key: SigningKey| {
        let mut tenant = Tenant::new(ACME);
        tenant.signing_keys = vec![key];
        let prepared = PreparedTenant::prepare(tenant).unwrap();
        let modulus = URL_SAFE_NO_PAD.decode(&prepared.keys()[0].public.n).unwrap();
        der.windows(modulus.len()).any(|bytes| bytes == modulus)
    };
    assert!(certifies(key_with(None)));
    assert!(!certifies(other_key()));
}

#[tokio::test]
async fn the_certificates_of_further_keys_follow() {
    let next = pem::encode(&pem::Pem::new("CERTIFICATE", "the next one"));
    let server = certified(|setup| {
        let further = [other_key(), key_with(Some(&next)), key_with(Some("not PEM"))];
        setup.acme.tenant.signing_keys.extend(further);
    });
    let reply = server.get(PATH).await;
    let expected = [base64_of(CERTIFICATE), STANDARD.encode("the next one")];
    assert_eq!(texts(&reply.body, "X509Certificate"), expected);
}

#[tokio::test]
async fn metadata_is_refused_if_the_signing_key_has_no_certificate() {
    let servers = [
        certified(|setup| setup.acme.tenant.signing_keys.clear()),
        certified(|setup| setup.acme.tenant.signing_keys = vec![key_with(None)]),
        certified(|setup| setup.acme.tenant.signing_keys.insert(0, other_key())),
    ];
    for server in servers {
        let reply = server.get(PATH).await;
        assert_eq!(reply.error(), (404, "not_found".to_owned(), NO_CERTIFICATE.to_owned()));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_private_key_given_as_certificate_is_not_shown() {
    let key = acme_key();
    for misplaced in [key.to_owned(), format!("{key}{CERTIFICATE}"), base64_of(CERTIFICATE)] {
        let server = certified(|setup| setup.acme.tenant.signing_keys = vec![key_with(Some(&misplaced))]);
        assert_eq!(server.get(PATH).await.error().2, NO_CERTIFICATE);
    }
}

#[tokio::test]
async fn an_unknown_client_has_no_metadata() {
    let server = certified(|_| {});
    for path in ["/samlp/metadata/nobody", "/samlp/metadata/Caller", "/samlp/metadata/%FF"] {
        let description = "no client of this tenant has this id; end the path with a client_id";
        let error = (404, "not_found".to_owned(), description.to_owned());
        assert_eq!(server.get(path).await.error(), error, "{path}");
    }
}

#[tokio::test]
async fn an_unknown_host_has_no_metadata() {
    let reply = certified(|_| {}).send(at("unknown.example.com", empty(Method::GET, PATH))).await;
    assert_eq!(reply.error_code(), code(404, "not_found"));
    assert_eq!(reply.error().2, "no tenant answers on this host");
}

#[tokio::test]
async fn a_client_id_cannot_break_out_of_its_attribute() {
    let server = certified(|setup| setup.client("caller").id = "a\"/><b c".to_owned());
    let reply = server.get("/samlp/metadata/a%22%2F%3E%3Cb%20c").await;
    let location = r#"Location="https://acme.example.com/samlp/a%22%2F%3E%3Cb%20c"/>"#;
    assert_eq!(reply.body.matches(location).count(), 2, "{}", reply.body);
}

#[tokio::test]
async fn metadata_is_served_to_get_and_head_alone() {
    let server = certified(|_| {});
    let head = server.send(empty(Method::HEAD, PATH)).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    for method in [Method::POST, Method::OPTIONS, Method::PUT] {
        let reply = server.send(empty(method, PATH)).await;
        assert_eq!(reply.error_code(), code(405, "invalid_request"));
        assert_eq!(reply.allowed_methods(), ["GET", "HEAD"]);
    }
    for path in ["/samlp/metadata", "/samlp/metadata/", "/samlp/metadata/caller/", "/samlp/caller"] {
        assert_eq!(server.get(path).await.error().2, "there is nothing at this path", "{path}");
    }
}
