//! Embeds the suite's own fixtures, so that the binary needs no further files.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What every run needs, besides every folder with a plugin spec.
const SHARED: [&str; 4] = ["core", "server", "keys", "tenant.yaml"];

/// The file that marks the folder of a plugin's fixtures.
const PLUGIN_SPEC: &str = "plugin.yaml";

fn main() -> io::Result<()> {
    // Asked when it runs: a checkout may have been moved with its target directory since this was compiled.
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
    let fixtures = package.join("../fixtures");
    let mut code = String::from("&[\n");
    println!("cargo::rerun-if-changed={}", fixtures.display());
    let parts = SHARED.iter().map(|part| fixtures.join(part));
    let of_plugins = files(&fixtures)?.into_iter().filter(|folder| folder.join(PLUGIN_SPEC).is_file());
    for part in parts.chain(of_plugins) {
        for file in files(&part)? {
            let name = file.strip_prefix(&fixtures).unwrap_or(&file).display().to_string();
            // Writing to a String does not fail.
            let _ = writeln!(code, "({name:?}, include_str!({:?})),", fs::canonicalize(&file)?);
        }
    }
    code.push_str("]\n");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("built_in.rs"), code)
}

/// The file itself, or the files of the folder, sorted.
fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    files.sort();
    Ok(files)
}
