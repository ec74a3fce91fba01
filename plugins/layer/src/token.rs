//! The claims of a Layer identity token and the grammar of nonces, without input or output.

use locum_plugin::prelude::*;

/// Longest nonce. Layer's own are a third as long.
const NONCE_BYTES_MAX: usize = 256;

/// A nonce that the client got from Layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Nonce<'a>(&'a str);

impl<'a> Nonce<'a> {
    /// 1 to 256 letters, digits and `-._~+/=`: the characters of base64, hex and UUIDs.
    pub(crate) fn parse(nonce: Option<&'a str>) -> Result<Self, &'static str> {
        let nonce = nonce.ok_or("missing nonce parameter: ask Layer for a nonce and send it")?;
        let good = (1..=NONCE_BYTES_MAX).contains(&nonce.len())
            && nonce.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte));
        if good { Ok(Self(nonce)) } else { Err("a nonce has 1 to 256 letters, digits and -._~+/=") }
    }
}

/// `iss`, `prn` (the user), `iat`, `exp` and `nce` (the nonce).
pub(crate) fn claims(
    provider_id: &str,
    user: &str,
    nonce: Nonce<'_>,
    now: UnixTime,
    expires_at: UnixTime,
) -> Value {
    json!({ "iss": provider_id, "prn": user, "iat": now, "exp": expires_at, "nce": nonce.0 })
}
