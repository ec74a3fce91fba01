//! Which files are written, and which are never changed.

use std::os::unix::fs::PermissionsExt as _;

use tempfile::TempDir;

use super::*;

/// A folder with the parts of Locum's workspace that the scaffold reads.
fn checkout() -> TempDir {
    let folder = TempDir::new().unwrap();
    let sdk = folder.path().join("locum/crates/locum-plugin");
    for made in [&sdk, &folder.path().join("locum/plugins"), &folder.path().join("locum/fixtures")] {
        fs::create_dir_all(made).unwrap();
    }
    fs::write(sdk.join("Cargo.toml"), "[package]\nname = \"locum-plugin\"\n").unwrap();
    fs::write(folder.path().join("locum/Cargo.toml"), "[workspace]\n").unwrap();
    fs::write(folder.path().join("locum/Cargo.lock"), "# locked\n").unwrap();
    folder
}

fn written(name: &str, checkout: &TempDir) -> Result<Vec<String>, ScaffoldError> {
    let folder = checkout.path().join("mine");
    let files =
        write_crate(&NewPlugin::named(name), &folder, &checkout.path().join("locum/crates/locum-plugin"))?;
    Ok(files.iter().map(|file| file.strip_prefix(&folder).unwrap().display().to_string()).collect())
}

#[test]
fn a_standalone_crate_has_all_files() {
    let checkout = checkout();
    assert_eq!(
        written("car-park", &checkout).unwrap(),
        [
            "Cargo.toml",
            "README.md",
            ".gitignore",
            ".github/workflows/ci.yml",
            "rustfmt.toml",
            "check",
            "src/lib.rs",
            "src/tests.rs",
            "manifest.json",
            "fixtures/car_park/plugin.yaml",
            "fixtures/car_park/a-token-has-the-claims-that-its-reader-needs.yaml",
            "fixtures/car_park/an-empty-key-is-refused.yaml",
            "schemas/fixture.schema.json",
            "schemas/plugin.schema.json",
            "Cargo.lock",
        ]
    );
    let text = |file: &str| fs::read_to_string(checkout.path().join("mine").join(file)).unwrap();
    assert!(text("Cargo.toml").contains(r#"locum-plugin = { path = "../locum/crates/locum-plugin" }"#));
    assert!(text("src/lib.rs").contains("struct CarParkIssuer"));
    assert!(text("fixtures/car_park/plugin.yaml").contains("$schema=../../schemas/plugin.schema.json"));
    assert_eq!(text("Cargo.lock"), "# locked\n");
    let mode = fs::metadata(checkout.path().join("mine/check")).unwrap().permissions().mode();
    assert_eq!(mode & 0o111, 0o111);
}

#[test]
fn the_name_of_a_shipped_plugin_is_taken() {
    let checkout = checkout();
    // The plugin `salesforce_api` also serves `salesforce_sandbox_api`; both spellings of a name count as one.
    for name in ["app", "azure_blob", "azure-blob", "salesforce-api", "salesforce-sandbox-api"] {
        assert!(matches!(written(name, &checkout), Err(ScaffoldError::NameTaken { .. })), "{name}");
    }
    assert!(!checkout.path().join("mine").exists());
    assert!(written("app-2", &checkout).is_ok());
}

#[test]
fn existing_files_are_not_overwritten() {
    let checkout = checkout();
    let folder = checkout.path().join("mine");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("README.md"), "mine").unwrap();
    assert!(matches!(written("car-park", &checkout), Err(ScaffoldError::Occupied(_))));
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    fs::remove_file(folder.join("README.md")).unwrap();
    assert!(written("car-park", &checkout).is_ok());
    assert!(matches!(written("car-park", &checkout), Err(ScaffoldError::Occupied(_))));
}

#[test]
fn a_file_at_the_destination_is_refused() {
    let checkout = checkout();
    fs::write(checkout.path().join("mine"), "mine").unwrap();
    assert!(matches!(written("car-park", &checkout), Err(ScaffoldError::Occupied(_))));
}

#[test]
fn a_folder_that_is_not_the_sdk_is_refused() {
    let checkout = checkout();
    let mine = checkout.path().join("mine");
    for sdk in ["locum", "locum/crates", "nowhere"] {
        let refused = write_crate(&NewPlugin::named("car-park"), &mine, &checkout.path().join(sdk));
        assert!(matches!(refused, Err(ScaffoldError::NoSdk(_))), "{sdk}");
    }
    assert!(!mine.exists());
}

#[test]
fn a_symbolic_link_does_not_break_the_path_to_the_sdk() {
    let checkout = checkout();
    let elsewhere = TempDir::new().unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), checkout.path().join("link")).unwrap();
    let sdk = checkout.path().join("locum/crates/locum-plugin");
    write_crate(&NewPlugin::named("car-park"), &checkout.path().join("link/mine"), &sdk).unwrap();
    let manifest = fs::read_to_string(elsewhere.path().join("mine/Cargo.toml")).unwrap();
    assert!(manifest.contains(&format!("path = \"{}\"", sdk.display())), "{manifest}");
}

#[test]
fn a_workspace_member_consists_of_two_folders() {
    let checkout = checkout();
    let workspace = checkout.path().join("locum");
    let files = write_workspace_member(&NewPlugin::named("car-park"), &workspace).unwrap();
    let files: Vec<String> =
        files.iter().map(|file| file.strip_prefix(&workspace).unwrap().display().to_string()).collect();
    assert_eq!(
        files,
        [
            "plugins/car_park/Cargo.toml",
            "plugins/car_park/README.md",
            "plugins/car_park/src/lib.rs",
            "plugins/car_park/src/tests.rs",
            "plugins/car_park/manifest.json",
            "fixtures/car_park/plugin.yaml",
            "fixtures/car_park/a-token-has-the-claims-that-its-reader-needs.yaml",
            "fixtures/car_park/an-empty-key-is-refused.yaml",
        ]
    );
    assert!(matches!(
        write_workspace_member(&NewPlugin::named("car_park"), &workspace),
        Err(ScaffoldError::Occupied(_))
    ));
}

#[test]
fn existing_fixtures_are_not_mixed_with_new_ones() {
    let checkout = checkout();
    let workspace = checkout.path().join("locum");
    fs::create_dir(workspace.join("fixtures/car_park")).unwrap();
    fs::write(workspace.join("fixtures/car_park/plugin.yaml"), "mine").unwrap();
    assert!(matches!(
        write_workspace_member(&NewPlugin::named("car-park"), &workspace),
        Err(ScaffoldError::Occupied(_))
    ));
    assert!(!workspace.join("plugins/car_park").exists());
}

#[test]
fn a_folder_that_is_not_the_workspace_is_refused() {
    let checkout = checkout();
    assert!(matches!(
        write_workspace_member(&NewPlugin::named("car-park"), checkout.path()),
        Err(ScaffoldError::NoWorkspace(_))
    ));
}
