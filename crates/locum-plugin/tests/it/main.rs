//! What the kit says of itself in the documents.

#![expect(clippy::indexing_slicing, reason = "an absent member of a JSON value reads as null")]

mod manifest_reference;
