//! Revocation (RFC 7009): typed steps like those of a delegation.
//!
//! ```text
//! parameters
//!    │  parse      the parameters                         → RevocationRequest
//!    │  identify   the tenant and the client              → Identified
//!    │  select     the add-ons that may know the token    → Revocable
//!    │  admit      the rate limit                         → AdmittedRevocation
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
