//! What an assertion says, and its canonical text around the place of the signature.

use std::fmt::Write as _;

use jiff::Timestamp;
use locum_abi::answer::Failure;
use locum_abi::operation::ENTROPY_BYTES;

use super::xml::{element, leaf, nothing};

/// The namespace of assertions.
const SAML: (&str, &str) = ("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion");
/// The namespace of the protocol around them.
const SAMLP: (&str, &str) = ("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol");

/// What an assertion says: a bearer of it is the subject, for one audience, at one place, for a while.
#[derive(Debug, Clone)]
pub struct Assertion<'a> {
    /// Who says it.
    pub issuer: &'a str,
    /// About whom: the `NameID`.
    pub subject: &'a str,
    /// How to read the subject: the `Format` of the `NameID`.
    pub subject_format: &'a str,
    /// For whom: the only audience.
    pub audience: &'a str,
    /// Where it is presented: the `Recipient`, and the `Destination` of a response.
    pub recipient: &'a str,
    /// From when on it holds, unix seconds.
    pub issued_at: i64,
    /// From when on it holds no more, unix seconds.
    pub expires_at: i64,
    /// When a session that is opened with it ends, unix seconds, if that is to be said.
    pub session_expires_at: Option<i64>,
    /// What else is said of the subject.
    pub attributes: Vec<Attribute>,
    /// Where the ids come from: [`Grant::entropy`](crate::Grant::entropy).
    pub entropy: &'a [u8; ENTROPY_BYTES],
}

/// An attribute of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its name, often a URI.
    pub name: String,
    /// Its values, in order.
    pub values: Vec<String>,
}

impl Attribute {
    /// An attribute with one value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), values: vec![value.into()] }
    }
}

impl Assertion<'_> {
    /// The assertion's id: half of the entropy.
    pub(super) fn id(&self) -> String {
        id_of(self.entropy.iter().take(ENTROPY_BYTES / 2))
    }

    /// The canonical text, with `signature` right after the issuer.
    pub(super) fn written(&self, signature: &str) -> Result<String, Failure> {
        let mut out = String::with_capacity(4096);
        let (id, issued_at) = (self.id(), instant(self.issued_at)?);
        let attributes = [SAML, ("ID", id.as_str()), ("IssueInstant", &issued_at), ("Version", "2.0")];
        element(&mut out, "saml:Assertion", &attributes, |out| {
            leaf(out, "saml:Issuer", &[], self.issuer)?;
            out.push_str(signature);
            self.write_subject(out)?;
            self.write_conditions(out)?;
            self.write_authentication(out, &id)?;
            self.write_attributes(out)
        })?;
        Ok(out)
    }

    /// A response of success around an assertion's text. Its id is the other half of the entropy.
    pub(super) fn response(&self, assertion: &str) -> Result<String, Failure> {
        let mut out = String::with_capacity(assertion.len() + 1024);
        let (id, issued_at) = (id_of(self.entropy.iter().skip(ENTROPY_BYTES / 2)), instant(self.issued_at)?);
        let attributes = [
            SAMLP,
            ("Destination", self.recipient),
            ("ID", &id),
            ("IssueInstant", &issued_at),
            ("Version", "2.0"),
        ];
        element(&mut out, "samlp:Response", &attributes, |out| {
            leaf(out, "saml:Issuer", &[SAML], self.issuer)?;
            element(out, "samlp:Status", &[], |out| {
                let success = [("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")];
                element(out, "samlp:StatusCode", &success, nothing)
            })?;
            out.push_str(assertion);
            Ok(())
        })?;
        Ok(out)
    }

    fn write_subject(&self, out: &mut String) -> Result<(), Failure> {
        let expires_at = instant(self.expires_at)?;
        element(out, "saml:Subject", &[], |out| {
            leaf(out, "saml:NameID", &[("Format", self.subject_format)], self.subject)?;
            let bearer = [("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")];
            element(out, "saml:SubjectConfirmation", &bearer, |out| {
                let limits = [("NotOnOrAfter", expires_at.as_str()), ("Recipient", self.recipient)];
                element(out, "saml:SubjectConfirmationData", &limits, nothing)
            })
        })
    }

    fn write_conditions(&self, out: &mut String) -> Result<(), Failure> {
        let (issued_at, expires_at) = (instant(self.issued_at)?, instant(self.expires_at)?);
        let limits = [("NotBefore", issued_at.as_str()), ("NotOnOrAfter", &expires_at)];
        element(out, "saml:Conditions", &limits, |out| {
            element(out, "saml:AudienceRestriction", &[], |out| {
                leaf(out, "saml:Audience", &[], self.audience)
            })
        })
    }

    /// That the tenant knows the subject; how it came to know is not said.
    fn write_authentication(&self, out: &mut String, id: &str) -> Result<(), Failure> {
        let issued_at = instant(self.issued_at)?;
        let session_expires_at = self.session_expires_at.map(instant).transpose()?;
        let mut attributes = vec![("AuthnInstant", issued_at.as_str()), ("SessionIndex", id)];
        attributes.extend(session_expires_at.as_deref().map(|end| ("SessionNotOnOrAfter", end)));
        element(out, "saml:AuthnStatement", &attributes, |out| {
            element(out, "saml:AuthnContext", &[], |out| {
                leaf(
                    out,
                    "saml:AuthnContextClassRef",
                    &[],
                    "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
                )
            })
        })
    }

    /// An attribute statement must not be empty: without attributes there is none.
    fn write_attributes(&self, out: &mut String) -> Result<(), Failure> {
        if self.attributes.is_empty() {
            return Ok(());
        }
        element(out, "saml:AttributeStatement", &[], |out| {
            for attribute in &self.attributes {
                element(out, "saml:Attribute", &[("Name", &attribute.name)], |out| {
                    attribute.values.iter().try_for_each(|value| leaf(out, "saml:AttributeValue", &[], value))
                })?;
            }
            Ok(())
        })
    }
}

/// An `xs:ID`: no digit comes first.
fn id_of<'a>(entropy: impl Iterator<Item = &'a u8>) -> String {
    entropy.fold("_".to_owned(), |mut id, byte| {
        // Writing to a String does not fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

fn instant(unix_seconds: i64) -> Result<String, Failure> {
    let instant =
        Timestamp::from_second(unix_seconds).map_err(|error| Failure::internal(error.to_string()))?;
    Ok(instant.to_string())
}
