//! `/locum/…`: what Auth0 does not have.

pub(crate) mod issuers;
pub(crate) mod plugins;
pub(crate) mod who_can;
