//! Egress: which upstream requests an issuer may make, and how they are performed.

pub(crate) mod allowed_upstreams;
pub(crate) mod header_pattern;
pub(crate) mod host_pattern;
pub(crate) mod http_upstreams;
mod upstream_tls;
pub(crate) mod upstreams;
