//! The binary surface is frozen: what was built with it once must load for ever.

use std::fs;
use std::path::Path;

use locum_host::Sha256;

/// The file that says what crosses the border, as the first plugins were built with it.
const SURFACE: &str = "227b1c3aea9d1251f08b390069a2163ff0115756d41640cf4770eb0d86121e09";

fn workspace_file(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)).unwrap()
}

#[test]
fn the_frozen_surface_is_what_it_was() {
    let now = Sha256::of(&workspace_file("crates/locum-abi/src/ffi.rs")).to_string();
    assert_eq!(now, SURFACE, "put ffi.rs back: changed, it makes this host refuse every plugin built before");
}

/// `abi_stable` compares both versions when it loads a plugin.
#[test]
fn the_versions_that_are_compared_at_loading_are_what_they_were() {
    let says = |path: &str, line: &str| String::from_utf8(workspace_file(path)).unwrap().contains(line);
    assert!(says("crates/locum-abi/Cargo.toml", "\nversion = \"1.0.0\"\n"));
    assert!(says("Cargo.toml", "\nabi_stable = { version = \"=0.11.3\""));
}
