//! Revocation (RFC 7009) in the same typed steps as delegation.
//!
//! ```text
//! parameters
//!    │  parse      which request                          → RevocationRequest
//!    │  identify   the tenant and its client              → Identified
//!    │  select     what an upstream can revoke            → Revocable
//!    │  admit      the rate limit, if there is anything   → AdmittedRevocation
//!    ▼  revoke     the upstream calls
//! ()
//! ```

mod admit;
mod identify;
mod request;
mod revoke;
mod select;

pub use admit::{AdmittedRevocation, RevocationAdmission, admit};
pub use identify::{Identified, identify};
pub use request::RevocationRequest;
pub use revoke::revoke;
pub use select::{Revocable, select};
