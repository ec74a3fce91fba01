//! From bytes to parameters and a caller.

mod basic;
mod bearer;
mod caller;
mod form;
mod host;
mod media_type;
mod parameters;
mod proxies;

pub(crate) use basic::basic_credentials;
pub use bearer::bearer_token;
pub(crate) use caller::address;
pub use caller::caller;
pub(crate) use host::host;
pub(crate) use parameters::{Body, read_body, read_query};
pub use proxies::TrustedProxies;
