//! `signing_keys` and `next_signing_key` of a tenant file.

use locum_engine::prepared::PreparedTenant;
use locum_testing::{ACME, GLOBEX, signing_key};

use crate::tenant_file::read_text;

/// A file with the key `now`, and what follows of the next one.
fn file(current: &str, next: &str) -> Result<locum_store::tenant_file::TenantFile, String> {
    let quoted = |domain| serde_json::to_string(signing_key(domain).private_key_pem.expose()).unwrap();
    let next = next.replace("PEM", &quoted(GLOBEX));
    let own = quoted(ACME);
    read_text(&format!(
        "domain: {ACME}\nsigning_keys:\n  - {{kid: now, private_key: {own}{current}}}\n{next}"
    ))
}

const NEXT: &str = "next_signing_key: {kid: then, private_key: PEM, published_since: 2030-01-31T00:00:00Z}\n";

#[test]
fn the_next_key_is_published_and_verifies_and_does_not_sign() {
    let tenant = file(", current_since: 2029-12-31T12:00:00+01:00", NEXT).unwrap().data.tenant;
    let kids: Vec<&str> = tenant.signing_keys.iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["now"]);
    assert_eq!(tenant.next_signing_key.as_ref().unwrap().kid, "then");
    let prepared = PreparedTenant::prepare(tenant).unwrap();
    let kids: Vec<&str> = prepared.keys().iter().map(|key| key.kid.as_str()).collect();
    assert_eq!(kids, ["now", "then"]);
    assert!(file("", "").unwrap().data.tenant.next_signing_key.is_none());
}

#[test]
fn a_field_with_an_error_is_named() {
    for (current, next, pointer) in [
        ("", NEXT.replace("kid: then", "kid: now"), "/next_signing_key/kid"),
        ("", NEXT.replace("kid: then, ", ""), "/next_signing_key/kid"),
        ("", NEXT.replace("private_key: PEM, ", ""), "/next_signing_key/private_key"),
        ("", NEXT.replace("PEM", "nonsense"), "/next_signing_key/private_key"),
        (
            "",
            NEXT.replace(", published_since: 2030-01-31T00:00:00Z", ""),
            "/next_signing_key/published_since",
        ),
        ("", NEXT.replace("2030-01-31T00:00:00Z", "2030-01-31"), "/next_signing_key/published_since"),
        ("", NEXT.replace("published_since", "current_since"), "/next_signing_key/current_since"),
        (", current_since: soon", String::new(), "/signing_keys/0/current_since"),
        (", current_until: '2030-13-01T00:00:00Z'", String::new(), "/signing_keys/0/current_until"),
    ] {
        let refused = file(current, &next).unwrap_err();
        assert!(refused.contains(&format!("(at {pointer})")), "{pointer}: {refused}");
        assert!(!refused.contains("nonsense") && !refused.contains("PRIVATE KEY"), "{refused}");
    }
}
