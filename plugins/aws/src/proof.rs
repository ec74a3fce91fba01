//! The proof of the user's identity for STS, a SAML response or a JWT of the tenant, and the form fields of the call.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::prelude::*;
use locum_plugin::saml::{Assertion, Attribute, SamlSigner};
use locum_plugin::signing::{JwsSigner, SignatureKey};

use crate::partition::Partition;
use crate::roles::Chosen;
use crate::session::Session;

/// The lifetime of a proof. STS accepts it within five minutes.
const PROOF_SECONDS: i64 = 300;
/// The shortest lifetime for which the assertion states the session's end. STS refuses sessions of less than 15 minutes, and
/// with a stated end so close to that, the time that is left may be less.
const STATED_END_SECONDS_MIN: i64 = 960;
/// Prefix of the SAML attributes that AWS reads.
const ATTRIBUTES: &str = "https://aws.amazon.com/SAML/Attributes/";
/// The format of a NameID that never changes: the user's id in the tenant.
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// A kind of proof, with the key that signs it.
pub(crate) enum Proof {
    Saml { issuer: String, partition: Partition, signer: SamlSigner },
    WebIdentity { issuer: String, audience: String, signer: JwsSigner },
}

impl Proof {
    pub(crate) fn saml(partition: Partition, tenant: &Tenant) -> Result<Self, Failure> {
        let signer = SamlSigner::new(signing_key(tenant)?)
            .map_err(|error| Failure::setting("mode", format!("the tenant's signing key: {error}")))?;
        Ok(Self::Saml { issuer: format!("urn:{}", tenant.domain), partition, signer })
    }

    pub(crate) fn web_identity(audience: &str, tenant: &Tenant) -> Result<Self, Failure> {
        let key = SignatureKey::private(signing_key(tenant)?, Algorithm::RS256)
            .map_err(|error| Failure::setting("mode", format!("the tenant's signing key: {error}")))?;
        let signer = JwsSigner::new(key, Map::new());
        Ok(Self::WebIdentity { issuer: tenant.issuer(), audience: audience.to_owned(), signer })
    }

    /// The action of STS that accepts this proof.
    pub(crate) const fn action(&self) -> &'static str {
        match self {
            Self::Saml { .. } => "AssumeRoleWithSAML",
            Self::WebIdentity { .. } => "AssumeRoleWithWebIdentity",
        }
    }

    /// The form fields of the call, with the proof.
    pub(crate) fn fields<P>(
        &self,
        chosen: &Chosen,
        session: &Session,
        grant: &Grant<P>,
    ) -> Result<Vec<(&'static str, String)>, Failure> {
        let mut fields = vec![
            ("Action", self.action().to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("RoleArn", chosen.role.as_str().to_owned()),
            ("DurationSeconds", grant.lifetime_seconds.to_string()),
        ];
        match self {
            Self::Saml { issuer, partition, signer } => {
                let principal = chosen
                    .principal
                    .as_ref()
                    .ok_or_else(|| Failure::parameter("principal", "name a principal: none is configured"))?;
                let roles = format!("{},{}", chosen.role.as_str(), principal.as_str());
                let assertion = assertion(issuer, *partition, attributes(roles, session, grant), grant);
                fields.push(("PrincipalArn", principal.as_str().to_owned()));
                fields.push(("SAMLAssertion", STANDARD.encode(signer.response(grant, &assertion)?)));
            }
            Self::WebIdentity { issuer, audience, signer } => {
                fields.push(("RoleSessionName", session.name.clone()));
                fields.push((
                    "WebIdentityToken",
                    signer.sign(grant, &claims(issuer, audience, session, grant))?,
                ));
            }
        }
        Ok(fields)
    }
}

fn signing_key(tenant: &Tenant) -> Result<&PrivateKey, Failure> {
    tenant.signing_key.as_ref().ok_or_else(|| Failure::setting("mode", "the tenant has no RSA signing key"))
}

fn assertion<'a, P>(
    issuer: &'a str,
    partition: Partition,
    attributes: Vec<Attribute>,
    grant: &'a Grant<P>,
) -> Assertion<'a> {
    let session_expires_at = (grant.lifetime_seconds >= STATED_END_SECONDS_MIN).then(|| grant.expires_at());
    Assertion {
        issuer,
        subject: &grant.user_id,
        subject_format: PERSISTENT,
        audience: partition.sign_in_url(),
        recipient: partition.sign_in_url(),
        issued_at: grant.now,
        expires_at: grant.now + PROOF_SECONDS,
        session_expires_at,
        attributes,
        entropy: &grant.entropy,
    }
}

fn attributes<P>(roles: String, session: &Session, grant: &Grant<P>) -> Vec<Attribute> {
    let named = |name: &str, value: &str| Attribute::new(format!("{ATTRIBUTES}{name}"), value);
    let mut attributes = vec![
        named("Role", &roles),
        named("RoleSessionName", &session.name),
        named("SessionDuration", &grant.lifetime_seconds.to_string()),
    ];
    attributes.extend(session.source_identity.iter().map(|identity| named("SourceIdentity", identity)));
    attributes.extend(session.tags.iter().map(|(key, value)| named(&format!("PrincipalTag:{key}"), value)));
    attributes
}

fn claims<P>(issuer: &str, audience: &str, session: &Session, grant: &Grant<P>) -> Value {
    let mut claims = json!({
        "iss": issuer,
        "sub": grant.user_id,
        "aud": audience,
        "iat": grant.now,
        "exp": grant.expires_within(PROOF_SECONDS),
        "jti": grant.fresh_id(),
    });
    let Value::Object(members) = &mut claims else { return claims };
    if let Some(identity) = &session.source_identity {
        members.insert("https://aws.amazon.com/source_identity".to_owned(), identity.as_str().into());
    }
    if !session.tags.is_empty() {
        let tags: Map<String, Value> =
            session.tags.iter().map(|(key, value)| (key.clone(), json!([value]))).collect();
        members.insert("https://aws.amazon.com/tags".to_owned(), json!({ "principal_tags": tags }));
    }
    claims
}
