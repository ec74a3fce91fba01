//! `locum plugin new`: what it writes, and what it refuses with a reason and without leaving files.

use std::fs;

use crate::installation::{Installation, ROOT};

fn sdk() -> String {
    format!("{ROOT}/crates/locum-plugin")
}

/// The names in the installation's folder, sorted.
fn entries(installation: &Installation) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(installation.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_plugin_is_written_to_its_own_folder_with_a_next_step() {
    let installation = Installation::new();
    let written = installation.locum(["plugin", "new", "car-park", "--sdk", &sdk()]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(written.stdout.contains("wrote "), "{}", written.stdout);
    assert!(written.stdout.trim_end().ends_with("then run car-park/check"), "{}", written.stdout);
    assert!(installation.path("car-park/src/lib.rs").is_file());
}

#[test]
fn the_folder_can_be_chosen() {
    let installation = Installation::new();
    let written = installation.locum(["plugin", "new", "car-park", "--dir", "code/mine", "--sdk", &sdk()]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(installation.path("code/mine/Cargo.toml").is_file());
}

#[test]
fn options_start_a_plugin_with_an_upstream() {
    let installation = Installation::new();
    let sdk = sdk();
    let upstream = "--upstream=login.example.com";
    let written =
        installation.locum(["plugin", "new", "travel", "--sdk", &sdk, "--revocable", "--rs256", upstream]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    let text = |file: &str| fs::read_to_string(installation.path(&format!("travel/{file}"))).unwrap();
    assert!(text("src/lib.rs").contains(r#"const HOST: &str = "login.example.com";"#));
    assert!(text("fixtures/travel/plugin.yaml").contains("url: https://login.example.com/revoke"));
    assert!(installation.path("travel/fixtures/travel/test-key.pem").is_file());
    assert!(installation.path("travel/schemas/fixture.schema.json").is_file());
}

#[test]
fn an_upstream_that_is_neither_a_host_nor_a_url_is_refused() {
    let installation = Installation::new();
    for upstream in ["login", "http://login.example.com/token", "https://login.example.com/?a=b"] {
        let new = ["plugin", "new", "travel", "--sdk", &sdk(), "--upstream", upstream];
        let refused = installation.locum(new);
        assert_eq!(refused.code, 2, "{upstream}");
        assert!(refused.stderr.contains(&format!("`{upstream}` is not an upstream")), "{}", refused.stderr);
    }
    assert!(!installation.path("travel").exists());
}

#[test]
fn the_new_folder_is_a_git_repository_unless_it_is_inside_one() {
    let installation = Installation::new();
    let new = |name: &str| installation.locum(["plugin", "new", "travel", "--sdk", &sdk(), "--dir", name]);
    let written = new("alone");
    assert!(installation.path("alone/.git").is_dir(), "{}", written.stdout);
    assert!(written.stdout.contains("made alone a git repository"), "{}", written.stdout);
    let inside = new("alone/inside");
    assert!(inside.stdout.contains("it belongs to the git repository"), "{}", inside.stdout);
    assert!(!installation.path("alone/inside/.git").exists());
}

#[test]
fn invalid_and_taken_names_are_refused() {
    let installation = Installation::new();
    let before = entries(&installation);
    for (name, why) in [
        ("Car Park", "must start with a lower-case letter"),
        ("car--park", "single hyphens"),
        ("../car-park", "must start with"),
        ("firebase", "taken by the plugin `firebase`"),
        ("azure-blob", "taken by the plugin `azure_blob`"),
    ] {
        let refused = installation.locum(["plugin", "new", name, "--sdk", &sdk()]);
        assert_eq!(refused.code, 2, "{name}");
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(entries(&installation), before);
}

#[test]
fn a_folder_that_is_not_empty_is_left_unchanged() {
    let installation = Installation::new();
    fs::create_dir(installation.path("car-park")).unwrap();
    installation.write("car-park/notes", "mine");
    let refused = installation.locum(["plugin", "new", "car-park", "--sdk", &sdk()]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("name another folder"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(installation.path("car-park")).unwrap().count(), 1);
}

#[test]
fn a_missing_sdk_is_refused() {
    let installation = Installation::new();
    let unnamed = installation.locum(["plugin", "new", "car-park"]);
    assert_eq!(unnamed.code, 2);
    assert!(unnamed.stderr.contains("--sdk"), "{}", unnamed.stderr);
    let absent = installation.locum(["plugin", "new", "car-park", "--sdk", "nowhere"]);
    assert_eq!(absent.code, 2);
    assert!(absent.stderr.contains("crates/locum-plugin in a checkout of Locum"), "{}", absent.stderr);
    assert!(!installation.path("car-park").exists());
}

#[test]
fn workspace_refuses_a_folder_that_is_not_the_workspace() {
    let installation = Installation::new();
    let refused = installation.locum(["plugin", "new", "car-park", "--workspace", "."]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is not Locum's workspace"), "{}", refused.stderr);
    // The installation's own folder `plugins` must be unchanged.
    assert_eq!(fs::read_dir(installation.path("plugins")).unwrap().count(), 1);
}
