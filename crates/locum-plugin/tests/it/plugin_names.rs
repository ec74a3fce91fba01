//! Every plugin under `plugins/` follows the naming rule of `plugins/README.md`.

use std::fs;
use std::path::PathBuf;

use locum_plugin::abi::manifest::Manifest;

fn plugins() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../plugins")
}

fn folders() -> Vec<PathBuf> {
    let entries = fs::read_dir(plugins()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").is_file()).collect()
}

#[test]
fn folder_crate_and_manifest_have_the_name_of_the_first_api_type() {
    assert!(!folders().is_empty());
    for folder in folders() {
        let manifest = fs::read(folder.join("manifest.json")).unwrap();
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert_eq!(manifest.name, name);
        assert_eq!(manifest.issuers[0].api_type, name);
        let cargo = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
        let package = format!("name = \"locum-plugin-{}\"", name.replace('_', "-"));
        assert!(cargo.lines().any(|line| line == package), "{name} has no line {package}");
    }
}

#[test]
fn the_table_of_plugins_names_only_plugins_that_exist() {
    let page = fs::read_to_string(plugins().join("README.md")).unwrap();
    let named: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| [")?.split_once(']'))
        .map(|(name, _)| name)
        .collect();
    assert!(!named.is_empty());
    for name in named {
        assert!(plugins().join(name).join("Cargo.toml").is_file(), "plugins/{name} does not exist");
    }
}
