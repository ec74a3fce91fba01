//! Management tokens that operators mint: whoever has a tenant's keys needs no client.

use locum_abi::operation::ENTROPY_BYTES;
use locum_abi::secret::Secret;

use crate::management::token::{Claims, OF_AN_OPERATOR, OPERATOR, token_id};
use crate::model::Tenant;
use crate::prepared::Management;

/// A management token that is to be minted. Its `sub` is `operator@locum`.
#[derive(Debug, Clone, Copy)]
pub struct OperatorToken<'a> {
    /// The tenant that it is for.
    pub tenant: &'a Tenant,
    /// The scopes that it has, separated by spaces; `None` for all, those of later releases too.
    pub scope: Option<&'a str>,
    /// The time, in unix seconds.
    pub issued_at: i64,
    /// For how many seconds it is valid.
    pub lifetime_seconds: u32,
    /// Fresh random bytes, for its `jti`.
    pub entropy: [u8; ENTROPY_BYTES],
}

impl OperatorToken<'_> {
    /// The token, signed with the tenant's first management key; `None` if it has none.
    pub fn mint(&self) -> Option<Secret> {
        let management = Management::of(self.tenant)?;
        let claims = Claims {
            iss: &self.tenant.issuer(),
            sub: OPERATOR,
            aud: &management.audience,
            iat: self.issued_at,
            exp: self.issued_at.saturating_add(self.lifetime_seconds.into()),
            azp: None,
            gty: OF_AN_OPERATOR,
            scope: self.scope,
            jti: &token_id(self.entropy),
        };
        claims.signed(&management).map(Secret::from)
    }
}
