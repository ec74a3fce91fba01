//! The claims of both token schemes, without input or output.

use locum_plugin::prelude::*;

/// The `aud` of every custom token.
const AUDIENCE: &str =
    "https://identitytoolkit.googleapis.com/google.identity.identitytoolkit.v1.IdentityToolkit";

/// Names that Firebase reserves: developer claims cannot use them.
const RESERVED: [&str; 16] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "cnf",
    "exp",
    "firebase",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "sub",
];

/// The profile attribute that gives the user-specific claims of a token.
const ATTRIBUTE: &str = "firebase_data";

/// Longest `uid` of a custom token. Some of Firebase's SDKs count UTF-16 units and some code points; there are never fewer
/// units than code points.
const UID_UNITS_MAX: usize = 128;
/// Longest JSON text of the developer claims.
const CLAIMS_CHARS_MAX: usize = 1000;
/// Longest `uid` of a legacy token.
const LEGACY_UID_BYTES_MAX: usize = 256;
/// Longest legacy token.
const LEGACY_TOKEN_BYTES_MAX: usize = 1024;

/// `iss`, `sub`, `aud`, `iat`, `exp` and `uid`, and `claims` if the profile has any.
pub(crate) fn custom_claims(
    client_email: &str,
    grant: &Grant<NoParameters>,
) -> Result<Map<String, Value>, Failure> {
    let mut developer_claims = firebase_data(grant)?.cloned().unwrap_or_default();
    let uid = match developer_claims.shift_remove("uid") {
        None => uid_within(UID_UNITS_MAX, "user_id", grant.user_id.clone())?,
        Some(Value::String(uid)) => uid_within(UID_UNITS_MAX, ATTRIBUTE, uid)?,
        Some(_) => return Err(Failure::attribute_unusable(ATTRIBUTE, "`uid` must be a text")),
    };
    if let Some(name) = RESERVED.iter().find(|name| developer_claims.contains_key(**name)) {
        return Err(Failure::attribute_unusable(ATTRIBUTE, format!("Firebase reserves the name `{name}`")));
    }
    let mut claims = Map::new();
    claims.insert("iss".to_owned(), client_email.into());
    claims.insert("sub".to_owned(), client_email.into());
    claims.insert("aud".to_owned(), AUDIENCE.into());
    claims.insert("iat".to_owned(), grant.now.into());
    claims.insert("exp".to_owned(), grant.expires_at().into());
    claims.insert("uid".to_owned(), uid.into());
    if !developer_claims.is_empty() {
        let developer_claims = Value::Object(developer_claims);
        if developer_claims.to_string().chars().count() > CLAIMS_CHARS_MAX {
            let why = format!("its claims have more than {CLAIMS_CHARS_MAX} characters of JSON");
            return Err(Failure::attribute_unusable(ATTRIBUTE, why));
        }
        claims.insert("claims".to_owned(), developer_claims);
    }
    Ok(claims)
}

/// `v`, `d`, `iat` and `exp`. `d` is the profile's `firebase_data`, or without it the user's id under the two names that
/// Auth0 used.
pub(crate) fn legacy_claims(grant: &Grant<NoParameters>) -> Result<Map<String, Value>, Failure> {
    let content = match firebase_data(grant)? {
        Some(content) => content.clone(),
        None => Map::from_iter(["uid", "fb_id"].map(|name| (name.to_owned(), grant.user_id.clone().into()))),
    };
    match content.get("uid") {
        None => {}
        Some(Value::String(uid)) if uid.len() <= LEGACY_UID_BYTES_MAX => {}
        Some(_) => {
            let why = format!("`uid` must be a text of at most {LEGACY_UID_BYTES_MAX} bytes");
            return Err(Failure::attribute_unusable(ATTRIBUTE, why));
        }
    }
    let mut claims = Map::new();
    claims.insert("v".to_owned(), 0.into());
    claims.insert("d".to_owned(), content.into());
    claims.insert("iat".to_owned(), grant.now.into());
    claims.insert("exp".to_owned(), grant.expires_at().into());
    Ok(claims)
}

/// The legacy token, if it is not longer than Firebase accepts.
pub(crate) fn within_legacy_limit(token: String) -> Result<String, Failure> {
    if token.len() > LEGACY_TOKEN_BYTES_MAX {
        let why = format!("the token would have more than {LEGACY_TOKEN_BYTES_MAX} bytes");
        return Err(Failure::attribute_unusable(ATTRIBUTE, why));
    }
    Ok(token)
}

fn firebase_data(grant: &Grant<NoParameters>) -> Result<Option<&Map<String, Value>>, Failure> {
    match grant.profile.get(ATTRIBUTE) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(content)) => Ok(Some(content)),
        Some(_) => Err(Failure::attribute_unusable(ATTRIBUTE, "it must be an object")),
    }
}

fn uid_within(units_max: usize, attribute: &str, uid: String) -> Result<String, Failure> {
    if uid.is_empty() || uid.encode_utf16().count() > units_max {
        let why = format!("Firebase accepts a uid of 1 to {units_max} characters");
        return Err(Failure::attribute_unusable(attribute, why));
    }
    Ok(uid)
}
