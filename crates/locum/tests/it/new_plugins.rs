//! `plugin new`: what it writes, and what it refuses with a reason and without a trace.

use std::fs;

use crate::house::{House, ROOT};

fn sdk() -> String {
    format!("{ROOT}/crates/locum-plugin")
}

/// The folders of a house after a refusal must be those before it.
fn entries(house: &House) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(house.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_new_plugin_has_a_folder_of_its_own_and_a_next_step() {
    let house = House::new();
    let written = house.locum(["plugin", "new", "car-park", "--sdk", &sdk()]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(written.stdout.contains("wrote "), "{}", written.stdout);
    assert!(written.stdout.trim_end().ends_with("then run car-park/check"), "{}", written.stdout);
    assert!(house.path("car-park/src/lib.rs").is_file());
}

#[test]
fn a_folder_can_be_named() {
    let house = House::new();
    let written = house.locum(["plugin", "new", "car-park", "--dir", "code/mine", "--sdk", &sdk()]);
    assert_eq!(written.code, 0, "{}", written.stderr);
    assert!(house.path("code/mine/Cargo.toml").is_file());
}

#[test]
fn names_that_cannot_be_or_are_taken_are_refused() {
    let house = House::new();
    let before = entries(&house);
    for (name, why) in [
        ("Car Park", "must start with a lower-case letter"),
        ("car--park", "single hyphens"),
        ("../car-park", "must start with"),
        ("firebase", "taken by the plugin `firebase`"),
        ("azure-blob", "taken by the plugin `azure_blob`"),
    ] {
        let refused = house.locum(["plugin", "new", name, "--sdk", &sdk()]);
        assert_eq!(refused.code, 2, "{name}");
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
    }
    assert_eq!(entries(&house), before);
}

#[test]
fn a_folder_with_something_in_it_is_left_alone() {
    let house = House::new();
    fs::create_dir(house.path("car-park")).unwrap();
    house.write("car-park/notes", "mine");
    let refused = house.locum(["plugin", "new", "car-park", "--sdk", &sdk()]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("name another folder"), "{}", refused.stderr);
    assert_eq!(fs::read_dir(house.path("car-park")).unwrap().count(), 1);
}

#[test]
fn the_sdk_must_be_named_and_be_there() {
    let house = House::new();
    let unnamed = house.locum(["plugin", "new", "car-park"]);
    assert_eq!(unnamed.code, 2);
    assert!(unnamed.stderr.contains("--sdk"), "{}", unnamed.stderr);
    let absent = house.locum(["plugin", "new", "car-park", "--sdk", "nowhere"]);
    assert_eq!(absent.code, 2);
    assert!(absent.stderr.contains("crates/locum-plugin in a checkout of Locum"), "{}", absent.stderr);
    assert!(!house.path("car-park").exists());
}

#[test]
fn a_plugin_is_only_written_into_the_workspace_itself() {
    let house = House::new();
    let refused = house.locum(["plugin", "new", "car-park", "--inside", "."]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("is not Locum's workspace"), "{}", refused.stderr);
    // The house has a folder `plugins` of its own, which stays as it was.
    assert_eq!(fs::read_dir(house.path("plugins")).unwrap().count(), 1);
}
