//! Exchanges: requests as they are sent, responses as they arrive, and the credentials in them.

pub(crate) mod credential;
pub(crate) mod http_client;
pub(crate) mod id_token;
pub(crate) mod message;
pub(crate) mod parts;
pub(crate) mod redaction;
pub(crate) mod request_builder;
pub(crate) mod upstream_request;
pub(crate) mod xml;
