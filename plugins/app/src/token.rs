//! The claims of an app token, without input or output.

use locum_plugin::prelude::*;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Claims that the issuer sets itself. No claim of the profile can replace them.
const OWN_CLAIMS: [&str; 8] = ["iss", "sub", "aud", "iat", "exp", "azp", "nbf", "jti"];

/// `iss`, `sub`, `aud`, `iat`, `exp` and `azp`, then the claims that the scopes selected.
pub(crate) struct Claims<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) grant: &'a Grant<NoParameters>,
}

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { issuer, grant } = self;
        let mut claims = serializer.serialize_map(None)?;
        claims.serialize_entry("iss", issuer)?;
        claims.serialize_entry("sub", &grant.user_id)?;
        claims.serialize_entry("aud", &grant.target_id)?;
        claims.serialize_entry("iat", &grant.now)?;
        claims.serialize_entry("exp", &grant.expires_at())?;
        claims.serialize_entry("azp", &grant.client_id)?;
        for (name, value) in &grant.claims {
            if !OWN_CLAIMS.contains(&name.as_str()) {
                claims.serialize_entry(name, value)?;
            }
        }
        claims.end()
    }
}
