//! SAML metadata: what AWS and SAP are given, to the letter, and when there is none to give.

use axum::body::Body;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::secret::Secret;
use locum_engine::tenant::{Client, Tenant, TenantKey};

use crate::world::{Reply, Tenants, World, request, tenant_key};

const KEY: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");
const PATH: &str = "/samlp/metadata/caller";
const SIGNING_KEY_HAS_NONE: &str =
    "the tenant's signing key has no certificate; add one in PEM to the first signing key";

fn key_with(certificate: Option<&str>) -> TenantKey {
    TenantKey::from_pem("certified", Secret::from(KEY), certificate.map(str::to_owned)).unwrap()
}

/// A world whose tenant was changed after its key got a certificate.
fn certified(change: impl FnOnce(&mut Tenant)) -> World {
    let mut tenants = Tenants::usual();
    tenants.0[0].keys = vec![key_with(Some(CERTIFICATE))];
    change(&mut tenants.0[0]);
    World::of(tenants)
}

async fn get(world: &World, path: &str) -> Reply {
    world.send(request(Method::GET, path).body(Body::empty()).unwrap()).await
}

/// The lines between the first and the last of a PEM text, without their ends.
fn base64_of(pem: &str) -> String {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// What stands in all elements of this name.
fn texts<'d>(document: &'d str, name: &str) -> Vec<&'d str> {
    let (start, end) = (format!("<{name}>"), format!("</{name}>"));
    document.split(start.as_str()).skip(1).map(|rest| rest.split_once(end.as_str()).unwrap().0).collect()
}

#[tokio::test]
async fn a_trust_is_set_up_with_the_tenants_name_and_certificate() {
    let reply = get(&certified(|_| {}), PATH).await;
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

#[tokio::test]
async fn the_certificate_is_that_of_the_key_which_signs() {
    let reply = get(&certified(|_| {}), PATH).await;
    let der = STANDARD.decode(texts(&reply.body, "X509Certificate")[0]).unwrap();
    let certifies = |key: &TenantKey| {
        let modulus = URL_SAFE_NO_PAD.decode(&key.public.n).unwrap();
        der.windows(modulus.len()).any(|bytes| bytes == modulus)
    };
    assert!(certifies(&key_with(None)));
    assert!(!certifies(&tenant_key("another")));
}

#[tokio::test]
async fn before_a_key_changes_both_certificates_are_known() {
    let next = pem::encode(&pem::Pem::new("CERTIFICATE", "the next one"));
    let world = certified(|tenant| {
        tenant.keys.extend([tenant_key("without"), key_with(Some(&next)), key_with(Some("no PEM"))]);
    });
    let reply = get(&world, PATH).await;
    let expected = [base64_of(CERTIFICATE), STANDARD.encode("the next one")];
    assert_eq!(texts(&reply.body, "X509Certificate"), expected);
}

#[tokio::test]
async fn without_a_certificate_of_the_signing_key_there_is_nothing_to_trust() {
    let worlds = [
        certified(|tenant| tenant.keys.clear()),
        certified(|tenant| tenant.keys = vec![key_with(None)]),
        certified(|tenant| tenant.keys.insert(0, tenant_key("signs, without a certificate"))),
    ];
    for world in worlds {
        let reply = get(&world, PATH).await;
        assert_eq!(reply.error(), (404, "not_found".to_owned(), SIGNING_KEY_HAS_NONE.to_owned()));
        assert_eq!(reply.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_private_key_in_the_certificates_place_is_not_shown() {
    for misplaced in [KEY.to_owned(), format!("{KEY}{CERTIFICATE}"), base64_of(CERTIFICATE)] {
        let world = certified(|tenant| tenant.keys = vec![key_with(Some(&misplaced))]);
        assert_eq!(get(&world, PATH).await.error().2, SIGNING_KEY_HAS_NONE);
    }
}

#[tokio::test]
async fn an_unknown_client_has_no_metadata() {
    let world = certified(|_| {});
    for path in ["/samlp/metadata/nobody", "/samlp/metadata/Caller", "/samlp/metadata/%FF"] {
        let said = "no client of this tenant has this id; end the path with a client_id";
        assert_eq!(get(&world, path).await.error(), (404, "not_found".to_owned(), said.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_host_has_no_metadata() {
    let mut asked = request(Method::GET, PATH).body(Body::empty()).unwrap();
    asked.headers_mut().insert("host", "unknown.example.com".parse().unwrap());
    let (status, code, description) = certified(|_| {}).send(asked).await.error();
    assert_eq!((status, code.as_str()), (404, "not_found"));
    assert_eq!(description, "no tenant answers on this host");
}

#[tokio::test]
async fn names_cannot_break_out_of_their_places() {
    let world = certified(|tenant| {
        let caller = tenant.clients.remove("caller").unwrap();
        let id = "a\"/><b c".to_owned();
        tenant.clients.insert(id.clone(), Client { id, ..caller });
    });
    let reply = get(&world, "/samlp/metadata/a%22%2F%3E%3Cb%20c").await;
    let location = r#"Location="https://acme.example.com/samlp/a%22%2F%3E%3Cb%20c"/>"#;
    assert_eq!(reply.body.matches(location).count(), 2, "{}", reply.body);
}

#[tokio::test]
async fn it_is_read_and_nothing_else() {
    let world = certified(|_| {});
    let head = world.send(request(Method::HEAD, PATH).body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.body.as_str()), (200, ""));
    for method in [Method::POST, Method::OPTIONS, Method::PUT] {
        let reply = world.send(request(method, PATH).body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, Some("GET, HEAD")));
    }
    for path in ["/samlp/metadata", "/samlp/metadata/", "/samlp/metadata/caller/", "/samlp/caller"] {
        assert_eq!(get(&world, path).await.error().2, "there is nothing at this path", "{path}");
    }
}
