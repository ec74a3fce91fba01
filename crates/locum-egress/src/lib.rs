//! Outgoing HTTP: no redirects, proxies or cookies, answers of a bounded size, and where it is told to, public addresses only.

mod http_client;
mod public_address;

pub use http_client::{Addresses, HttpAnswer, HttpClient, HttpError, HttpMethod, HttpRequest, Tls};
pub use public_address::{FoundAddresses, Lookup, is_public};
