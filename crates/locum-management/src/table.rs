//! The table of all endpoints.

use crate::endpoint::Endpoint;
use crate::{client_grants, clients, device_credentials, own, signing_keys, tenant_settings, users};

/// All endpoints.
pub(crate) fn all() -> impl Iterator<Item = &'static Endpoint> {
    [
        clients::ENDPOINTS,
        client_grants::ENDPOINTS,
        users::ENDPOINTS,
        device_credentials::ENDPOINTS,
        tenant_settings::ENDPOINTS,
        signing_keys::ENDPOINTS,
        own::issuers::ENDPOINTS,
        own::plugins::ENDPOINTS,
        own::who_can::ENDPOINTS,
    ]
    .into_iter()
    .flatten()
}
