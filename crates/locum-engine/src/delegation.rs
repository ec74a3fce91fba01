//! Delegation: five steps. Each takes the value that the step before it returns, and nothing else constructs that value,
//! so no check can be skipped.

mod act_claim;
mod actor;
mod admit;
mod audiences;
mod authenticate;
mod authorize;
mod exchange_request;
mod guess_check;
mod issue;
mod lifetime;
mod private_attributes;
mod refresh;
mod refresh_subject;
mod request;
mod scope;
mod session;
mod snake_case;
mod subject;

pub use admit::{Admission, Admitted, admit};
pub(crate) use admit::{Count, count};
pub use authenticate::{Authenticated, authenticate};
pub use authorize::{Authorized, authorize};
pub use exchange_request::{CLIENT_CREDENTIALS, REFRESH_TOKEN, TOKEN_EXCHANGE};
pub(crate) use exchange_request::{ExchangeRequest, TOKEN_PARAMETERS, issued_token_type};
pub use issue::issue;
pub(crate) use issue::refusal_of;
pub(crate) use refresh::{REFRESH_TOKEN_TYPE, Renewal, issue_refresh_token};
pub(crate) use request::scope_words;
pub use request::{Caller, DelegationRequest, JWT_BEARER, PresentedKind, PresentedToken, Wanted};
pub(crate) use scope::KnownUser;
pub(crate) use subject::subject_of;
