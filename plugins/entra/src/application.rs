//! The client credentials grant with a JWT of the tenant in place of a secret (RFC 6749 section 4.4, RFC 7523 section 2.2).

use locum_plugin::prelude::*;
use locum_plugin::signing::JwsSigner;
use locum_plugin::upstream::post_form;

/// The audience that Microsoft recommends for federated credentials.
pub(crate) const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The lifetime of the JWT. It is used at once.
const ASSERTION_SECONDS: i64 = 300;

/// An application that trusts the tenant's tokens.
pub(crate) struct Application {
    pub(crate) token_url: String,
    pub(crate) client_id: String,
    pub(crate) audience: String,
    pub(crate) issuer: String,
    /// The profile attribute that is the `sub`; the user's id if absent.
    pub(crate) subject_attribute: Option<String>,
    pub(crate) signer: JwsSigner,
}

impl Application {
    /// Asks for a token with this scope.
    pub(crate) fn request<P>(&self, scope: &str, grant: &Grant<P>) -> Result<UpstreamRequest, Failure> {
        let assertion = self.signer.sign(grant, &self.claims(grant)?)?;
        let fields = [
            ("grant_type", "client_credentials"),
            ("client_id", self.client_id.as_str()),
            ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            ("client_assertion", &assertion),
            ("scope", scope),
        ];
        Ok(post_form(&self.token_url, &fields))
    }

    fn claims<P>(&self, grant: &Grant<P>) -> Result<Value, Failure> {
        let subject = grant.identifying_attribute(self.subject_attribute.as_deref().unwrap_or("user_id"))?;
        Ok(json!({
            "iss": self.issuer,
            "sub": subject,
            "aud": self.audience,
            "iat": grant.now,
            "exp": grant.expires_within(ASSERTION_SECONDS),
            "jti": grant.fresh_id(),
        }))
    }
}
