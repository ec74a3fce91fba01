//! SAML 2.0 assertions, and responses that carry one, signed with RSA-SHA256 and a SHA-256 digest.
//!
//! This module writes SAML and does not read it. It writes exclusive canonical XML (exc-c14n) directly, so the bytes that
//! are digested are the bytes that are sent, and no canonicalization step can change them. The signature is placed right
//! after the issuer and covers the assertion alone. A response around the assertion is not signed.
//!
//! ```
//! use locum_plugin::saml::{Assertion, SamlSigner};
//! # use locum_plugin::testing::{ENTROPY, NOW, tenant_key, with_signatures};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let signing_key = tenant_key();
//! let signer = SamlSigner::new(&signing_key)?;
//! # let xml = with_signatures(|grant| {
//! let xml = signer.assertion(grant, &Assertion {
//!     issuer: "urn:acme.example.com",
//!     subject: "auth0|alice",
//!     subject_format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
//!     audience: "https://service.example.com",
//!     recipient: "https://service.example.com/token",
//!     issued_at: NOW,
//!     expires_at: NOW + 300,
//!     session_expires_at: None,
//!     attributes: vec![],
//!     entropy: &ENTROPY,
//! })?;
//! # Ok(xml) })?;
//! assert!(xml.starts_with("<saml:Assertion "));
//! # Ok(())
//! # }
//! ```

mod assertion;
mod signer;
mod xml;

pub use assertion::{Assertion, Attribute};
pub use signer::SamlSigner;
