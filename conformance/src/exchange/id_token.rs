//! Builds the id_tokens that cases present, valid and invalid.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use serde_json::{Map, Value, json};

use crate::fixtures::fixture::{PresentedToken, Signer, Tampering};
use crate::fixtures::merge_patch::merge_patch;
use crate::fixtures::tested_tenant::TestedTenant;
use crate::fixtures::variables::Variables;

/// A secret that no client has.
const UNKNOWN_SECRET: &[u8] = b"a-secret-that-no-client-has-0123456789-0123";

/// The id_token of a step. `attributes` are the claims about the user in a valid token.
///
/// # Errors
/// An unknown variable, or a tenant without the signing key that the fixture names.
pub(crate) fn id_token(
    presented: &PresentedToken,
    tenant: &TestedTenant,
    attributes: &Map<String, Value>,
    variables: &Variables,
) -> Result<String, String> {
    if let Some(text) = &presented.text {
        return variables.text(text).map_err(|error| error.to_string());
    }
    let key = Key::of(presented.signed_by, tenant)?;
    let mut header =
        Map::from_iter([("typ".to_owned(), "JWT".into()), ("alg".to_owned(), key.name().into())]);
    if let Key::Rsa { kid, .. } = &key {
        header.insert("kid".to_owned(), kid.as_str().into());
    }
    let mut claims = valid_claims(tenant, variables);
    claims.extend(attributes.clone());
    for (part, patch) in [(&mut header, &presented.header), (&mut claims, &presented.claims)] {
        merge_patch(part, &variables.object(patch).map_err(|error| error.to_string())?);
    }
    let claims = match presented.tampering {
        Some(Tampering::DuplicateSubject) => with_second_subject(&claims),
        _ => Value::Object(claims).to_string(),
    };
    let message = format!("{}.{}", encoded(Value::Object(header).to_string()), encoded(&claims));
    let signature = key.sign(message.as_bytes())?;
    Ok(tampered(presented.tampering, format!("{message}.{signature}"), &claims))
}

fn valid_claims(tenant: &TestedTenant, variables: &Variables) -> Map<String, Value> {
    let now = variables.now.earliest;
    let user = variables.text("${user}").unwrap_or_default();
    let claims = json!({
        "iss": format!("https://{}/", tenant.domain()),
        "sub": user,
        "aud": tenant.roles.caller,
        "iat": now - 60,
        "exp": now + 35_940,
    });
    match claims {
        Value::Object(claims) => claims,
        _ => Map::new(),
    }
}

fn with_second_subject(claims: &Map<String, Value>) -> String {
    let text = Value::Object(claims.clone()).to_string();
    format!("{},\"sub\":\"auth0|mallory\"}}", text.trim_end_matches('}'))
}

fn tampered(tampering: Option<Tampering>, token: String, claims: &str) -> String {
    match tampering {
        None | Some(Tampering::DuplicateSubject) => token,
        Some(Tampering::Truncated) => token.chars().take(token.chars().count().saturating_sub(1)).collect(),
        Some(Tampering::Extended) => format!("{token}A"),
        Some(Tampering::OtherSubject) => {
            let other = claims.replacen("\"sub\":\"", "\"sub\":\"x", 1);
            let mut parts: Vec<&str> = token.split('.').collect();
            let other = encoded(other);
            if let Some(payload) = parts.get_mut(1) {
                *payload = &other;
            }
            parts.join(".")
        }
    }
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

enum Key {
    Secret(Vec<u8>),
    Rsa { pem: String, kid: String },
    Nothing,
}

impl Key {
    fn of(signer: Signer, tenant: &TestedTenant) -> Result<Self, String> {
        let tenant_key = || {
            tenant
                .signing_key()
                .map(|(pem, kid)| Self::Rsa { pem: pem.to_owned(), kid: kid.to_owned() })
                .ok_or("the tenant has no signing key".to_owned())
        };
        match signer {
            Signer::Caller if tenant.caller_uses_tenant_key() => tenant_key(),
            Signer::Caller => Ok(Self::Secret(tenant.caller_secret().to_vec())),
            Signer::TenantKey => tenant_key(),
            Signer::TenantPublicKeyAsSecret => match tenant_key()? {
                Self::Rsa { pem, .. } => public_modulus(&pem).map(Self::Secret),
                key => Ok(key),
            },
            Signer::Stranger => Ok(Self::Secret(UNKNOWN_SECRET.to_vec())),
            Signer::Nobody => Ok(Self::Nothing),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Secret(_) => "HS256",
            Self::Rsa { .. } => "RS256",
            Self::Nothing => "none",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<String, String> {
        let signed = match self {
            Self::Secret(secret) => {
                crypto::sign(message, &EncodingKey::from_secret(secret), Algorithm::HS256)
            }
            Self::Rsa { pem, .. } => EncodingKey::from_rsa_pem(pem.as_bytes())
                .and_then(|key| crypto::sign(message, &key, Algorithm::RS256)),
            Self::Nothing => return Ok(String::new()),
        };
        signed.map_err(|error| format!("the id_token cannot be signed: {error}"))
    }
}

/// The modulus as the published JWKS states it, which an attacker would use as an HMAC secret.
fn public_modulus(pem: &str) -> Result<Vec<u8>, String> {
    let unusable = |_| "the tenant's key is not an RSA key".to_owned();
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(unusable)?;
    match Jwk::from_encoding_key(&key, Algorithm::RS256).map_err(unusable)?.algorithm {
        AlgorithmParameters::RSA(public) => Ok(public.n.into_bytes()),
        _ => Err("the tenant's key is not an RSA key".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::DecodingKey;

    use super::*;
    use crate::fixtures::built_in;
    use crate::fixtures::tenant_document::TenantDocument;
    use crate::fixtures::tested_tenant::Roles;
    use crate::fixtures::variables::TimeWindow;
    use crate::fixtures::yaml::{include_files, parse};

    fn tenant() -> TestedTenant {
        let mut document: Value = parse("tenant.yaml", built_in::text("tenant.yaml").unwrap()).unwrap();
        include_files(&mut document, &|path| Ok(built_in::text(path).unwrap().to_owned())).unwrap();
        TestedTenant { data: TenantDocument::new(document).tenant().unwrap(), roles: Roles::of_suite() }
    }

    fn built(presented: &str) -> String {
        let _ = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let mut variables = Variables::new(TimeWindow { earliest: 1_000, latest: 1_000 });
        variables.set("user", "auth0|alice");
        let attributes = Map::from_iter([("name".to_owned(), "Alice".into())]);
        id_token(&parse("token.yaml", presented).unwrap(), &tenant(), &attributes, &variables).unwrap()
    }

    fn part(token: &str, index: usize) -> Value {
        let text = token.split('.').nth(index).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    }

    fn is_signed_by_the_caller(token: &str) -> bool {
        let (message, signature) = token.rsplit_once('.').unwrap();
        let key = DecodingKey::from_secret(tenant().caller_secret());
        crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256).unwrap_or(false)
    }

    #[test]
    fn an_empty_fixture_token_is_valid() {
        let token = built("{}");
        assert!(is_signed_by_the_caller(&token));
        assert_eq!(part(&token, 0), json!({"typ": "JWT", "alg": "HS256"}));
        assert_eq!(
            part(&token, 1),
            json!({
                "iss": "https://acme.example.com/", "sub": "auth0|alice", "aud": "caller", "iat": 940, "exp": 36_940,
                "name": "Alice",
            })
        );
    }

    #[test]
    fn patched_claims_and_header_are_signed() {
        let token = built("{ claims: { exp: \"${now-1}\", name: null }, header: { kid: k1 } }");
        assert!(is_signed_by_the_caller(&token));
        assert_eq!((part(&token, 1)["exp"].as_i64(), part(&token, 1).get("name")), (Some(999), None));
        assert_eq!(part(&token, 0)["kid"], "k1");
    }

    #[test]
    fn another_signer_does_not_give_the_callers_signature() {
        let algorithms = [
            ("tenant-key", "RS256"),
            ("tenant-public-key-as-secret", "HS256"),
            ("stranger", "HS256"),
            ("nobody", "none"),
        ];
        for (signer, algorithm) in algorithms {
            let token = built(&format!("signed_by: {signer}"));
            assert!(!is_signed_by_the_caller(&token), "{signer}");
            assert_eq!(part(&token, 0)["alg"], algorithm, "{signer}");
        }
    }

    #[test]
    fn tampering_invalidates_the_signature() {
        for tampering in ["truncated", "extended", "other-subject"] {
            assert!(!is_signed_by_the_caller(&built(&format!("tampering: {tampering}"))), "{tampering}");
        }
        assert_eq!(part(&built("tampering: other-subject"), 1)["sub"], "xauth0|alice");
    }

    #[test]
    fn a_duplicate_subject_has_a_valid_signature() {
        let token = built("tampering: duplicate-subject");
        assert!(is_signed_by_the_caller(&token));
        let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(String::from_utf8(claims).unwrap().matches("\"sub\":").count(), 2);
    }
}
