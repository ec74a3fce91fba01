//! `/samlp/metadata/{client_id}`: what AWS and SAP are given to trust the tenant's assertions.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_engine::prepared::{PreparedTenant, TenantKey};
use locum_engine::{Refusal, RefusalKind};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::request::address;
use crate::response;
use crate::state::{AppState, await_name};

/// All but the unreserved characters of a URL (RFC 3986 section 2.3).
const IN_PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

pub(crate) async fn get(
    State(state): State<Arc<AppState>>,
    client_id: Result<Path<String>, PathRejection>,
    request: Request,
) -> Response {
    let (head, _) = request.into_parts();
    match metadata(&state, &head, client_id.ok()).await {
        Ok(document) => response::public_saml_metadata(document),
        Err(refusal) => response::refusal(&refusal),
    }
}

async fn metadata(
    state: &AppState,
    head: &Parts,
    client_id: Option<Path<String>>,
) -> Result<String, Refusal> {
    let deadline = state.deadline();
    let tenant = state.tenant(head, deadline).await?;
    let client = match &client_id {
        None => None,
        Some(Path(id)) => {
            let lookup = state.engine.find_client(&tenant, id, address(head, &state.proxies)?);
            await_name(lookup, tenant.domain(), deadline).await?
        }
    };
    let client = client.ok_or_else(|| {
        Refusal::new(
            RefusalKind::NotFound,
            "no client of this tenant has this id; end the path with a client_id",
        )
    })?;
    // A certificate of another key would be of no use to the verifier: the first key signs.
    let signing = tenant.keys().first().and_then(certificate).ok_or_else(|| {
        let description =
            "the tenant's signing key has no certificate; add one in PEM to the first signing key";
        Refusal::new(RefusalKind::NotFound, description)
    })?;
    let others = tenant.keys().iter().skip(1).filter_map(certificate);
    let location = location(&tenant, &state.path_prefix, client.id());
    Ok(document(tenant.domain(), &location, std::iter::once(signing).chain(others)))
}

fn location(tenant: &PreparedTenant, path_prefix: &str, client_id: &str) -> String {
    let client_id = utf8_percent_encode(client_id, &IN_PATH);
    format!("https://{}{path_prefix}/samlp/{client_id}", tenant.domain())
}

/// The certificate of a key as XML Signature writes it: base64 of its DER. Anything else given as a
/// certificate may be a private key, and is not shown.
fn certificate(key: &TenantKey) -> Option<String> {
    let pem = pem::parse(key.certificate_pem.as_ref()?).ok()?;
    (pem.tag() == "CERTIFICATE").then(|| STANDARD.encode(pem.contents()))
}

/// An EntityDescriptor (SAML 2.0 Metadata sections 2.3.2 and 2.4.3), its elements in the order of the schema.
///
/// The schema demands a SingleSignOnService, though nothing is served there: assertions are made by delegation alone.
fn document(domain: &str, location: &str, certificates: impl Iterator<Item = String>) -> String {
    let mut keys = String::new();
    for certificate in certificates {
        // Writing to a text cannot fail.
        let _ = write!(
            keys,
            r#"
    <KeyDescriptor use="signing">
      <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{certificate}</X509Certificate></X509Data></KeyInfo>
    </KeyDescriptor>"#
        );
    }
    let entity_id = escaped(&format!("urn:{domain}"));
    let location = escaped(location);
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity_id}">
  <IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="false">{keys}
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{location}"/>
    <SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="{location}"/>
  </IDPSSODescriptor>
</EntityDescriptor>
"#
    )
}

/// A text inside an attribute's quotes.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_end_an_attribute_are_escaped() {
        assert_eq!(escaped(r#"urn:a"><b & "#), "urn:a&quot;&gt;&lt;b &amp; ");
        assert_eq!(escaped("urn:acme.example.com"), "urn:acme.example.com");
    }
}
