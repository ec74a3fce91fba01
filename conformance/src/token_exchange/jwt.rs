//! Compact JWTs: their claims, and what a case changes of one without its key. No signature is verified here.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// The claims of a compact JWT that is signed; `None` if it is something else.
pub(crate) fn claims(token: &str) -> Option<Map<String, Value>> {
    let [_, claims, _] = parts(token)?;
    decoded(claims)
}

/// The same token with another signature.
pub(crate) fn with_another_signature(token: &str) -> Option<String> {
    let [header, claims, signature] = parts(token)?;
    let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle)? ^= 1;
    Some(format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)))
}

/// The same token for another subject, with the signature of the first.
pub(crate) fn for_another_subject(token: &str) -> Option<String> {
    let [header, claims, signature] = parts(token)?;
    let mut claims = decoded(claims)?;
    claims.insert("sub".to_owned(), "locum-conformance-somebody-else".into());
    Some(format!("{header}.{}.{signature}", encoded(&claims)))
}

/// The same claims without a signature: `alg` is `none` (RFC 7519 section 6).
pub(crate) fn unsigned(token: &str) -> Option<String> {
    let [header, claims, _] = parts(token)?;
    let mut header = decoded(header)?;
    header.insert("alg".to_owned(), "none".into());
    Some(format!("{}.{claims}.", encoded(&header)))
}

fn parts(token: &str) -> Option<[&str; 3]> {
    let parts: Vec<&str> = token.split('.').collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    decoded(parts[0])?.contains_key("alg").then_some(parts)
}

fn decoded(part: &str) -> Option<Map<String, Value>> {
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

fn encoded(members: &Map<String, Value>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(Value::Object(members.clone()).to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token() -> String {
        let header = encoded(json!({"alg": "HS256", "kid": "k"}).as_object().unwrap());
        let claims = encoded(json!({"sub": "alice"}).as_object().unwrap());
        format!("{header}.{claims}.{}", BASE64_URL_SAFE_NO_PAD.encode("signature"))
    }

    #[test]
    fn only_a_signed_compact_jwt_has_claims() {
        assert_eq!(claims(&token()).unwrap()["sub"], "alice");
        for other in ["opaque", "a.b.c", &format!("{}.x.y", token()), ""] {
            assert!(claims(other).is_none(), "{other}");
        }
    }

    #[test]
    fn each_change_concerns_one_part() {
        let token = token();
        let [header, body, signature] = parts(&token).unwrap();
        let changed = with_another_signature(&token).unwrap();
        let [other_header, other_body, other_signature] = parts(&changed).unwrap();
        assert_eq!((other_header, other_body), (header, body));
        assert_ne!(other_signature, signature);
        let changed = for_another_subject(&token).unwrap();
        assert_ne!(claims(&changed).unwrap()["sub"], "alice");
        assert_eq!(parts(&changed).unwrap()[2], signature);
        let changed = unsigned(&token).unwrap();
        assert_eq!(decoded(parts(&changed).unwrap()[0]).unwrap()["alg"], "none");
        assert!(changed.ends_with(&format!(".{body}.")));
    }
}
