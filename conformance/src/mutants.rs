//! Mutants: faults that the suite must detect, and the mutation score.

mod catalogue;
mod contract;
mod errors;
mod expiry;
mod hostile;
mod http;
mod mutant;
mod non_revocability;
mod rate_limit;
mod renewal;
mod request_score;
mod revocation;
mod scopes;
mod score;
mod secrets;
mod upstream_faults;

pub use self::score::{run_with_mutants, survivor_without};
