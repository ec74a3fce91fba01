//! The actor of a request (RFC 8693 section 2.1, `actor_token`).

use crate::subject_token::Subject;

/// Who acts for the user, by the claims of a verified actor token.
#[derive(Debug)]
pub(crate) struct Actor {
    /// `sub`.
    pub(crate) sub: String,
    /// `iss`.
    pub(crate) issuer: String,
    /// Whether the token is the tenant's own, or of a former issuer.
    pub(crate) is_tenants: bool,
}

impl From<Subject<'_>> for Actor {
    fn from(subject: Subject<'_>) -> Self {
        let (sub, issuer) = (subject.sub().to_owned(), subject.issuer().to_owned());
        Self { sub, issuer, is_tenants: subject.is_tenants }
    }
}
