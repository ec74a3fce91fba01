//! Imports of exports that were written by hand, with issuers that check what a manifest says.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failure here is a failure of the test"
)]

mod forms;
mod identity;
mod left_out;
mod management_grants;
mod output;
mod paths;
mod reader;
mod test_export;
mod test_issuers;
mod values;
