//! Management tokens: who may call the Management API of a tenant, and with which scopes.
//!
//! A client gets one by its own credentials, as far as its grant allows; an operator who has the keys mints one. Either is a JWT
//! for one tenant, which its management keys alone sign and verify.

mod caller;
mod grant;
mod operator_token;
mod request;
mod token;

pub(crate) use caller::caller;
pub use caller::{ManagementActor, ManagementCaller, ManagementTokenError};
pub(crate) use grant::{GrantedToken, grant};
pub use operator_token::OperatorToken;
pub(crate) use request::ClientCredentialsRequest;
