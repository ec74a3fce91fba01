//! Documents and folders outside this crate that must agree with its code.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

mod manifest_reference;
mod plugin_names;
