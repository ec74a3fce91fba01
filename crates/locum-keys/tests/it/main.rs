//! Keys fetched from a provider that answers as the tests tell it to, over HTTP on this machine.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failure here is a failure of the test")]

mod documents;
mod provider;
mod rotation;
