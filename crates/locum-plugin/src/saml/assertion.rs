//! The content of an assertion, and its canonical XML with a place for the signature.

use locum_abi::answer::{Failure, FailureCode};
use locum_abi::operation::ENTROPY_BYTES;
use locum_abi::time::UnixTime;

use super::xml::{element, no_content, text_element};

/// The namespace of assertions.
const SAML: (&str, &str) = ("xmlns:saml", "urn:oasis:names:tc:SAML:2.0:assertion");
/// The namespace of responses.
const SAMLP: (&str, &str) = ("xmlns:samlp", "urn:oasis:names:tc:SAML:2.0:protocol");

/// The content of an assertion: whoever bears it is the subject, for one audience, at one recipient, for a limited time.
#[derive(Debug, Clone)]
pub struct Assertion<'a> {
    /// The entity id of the issuer.
    pub issuer: &'a str,
    /// The user: the `NameID`. It must not be empty, or start or end with white space.
    pub subject: &'a str,
    /// The `Format` of the `NameID`, a URN.
    pub subject_format: &'a str,
    /// The only audience.
    pub audience: &'a str,
    /// The URL that it is presented at: the `Recipient`, and the `Destination` of a response.
    pub recipient: &'a str,
    /// The time from which it is valid: `NotBefore`.
    pub issued_at: UnixTime,
    /// The time from which it is not valid any more: `NotOnOrAfter`.
    pub expires_at: UnixTime,
    /// When a session that is opened with it must end: `SessionNotOnOrAfter`. `None` leaves that to the service.
    pub session_expires_at: Option<UnixTime>,
    /// The attributes of the subject.
    pub attributes: Vec<Attribute>,
    /// The source of the ids: [`Grant::entropy`](crate::Grant::entropy).
    pub entropy: &'a [u8; ENTROPY_BYTES],
}

/// An attribute of the subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// The attribute's name, often a URI.
    pub name: String,
    /// The attribute's values, in order.
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
        id_of(self.entropy.split_at(ENTROPY_BYTES / 2).0)
    }

    /// The canonical XML, with `signature` right after the issuer.
    pub(super) fn to_xml(&self, signature: &str) -> Result<String, Failure> {
        let mut out = String::with_capacity(4096);
        let (id, issued_at) = (self.id(), instant(self.issued_at)?);
        let attributes = [SAML, ("ID", id.as_str()), ("IssueInstant", &issued_at), ("Version", "2.0")];
        element(&mut out, "saml:Assertion", &attributes, |out| {
            text_element(out, "saml:Issuer", &[], self.issuer)?;
            out.push_str(signature);
            self.write_subject(out)?;
            self.write_conditions(out)?;
            self.write_authentication(out, &id)?;
            self.write_attributes(out)
        })?;
        Ok(out)
    }

    /// A response with the status `Success` around an assertion's XML. Its id is the other half of the entropy.
    pub(super) fn response(&self, assertion: &str) -> Result<String, Failure> {
        let mut out = String::with_capacity(assertion.len() + 1024);
        let (id, issued_at) = (id_of(self.entropy.split_at(ENTROPY_BYTES / 2).1), instant(self.issued_at)?);
        let attributes = [
            SAMLP,
            ("Destination", self.recipient),
            ("ID", &id),
            ("IssueInstant", &issued_at),
            ("Version", "2.0"),
        ];
        element(&mut out, "samlp:Response", &attributes, |out| {
            text_element(out, "saml:Issuer", &[SAML], self.issuer)?;
            element(out, "samlp:Status", &[], |out| {
                let success = [("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")];
                element(out, "samlp:StatusCode", &success, no_content)
            })?;
            out.push_str(assertion);
            Ok(())
        })?;
        Ok(out)
    }

    fn write_subject(&self, out: &mut String) -> Result<(), Failure> {
        // XML keeps white space around a text, but many services remove it and would then see another user.
        if self.subject.trim() != self.subject || self.subject.is_empty() {
            let message = "the user's id or name is empty, or starts or ends with white space";
            return Err(Failure::new(FailureCode::AttributeMissing, message));
        }
        let expires_at = instant(self.expires_at)?;
        element(out, "saml:Subject", &[], |out| {
            text_element(out, "saml:NameID", &[("Format", self.subject_format)], self.subject)?;
            let bearer = [("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")];
            element(out, "saml:SubjectConfirmation", &bearer, |out| {
                let limits = [("NotOnOrAfter", expires_at.as_str()), ("Recipient", self.recipient)];
                element(out, "saml:SubjectConfirmationData", &limits, no_content)
            })
        })
    }

    fn write_conditions(&self, out: &mut String) -> Result<(), Failure> {
        let (issued_at, expires_at) = (instant(self.issued_at)?, instant(self.expires_at)?);
        let limits = [("NotBefore", issued_at.as_str()), ("NotOnOrAfter", &expires_at)];
        element(out, "saml:Conditions", &limits, |out| {
            element(out, "saml:AudienceRestriction", &[], |out| {
                text_element(out, "saml:Audience", &[], self.audience)
            })
        })
    }

    /// States that the tenant has authenticated the subject, and not by which method.
    fn write_authentication(&self, out: &mut String, id: &str) -> Result<(), Failure> {
        let issued_at = instant(self.issued_at)?;
        let session_expires_at = self.session_expires_at.map(instant).transpose()?;
        let mut attributes = vec![("AuthnInstant", issued_at.as_str()), ("SessionIndex", id)];
        attributes.extend(session_expires_at.as_deref().map(|time| ("SessionNotOnOrAfter", time)));
        element(out, "saml:AuthnStatement", &attributes, |out| {
            element(out, "saml:AuthnContext", &[], |out| {
                text_element(
                    out,
                    "saml:AuthnContextClassRef",
                    &[],
                    "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
                )
            })
        })
    }

    /// Writes nothing if there are no attributes, because an attribute statement must not be empty.
    fn write_attributes(&self, out: &mut String) -> Result<(), Failure> {
        if self.attributes.is_empty() {
            return Ok(());
        }
        element(out, "saml:AttributeStatement", &[], |out| {
            for attribute in &self.attributes {
                element(out, "saml:Attribute", &[("Name", &attribute.name)], |out| {
                    attribute
                        .values
                        .iter()
                        .try_for_each(|value| text_element(out, "saml:AttributeValue", &[], value))
                })?;
            }
            Ok(())
        })
    }
}

/// An `xs:ID` must not start with a digit.
fn id_of(entropy: &[u8]) -> String {
    format!("_{}", hex::encode(entropy))
}

fn instant(time: UnixTime) -> Result<String, Failure> {
    time.to_rfc3339().ok_or_else(|| Failure::internal(format!("{time} is beyond the year 9999")))
}
