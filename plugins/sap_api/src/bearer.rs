//! SAP's SAML bearer grant (RFC 7522): the call for a token, and the lifetime that the answer states.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_plugin::prelude::*;
use locum_plugin::saml::{Assertion, Attribute, SamlSigner};
use locum_plugin::upstream::post_form;
use serde_json::value::RawValue;

/// The lifetime of an assertion, in seconds.
const ASSERTION_SECONDS: i64 = 300;
/// Longest scope.
const SCOPE_BYTES_MAX: usize = 1024;

/// A token endpoint, and what a request to it is made of.
pub(crate) struct TokenEndpoint {
    pub(crate) url: String,
    pub(crate) audience: String,
    pub(crate) issuer: String,
    pub(crate) client_id: String,
    pub(crate) password: Secret,
    pub(crate) name_format: String,
    pub(crate) signer: SamlSigner,
}

impl TokenEndpoint {
    /// The request of a token for this user.
    pub(crate) fn request<P>(
        &self,
        username: &str,
        scope: Option<&Scope>,
        grant: &Grant<P>,
    ) -> Result<UpstreamRequest, Failure> {
        let assertion = self.signer.assertion(
            grant,
            &Assertion {
                issuer: &self.issuer,
                subject: username,
                subject_format: &self.name_format,
                audience: &self.audience,
                recipient: &self.url,
                issued_at: grant.now,
                expires_at: grant.now + ASSERTION_SECONDS,
                session_expires_at: None,
                // SAP can be configured to demand this attribute: then no other client can use the assertion.
                attributes: vec![Attribute::new("client_id", &self.client_id)],
                entropy: &grant.entropy,
            },
        )?;
        let assertion = URL_SAFE_NO_PAD.encode(assertion);
        let mut fields = vec![
            ("grant_type", "urn:ietf:params:oauth:grant-type:saml2-bearer"),
            ("assertion", assertion.as_str()),
            ("client_id", self.client_id.as_str()),
        ];
        fields.extend(scope.map(|Scope(scope)| ("scope", scope.as_str())));
        let mut request = post_form(&self.url, &fields);
        let credentials = STANDARD.encode(format!("{}:{}", self.client_id, self.password.expose()));
        request.headers.push(("authorization".to_owned(), format!("Basic {credentials}")));
        Ok(request)
    }
}

/// A scope (RFC 6749 section 3.3).
pub(crate) struct Scope(String);

impl Scope {
    /// 1 to 1024 characters: words of visible ASCII without `"` and `\`, separated by single spaces.
    pub(crate) fn parse(scope: &str) -> Result<Self, &'static str> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
        };
        if scope.len() <= SCOPE_BYTES_MAX && scope.split(' ').all(is_word) {
            Ok(Self(scope.to_owned()))
        } else {
            Err("a scope is words of visible ASCII separated by single spaces")
        }
    }
}

/// The `expires_in` of a token response, in seconds, which SAP writes as a text; `None` if it is absent. `600.0` is 600.
///
/// `body` is the text of the same response: a parsed number no longer shows whether it was sent as `1000.0` or as `1e3`,
/// which is refused.
pub(crate) fn expires_in(object: &Map<String, Value>, body: &str) -> Result<Option<i64>, Failure> {
    let seconds = match object.get("expires_in") {
        None => return Ok(None),
        Some(Value::String(seconds)) => whole_seconds(seconds),
        Some(Value::Number(_)) => {
            let sent: Option<LifetimeAsSent<'_>> = serde_json::from_str(body).ok();
            sent.and_then(|sent| whole_seconds(sent.expires_in.get()))
        }
        Some(_) => None,
    };
    match seconds {
        Some(seconds) if seconds > 0 => Ok(Some(seconds)),
        _ => {
            Err(Failure::upstream_nonsense("SAP answered with an expires_in that is not a number of seconds"))
        }
    }
}

/// The digits of a token response's lifetime.
#[derive(Deserialize)]
struct LifetimeAsSent<'a> {
    #[serde(borrow)]
    expires_in: &'a RawValue,
}

fn whole_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_whole = !fraction.is_empty() && fraction.bytes().all(|digit| digit == b'0');
    let has_digits = !whole.is_empty() && whole.bytes().all(|digit| digit.is_ascii_digit());
    whole.parse().ok().filter(|_| is_whole && has_digits)
}

/// Refuses a token that is valid for longer than what was granted. Nobody can shorten it, and stating an earlier expiry
/// would not be true.
pub(crate) fn within_grant(seconds: i64, granted_seconds: i64) -> Result<i64, Failure> {
    if seconds > granted_seconds {
        return Err(Failure::internal(format!(
            "SAP's token is valid for {seconds} s, and at most {granted_seconds} s are granted; shorten the token lifetime \
             of the OAuth client in SAP's transaction SOAUTH2, or raise the tenant's lifetime_ceiling_seconds"
        )));
    }
    Ok(seconds)
}
