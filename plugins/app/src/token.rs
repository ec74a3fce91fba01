//! The claims of an app token, without input or output.

use locum_plugin::prelude::*;

/// Claims that the issuer sets itself. No claim of the profile can replace them.
const OWN_CLAIMS: [&str; 8] = ["iss", "sub", "aud", "iat", "exp", "azp", "nbf", "jti"];

/// `iss`, `sub`, `aud`, `iat`, `exp` and `azp`, then the claims that the scopes selected.
pub(crate) fn claims(issuer: &str, grant: &Grant<NoParameters>) -> Map<String, Value> {
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), issuer.into());
    claims.insert("sub".to_owned(), grant.user_id.as_str().into());
    claims.insert("aud".to_owned(), grant.target_id.as_str().into());
    claims.insert("iat".to_owned(), grant.now.into());
    claims.insert("exp".to_owned(), grant.expires_at().into());
    claims.insert("azp".to_owned(), grant.client_id.as_str().into());
    for (name, value) in &grant.claims {
        if !OWN_CLAIMS.contains(&name.as_str()) {
            claims.insert(name.clone(), value.clone());
        }
    }
    claims
}
