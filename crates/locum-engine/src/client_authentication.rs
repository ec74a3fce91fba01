//! The calling client at the endpoints where clients authenticate: what it presents, and whether that proves who it is.

mod assertion;
mod identify;
mod presented;
mod proof;

pub(crate) use identify::{IdentifiedClient, delegating_tenant, identified_client, known_client};
pub(crate) use presented::PresentedClient;
pub use presented::{BasicCredentials, ClientCredential};
pub(crate) use proof::{ClientProof, client_proof};
