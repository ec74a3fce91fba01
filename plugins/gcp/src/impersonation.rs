//! Tokens of a service account, from the IAM Service Account Credentials API.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_plugin::prelude::*;
use locum_plugin::upstream::{json_object, json_reply, post_json};

use crate::federation::FederatedToken;

/// The origin of the API.
pub(crate) const IAM_CREDENTIALS: &str = "https://iamcredentials.googleapis.com";
/// The scope of a federated token that is used to call the API, and for nothing else.
pub(crate) const IAM_SCOPE: &str = "https://www.googleapis.com/auth/iam";

/// A service account that users act as.
pub(crate) struct ServiceAccount {
    /// The URL before `:generateAccessToken`.
    url: String,
    /// Service accounts in between, each of which may act as the next: their resource names.
    delegates: Vec<String>,
}

impl ServiceAccount {
    /// The grammar of the addresses permits no character that means something in a URL.
    pub(crate) fn new(endpoint: &str, email: &str, delegates: &[String]) -> Self {
        let name = |email: &str| format!("projects/-/serviceAccounts/{email}");
        Self {
            url: format!("{}/v1/{}", endpoint.trim_end_matches('/'), name(email)),
            delegates: delegates.iter().map(|email| name(email)).collect(),
        }
    }

    pub(crate) fn access_token_request(
        &self,
        federated: &FederatedToken,
        scopes: &[&str],
        lifetime_seconds: i64,
    ) -> UpstreamRequest {
        let body = json!({
            "delegates": self.delegates,
            "scope": scopes,
            "lifetime": format!("{lifetime_seconds}s"),
        });
        self.post("generateAccessToken", federated, &body)
    }

    pub(crate) fn id_token_request(
        &self,
        federated: &FederatedToken,
        audience: &str,
        include_email: bool,
    ) -> UpstreamRequest {
        let body =
            json!({ "audience": audience, "delegates": self.delegates, "includeEmail": include_email });
        self.post("generateIdToken", federated, &body)
    }

    fn post(&self, method: &str, federated: &FederatedToken, body: &Value) -> UpstreamRequest {
        post_json(format!("{}:{method}", self.url), body).bearer(&federated.token)
    }

    /// The token and its expiry, from an answer to `generateAccessToken`.
    pub(crate) fn access_token(reply: &UpstreamReply) -> Result<(String, UnixTime), Failure> {
        let object = success(reply)?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let expiry = text("expireTime").and_then(UnixTime::from_rfc3339);
        match (text("accessToken"), expiry) {
            (Some(token), Some(expiry)) => Ok((token.to_owned(), expiry)),
            _ => Err(Failure::upstream_nonsense("Google answered 200 without a token and its expiry")),
        }
    }

    /// The token and its expiry, from an answer to `generateIdToken` for this audience.
    pub(crate) fn id_token(reply: &UpstreamReply, audience: &str) -> Result<(String, UnixTime), Failure> {
        let object = success(reply)?;
        let token = object.get("token").and_then(Value::as_str).unwrap_or_default();
        let claims = claims(token);
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name));
        let expiry = claim("exp").and_then(Value::as_i64);
        match expiry.filter(|_| claim("aud").and_then(Value::as_str) == Some(audience)) {
            Some(expiry) => Ok((token.to_owned(), UnixTime::from_seconds(expiry))),
            None => {
                Err(Failure::upstream_nonsense("Google answered 200 without an ID token for the audience"))
            }
        }
    }
}

/// The object of a success. Of a failure, Google's status (`PERMISSION_DENIED`) is the code, and its text is not passed on.
fn success(reply: &UpstreamReply) -> Result<Map<String, Value>, Failure> {
    let error = json_object(reply).filter(|_| reply.status == 404);
    match error.as_ref().and_then(|error| error.get("error")?.get("status")?.as_str()) {
        // A service account that does not exist: the operator's mistake, which only its code tells.
        Some(code @ "NOT_FOUND") => {
            Err(Failure::upstream_refused(code, "the upstream answered 404 NOT_FOUND"))
        }
        _ => json_reply(reply, "/error/status"),
    }
}

/// The claims of a compact JWT, unverified: it came from Google over TLS, and is verified by those whom it is for.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()
}
