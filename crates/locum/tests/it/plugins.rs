//! Plugin files that are not what they should be: `check` and `serve` name the file and the remedy, and end with 4.

use std::fs;

use serde_json::Value;

use crate::house::House;

/// Spoils the plugin's bytes, and tells how `serve` ends.
fn refused_when(spoil: impl FnOnce(Vec<u8>) -> Vec<u8>) -> String {
    let house = House::new();
    let bytes = fs::read(house.plugin()).unwrap();
    fs::remove_file(house.path("plugins.lock")).unwrap();
    fs::write(house.plugin(), spoil(bytes)).unwrap();
    // Pinned as it is, so that the file itself is judged; what cannot even be inspected cannot be pinned either.
    let pin = house.locum(["plugin", "pin", "--yes", "plugins/liblocum_plugin_app.so"]);
    let serve = house.locum(["serve"]);
    assert_eq!(serve.code, 4, "{}", serve.stderr);
    if pin.code == 0 { serve.stderr } else { pin.stderr }
}

#[test]
fn a_house_in_order_is_good() {
    let checked = House::new().locum(["check"]);
    assert_eq!(
        (checked.code, checked.stdout.as_str()),
        (0, "1 plugins, 1 tenants: good\n"),
        "{}",
        checked.stderr
    );
}

#[test]
fn a_file_that_nobody_pinned_is_refused_with_the_command_that_pins_it() {
    let house = House::new();
    fs::remove_file(house.path("plugins.lock")).unwrap();
    for command in ["check", "serve"] {
        let refused = house.locum([command]);
        assert_eq!(refused.code, 4);
        assert!(refused.stderr.contains("liblocum_plugin_app.so"), "{}", refused.stderr);
        assert!(refused.stderr.contains("locum plugin pin"), "{}", refused.stderr);
    }
}

#[test]
fn a_file_that_changed_after_pinning_is_refused_with_both_hashes() {
    let house = House::new();
    let mut bytes = fs::read(house.plugin()).unwrap();
    bytes.extend_from_slice(b"\0");
    fs::write(house.plugin(), bytes).unwrap();
    let refused = house.locum(["serve"]);
    assert_eq!(refused.code, 4);
    assert_eq!(
        refused.stderr.matches("sha256").count() + refused.stderr.matches("found ").count(),
        2,
        "{}",
        refused.stderr
    );
}

#[test]
fn a_truncated_file_is_refused_before_anything_of_it_runs() {
    let refused = refused_when(|bytes| bytes[..bytes.len() / 2].to_vec());
    assert!(refused.contains("liblocum_plugin_app.so"), "{refused}");
}

#[test]
fn a_file_for_another_machine_is_refused() {
    let refused = refused_when(|mut bytes| {
        // e_machine of an ELF header; 0xf3 is RISC-V.
        bytes[18] = 0xf3;
        bytes
    });
    assert!(refused.contains("machine"), "{refused}");
}

#[test]
fn a_text_is_no_plugin() {
    let refused = refused_when(|_| b"not a library\n".to_vec());
    assert!(refused.contains("liblocum_plugin_app.so"), "{refused}");
}

#[test]
fn two_plugins_for_one_api_type_are_refused_by_naming_both() {
    let house = House::new();
    fs::copy(house.plugin(), house.path("plugins/second.so")).unwrap();
    assert_eq!(house.locum(["plugin", "pin", "--yes", "plugins/second.so"]).code, 0);
    let refused = house.locum(["serve"]);
    assert_eq!(refused.code, 4);
    assert!(
        refused.stderr.contains("liblocum_plugin_app.so") && refused.stderr.contains("second.so"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_list_shows_what_is_pinned_and_what_changed() {
    let house = House::new();
    let pinned = |house: &House| {
        let listed = house.locum(["plugin", "list", "plugins", "--format", "json"]);
        assert_eq!(listed.code, 0);
        serde_json::from_str::<Value>(&listed.stdout).unwrap()[0]["pinned"].clone()
    };
    assert_eq!(pinned(&house), "yes");
    let mut bytes = fs::read(house.plugin()).unwrap();
    bytes.extend_from_slice(b"\0");
    fs::write(house.plugin(), bytes).unwrap();
    assert_eq!(pinned(&house), "changed");
    fs::remove_file(house.path("plugins.lock")).unwrap();
    assert_eq!(pinned(&house), "no");
}

#[test]
fn an_inspection_shows_the_promises_without_running_the_file() {
    let house = House::new();
    let shown = house.locum(["plugin", "inspect", "plugins/liblocum_plugin_app.so"]);
    assert_eq!(shown.code, 0);
    assert!(
        shown.stdout.contains("api_type app\n  lives   1 to 2592000 s, 36000 s by default"),
        "{}",
        shown.stdout
    );
}

#[test]
fn nothing_is_pinned_without_a_word_from_a_person() {
    let house = House::new();
    let refused = house.locum(["plugin", "pin", "plugins/liblocum_plugin_app.so"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("--yes"), "{}", refused.stderr);
}
