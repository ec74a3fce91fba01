//! The exchange of a JWT of the tenant for a federated token, at Google's Security Token Service (RFC 8693).

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;
use locum_plugin::upstream::{post_form, token_response};

/// Google's Security Token Service.
pub(crate) const STS: &str = "https://sts.googleapis.com/v1/token";

/// The lifetime of the JWT. It is exchanged at once.
const ASSERTION_SECONDS: i64 = 300;
/// Longest federated token. Google names no limit.
const TOKEN_BYTES_MAX: usize = 16 * 1024;

/// A provider of a workload identity pool, and what it is shown.
pub(crate) struct Federation {
    pub(crate) endpoint: String,
    /// The full resource name of the provider.
    pub(crate) provider: String,
    /// The `aud` of the JWT: the provider, or one of its allowed audiences.
    pub(crate) audience: String,
    pub(crate) issuer: String,
    /// The profile attribute that is the `sub`; the user's id if absent.
    pub(crate) subject_attribute: Option<String>,
    pub(crate) signer: JwsSigner,
}

impl Federation {
    /// Asks for a federated token with these scopes.
    pub(crate) fn exchange<P>(&self, grant: &Grant<P>, scope: &str) -> Result<IssueAnswer, Failure> {
        let assertion = self.signer.sign(grant, &self.claims(grant)?)?;
        let fields = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("audience", self.provider.as_str()),
            ("scope", scope),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("subject_token", &assertion),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
        ];
        Ok(IssueAnswer::Call { request: post_form(&self.endpoint, &fields) })
    }

    /// `azp` lets a provider's attribute condition admit some clients only.
    fn claims<P>(&self, grant: &Grant<P>) -> Result<Value, Failure> {
        let subject = grant.identifying_attribute(self.subject_attribute.as_deref().unwrap_or("user_id"))?;
        Ok(json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": self.audience,
            "azp": grant.client_id,
            "iat": grant.now,
            "exp": grant.expires_within(ASSERTION_SECONDS),
            "jti": grant.fresh_id(),
        }))
    }
}

/// What the Security Token Service answered.
pub(crate) struct FederatedToken {
    pub(crate) token: String,
    pub(crate) expires_in: Option<i64>,
}

impl FederatedToken {
    pub(crate) fn read(reply: &UpstreamReply) -> Result<Self, Failure> {
        let response = token_response(reply)?;
        let text = |name: &str| response.get(name).and_then(Value::as_str).unwrap_or_default();
        if !text("token_type").eq_ignore_ascii_case("bearer") {
            return Err(Failure::upstream_nonsense("Google's STS answered with a token of another type"));
        }
        let token = text("access_token");
        // It becomes a header of the next call, or is for such a header.
        if token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::upstream_nonsense("Google's STS answered with a malformed token"));
        }
        let expires_in = match response.get("expires_in") {
            None => None,
            Some(seconds) => {
                Some(seconds.as_u64().and_then(|seconds| u32::try_from(seconds).ok()).ok_or_else(|| {
                    Failure::upstream_nonsense("Google's STS answered with an expiry that is not a number")
                })?)
            }
        };
        Ok(Self { token: token.to_owned(), expires_in: expires_in.map(i64::from) })
    }
}
