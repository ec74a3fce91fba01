//! The calling client at the endpoints where clients authenticate: what it presents, and whether that proves who it is.

mod presented;
mod proof;

pub use presented::BasicCredentials;
pub(crate) use presented::PresentedClient;
pub(crate) use proof::{ClientProof, client_proof};
