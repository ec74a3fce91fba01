//! The SDK from outside: what a kept value does, and documents and folders that must agree with the code.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

#[cfg(feature = "signing")]
mod kept;
mod manifest_reference;
mod plugin_names;
