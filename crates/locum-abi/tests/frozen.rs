//! The binary surface is frozen: every plugin that was ever built depends on these bytes.

use std::fs;
use std::path::Path;

use aws_lc_rs::digest::{SHA256, digest};

/// SHA-256 of `src/ffi.rs`.
const SURFACE: &str = "227b1c3aea9d1251f08b390069a2163ff0115756d41640cf4770eb0d86121e09";

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap_or_default()
}

#[test]
fn the_surface_is_what_it_was() {
    let hash = hex::encode(digest(&SHA256, read("src/ffi.rs").as_bytes()));
    assert_eq!(
        hash, SURFACE,
        "src/ffi.rs is frozen, since abi_stable refuses old plugins for any change of it: put the file back and change \
         the JSON messages instead. Only if the change cannot be seen in a built file, such as a comment, and the \
         plugins of conformance/old-plugins still pass, does the hash here change"
    );
}

#[test]
fn the_versions_that_abi_stable_compares_are_what_they_were() {
    assert_eq!(env!("CARGO_PKG_VERSION"), "1.0.0", "the version of locum-abi is part of the surface");
    let pinned = read("../../Cargo.toml")
        .lines()
        .any(|line| line.starts_with(r#"abi_stable = { version = "=0.11.3""#));
    assert!(pinned, "the version of abi_stable is part of the surface");
}
