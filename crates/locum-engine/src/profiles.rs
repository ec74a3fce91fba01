//! Auth0's older ways to read a user's profile, where the tenant allows them: `/tokeninfo` by an id_token, `/userinfo` by an app
//! token.

mod members;
mod read;
mod request;

pub(crate) use read::read;
pub use request::{ProfileRequest, ProfileToken};
