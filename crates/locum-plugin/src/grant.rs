//! The grant as an author sees it: typed parameters, and the time and the entropy beside what was authorised.

use locum_abi::answer::{Credential, Failure, FailureCode, IssueAnswer, Issued};
use locum_abi::grant::{Grant as GrantMessage, may_identify};
use locum_abi::operation::ENTROPY_BYTES;
use locum_abi::signing::{BytesToSign, JwtToSign, SigningRequest};
use locum_abi::time::UnixTime;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::kept::Kept;
use crate::private_key::PrivateKey;
use crate::signatures::Signatures;
use crate::typed_members::{self, Unreadable};

/// All that a credential may depend on besides the settings.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Grant<P> {
    /// The user's id in the tenant, such as `google-oauth2|113`.
    pub user_id: String,
    /// The client id of the caller.
    pub client_id: String,
    /// The client id of the target.
    pub target_id: String,
    /// The granted scopes, in the order of the request.
    pub scopes: Vec<String>,
    /// The claims about the user that the scopes select.
    pub claims: Map<String, Value>,
    /// The profile attributes that the manifest reads, as far as the user has them.
    pub profile: Map<String, Value>,
    /// The request's free-form parameters.
    pub parameters: P,
    /// The longest lifetime that the credential may have, counted from `now`.
    pub lifetime_seconds: i64,
    /// The time of the request. It stays the same when the issuer is called again with an upstream's reply.
    pub now: UnixTime,
    /// Random bytes, new for each request, to make ids of.
    pub entropy: [u8; ENTROPY_BYTES],
    /// The values that earlier requests to this add-on had the host keep.
    pub kept: Kept,
    pub(crate) signatures: Signatures,
}

impl<P> Grant<P> {
    /// The latest time at which the credential may expire.
    pub fn expires_at(&self) -> UnixTime {
        self.now + self.lifetime_seconds
    }

    /// The time so many seconds from now, or [`expires_at`](Grant::expires_at) if that is earlier: the end of an assertion
    /// that is exchanged at an upstream for the credential.
    pub fn expires_within(&self, seconds: i64) -> UnixTime {
        self.now + self.lifetime_seconds.min(seconds)
    }

    /// The expiry to state for an upstream's credential: the upstream's own, but not later than [`expires_at`](Grant::expires_at).
    ///
    /// An upstream that was asked for the granted lifetime counts it from the moment at which it answers, by its own clock, so
    /// its expiry is a little later: `tolerance_seconds` says how much later it may be. The upstream's own expiry is stated where
    /// [`ApiType::expiry_skew_seconds`](crate::ApiType::expiry_skew_seconds) allows for it, a minute at most.
    ///
    /// # Errors
    /// [`Failure::upstream_nonsense`] if the credential has expired, or expires later than that.
    pub fn stated_expiry(&self, expires_at: UnixTime, tolerance_seconds: i64) -> Result<UnixTime, Failure> {
        if expires_at <= self.now {
            return Err(Failure::upstream_nonsense("the upstream's credential has expired"));
        }
        if expires_at > self.expires_at() + tolerance_seconds {
            return Err(Failure::upstream_nonsense("the upstream's credential expires later than granted"));
        }
        Ok(expires_at.min(self.expires_at()))
    }

    /// The compact JWT (RFC 7519) with these claims, signed by the host under the header `{"typ":"JWT","alg":…}`, to which it
    /// adds the `kid` of the tenant's key.
    ///
    /// Under the tenant's key, the claims must be those of a token that the tenant issues about the user of the grant:
    ///
    /// - `iss` is [`Tenant::issuer`](crate::Tenant::issuer), or the setting of
    ///   [`ApiType::signs_as_setting`](crate::ApiType::signs_as_setting);
    /// - `sub` is [`user_id`](Grant::user_id), or the attribute of
    ///   [`ApiType::signs_about_attribute_of_setting`](crate::ApiType::signs_about_attribute_of_setting), which must be
    ///   verified if it is an email address;
    /// - `exp` is at most [`expires_within`](Grant::expires_within) 300 seconds;
    /// - `aud` is neither a client of the tenant, nor a resource of one, nor a URL of the tenant's domain;
    /// - `email`, `email_verified`, `scope`, `act`, `may_act`, `azp` and `auth_time` are absent or those of the grant.
    ///
    /// Under a key from the settings, `exp` must be at most [`expires_at`](Grant::expires_at).
    ///
    /// # Errors
    /// Return the failure as it is: the host signs, and calls the issuer again from the beginning. A request has at most four
    /// signatures.
    pub fn sign_jwt(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
        claims: &impl Serialize,
    ) -> Result<String, Failure> {
        self.sign_jwt_with_header(key, algorithm, &Map::new(), claims)
    }

    /// As [`sign_jwt`](Grant::sign_jwt), with further members of the header, which may replace `typ`. The header of a JWT under
    /// the tenant's key has none.
    ///
    /// # Errors
    /// As [`sign_jwt`](Grant::sign_jwt).
    pub fn sign_jwt_with_header(
        &self,
        key: &PrivateKey,
        algorithm: Algorithm,
        header: &Map<String, Value>,
        claims: &impl Serialize,
    ) -> Result<String, Failure> {
        self.signatures.next(|| {
            let claims = match serde_json::to_value(claims) {
                Ok(Value::Object(claims)) => claims,
                Ok(_) => return Err(Failure::internal("the claims of a JWT are an object")),
                Err(error) => return Err(Failure::internal(error.to_string())),
            };
            let jwt = JwtToSign { alg: algorithm.name().to_owned(), header: header.clone(), claims };
            Ok(SigningRequest::jwt(key.name(), jwt))
        })
    }

    /// The signature of a text that is not a JWT, in base64 (RFC 4648 section 4). The host signs only what begins with `<`,
    /// and only for a plugin that [declares it](crate::ApiType::signs_bytes) and whose pin allows it.
    ///
    /// # Errors
    /// As [`sign_jwt`](Grant::sign_jwt).
    pub fn sign_bytes(&self, key: &PrivateKey, algorithm: Algorithm, text: &str) -> Result<String, Failure> {
        self.signatures.next(|| {
            let bytes = BytesToSign { alg: algorithm.name().to_owned(), text: text.to_owned() };
            Ok(SigningRequest::bytes(key.name(), bytes))
        })
    }

    /// A profile attribute that is a text and not empty. `user_id` is always the grant's, never the profile's.
    ///
    /// # Errors
    /// [`Failure::attribute_missing`] if the user does not have the attribute, or it is not a text, or it is empty.
    pub fn attribute(&self, name: &str) -> Result<&str, Failure> {
        if name == "user_id" {
            return Ok(&self.user_id);
        }
        let text = self.profile.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Failure::attribute_missing(name))
    }

    /// A profile attribute that identifies the user at the upstream, such as a user name.
    ///
    /// Anybody can sign up with the email address of somebody else, and other attributes are often copies of it.
    /// Therefore every attribute that is an address is refused unless `email_verified` is `true`; an issuer that calls
    /// this method also [reads](crate::ApiType::reads) `email_verified`.
    ///
    /// # Errors
    /// As [`attribute`](Grant::attribute); [`Failure::attribute_unusable`] for an address that is not verified.
    pub fn identifying_attribute(&self, name: &str) -> Result<&str, Failure> {
        let text = self.attribute(name)?;
        if name != "user_id" && !may_identify(text, &self.profile) {
            return Err(Failure::attribute_unusable(name, "the address is not verified"));
        }
        Ok(text)
    }

    /// An id that no other request has, such as a `jti`: the entropy as 64 hex digits.
    pub fn fresh_id(&self) -> String {
        hex::encode(self.entropy)
    }

    /// Answers with a JWT. Its `iat` and `exp` must be [`now`](Grant::now) and [`expires_at`](Grant::expires_at).
    pub fn jwt(&self, token: String) -> IssueAnswer {
        self.issued(Credential::Jwt(token), Some(self.expires_at()))
    }

    /// Answers with a text that is valid for the whole granted lifetime.
    pub fn text(&self, text: String) -> IssueAnswer {
        self.issued(Credential::Text(text), Some(self.expires_at()))
    }

    /// Answers with a text that expires when something else decides so, such as a policy kept at the upstream.
    pub fn text_without_expiry(&self, text: String) -> IssueAnswer {
        self.issued(Credential::Text(text), None)
    }

    /// Answers with an object that expires when the upstream says; `None` if the upstream does not say.
    pub fn object(&self, object: Map<String, Value>, expires_at: Option<UnixTime>) -> IssueAnswer {
        self.issued(Credential::Object(object), expires_at)
    }

    fn issued(&self, credential: Credential, expires_at: Option<UnixTime>) -> IssueAnswer {
        IssueAnswer::Issued(Issued {
            credential,
            issued_at: self.now.as_seconds(),
            expires_at: expires_at.map(UnixTime::as_seconds),
        })
    }
}

impl<P: DeserializeOwned> Grant<P> {
    pub(crate) fn from_message(
        message: GrantMessage,
        now: UnixTime,
        entropy: [u8; ENTROPY_BYTES],
        kept: Kept,
        signatures: Signatures,
    ) -> Result<Self, Failure> {
        let parameters = typed_members::read(message.parameters).map_err(refused_parameter)?;
        Ok(Self {
            user_id: message.user_id,
            client_id: message.client_id,
            target_id: message.target_id,
            scopes: message.scopes,
            claims: message.claims,
            profile: message.profile,
            parameters,
            lifetime_seconds: i64::try_from(message.lifetime_seconds).unwrap_or(i64::MAX),
            now,
            entropy,
            kept,
            signatures,
        })
    }
}

fn refused_parameter(unreadable: Unreadable) -> Failure {
    let message = unreadable.to_string();
    match unreadable.name {
        Some(name) => Failure::parameter(&name, message),
        None => Failure::new(FailureCode::ParameterRefused, message),
    }
}

/// The parameters of an issuer that takes none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct NoParameters {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, typed_grant};

    #[test]
    fn an_expiry_within_the_tolerance_is_stated_as_that_of_the_grant() {
        let stated = |seconds| typed_grant().stated_expiry(NOW + seconds, 300);
        assert_eq!(stated(1), Ok(NOW + 1));
        assert_eq!(stated(3600), Ok(NOW + 3600));
        assert_eq!(stated(3900), Ok(NOW + 3600));
        for refused in [-1, 0, 3901] {
            assert_eq!(stated(refused).unwrap_err().code, FailureCode::UpstreamNonsense, "{refused}");
        }
    }
}
