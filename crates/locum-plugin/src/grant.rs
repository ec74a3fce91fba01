//! The grant as an author sees it: typed parameters, `now` and entropy beside what was authorised.

use locum_abi::answer::{Credential, Failure, IssueAnswer, Issued};
use locum_abi::grant::Grant as GrantMessage;
use locum_abi::operation::ENTROPY_BYTES;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// All that a credential may depend on besides the settings.
#[derive(Debug, Clone)]
pub struct Grant<P> {
    /// For whom: the user's id in the tenant.
    pub user_id: String,
    /// Who asked: the calling client.
    pub client_id: String,
    /// For what: the target's client id.
    pub target_id: String,
    /// The granted scope words.
    pub scopes: Vec<String>,
    /// The claims about the user that the scopes select.
    pub claims: Map<String, Value>,
    /// The profile attributes that the manifest reads, where the user has them.
    pub profile: Map<String, Value>,
    /// The request's free-form parameters.
    pub parameters: P,
    /// How long the credential may live, counted from `now`.
    pub lifetime_seconds: i64,
    /// The time of the request, unix seconds.
    pub now: i64,
    /// Random bytes, fresh for each request: ids are made of these.
    pub entropy: [u8; ENTROPY_BYTES],
}

impl<P> Grant<P> {
    /// The last second of the granted life, unix seconds.
    pub fn expires_at(&self) -> i64 {
        self.now.saturating_add(self.lifetime_seconds)
    }

    /// A profile attribute that is a text and not empty. `user_id` is the grant's own, whatever the profile says.
    ///
    /// # Errors
    /// [`Failure::attribute_missing`] if the user has none, or not a text.
    pub fn attribute(&self, name: &str) -> Result<&str, Failure> {
        if name == "user_id" {
            return Ok(&self.user_id);
        }
        let text = self.profile.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or_else(|| Failure::attribute_missing(name))
    }

    /// A profile attribute that says who the user is somewhere else, such as an upstream's user name.
    ///
    /// Anybody can sign up with the email address of somebody else: `email` is not taken while `email_verified` is
    /// known to be false. An issuer that calls this also [reads](crate::ApiType::reads) `email_verified`.
    ///
    /// # Errors
    /// As [`attribute`](Grant::attribute); [`Failure::attribute_unusable`] for an address that is not verified.
    pub fn identifying_attribute(&self, name: &str) -> Result<&str, Failure> {
        if name == "email" && self.profile.get("email_verified") == Some(&Value::Bool(false)) {
            return Err(Failure::attribute_unusable(name, "the address is not verified"));
        }
        self.attribute(name)
    }

    /// An id that no other request has, such as a `jti`: 64 hex digits, all of the entropy.
    pub fn fresh_id(&self) -> String {
        self.entropy.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Answers with a JWT that lives for the whole grant.
    pub fn jwt(&self, token: String) -> IssueAnswer {
        self.issued(Credential::Jwt(token))
    }

    /// Answers with a text that is good for the whole grant.
    pub fn text(&self, text: String) -> IssueAnswer {
        self.issued(Credential::Text(text))
    }

    /// Answers with a text whose end something outside decides, such as a policy kept upstream.
    pub fn text_without_end(&self, text: String) -> IssueAnswer {
        IssueAnswer::Issued(Issued {
            credential: Credential::Text(text),
            issued_at: self.now,
            expires_at: None,
        })
    }

    fn issued(&self, credential: Credential) -> IssueAnswer {
        IssueAnswer::Issued(Issued { credential, issued_at: self.now, expires_at: Some(self.expires_at()) })
    }

    /// Answers with an object that ends when the upstream says it does, if it says.
    pub fn object(&self, object: Map<String, Value>, expires_at: Option<i64>) -> IssueAnswer {
        IssueAnswer::Issued(Issued {
            credential: Credential::Object(object),
            issued_at: self.now,
            expires_at,
        })
    }
}

impl<P: DeserializeOwned> Grant<P> {
    pub(crate) fn from_message(
        message: GrantMessage,
        now_unix_ms: u64,
        entropy: [u8; ENTROPY_BYTES],
    ) -> Result<Self, Failure> {
        let parameters = serde_json::from_value(Value::Object(message.parameters)).map_err(|error| {
            Failure::new(locum_abi::answer::FailureCode::ParameterRefused, error.to_string())
        })?;
        Ok(Self {
            user_id: message.user_id,
            client_id: message.client_id,
            target_id: message.target_id,
            scopes: message.scopes,
            claims: message.claims,
            profile: message.profile,
            parameters,
            lifetime_seconds: i64::try_from(message.lifetime_seconds).unwrap_or(i64::MAX),
            now: i64::try_from(now_unix_ms / 1000).unwrap_or(i64::MAX),
            entropy,
        })
    }
}

/// The parameters of an issuer that understands none.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct NoParameters {}
