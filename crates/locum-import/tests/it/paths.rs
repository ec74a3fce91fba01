//! Paths and links that lead out of the export.

use std::fs;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::test_export::TestExport;

const LINK: &str = "links are not followed";

#[test]
fn a_script_outside_of_the_export_is_not_read() {
    for path in ["../outside.js", "/etc/outside.js", "rules/../../outside.js", "..\\outside.js"] {
        let export = TestExport::copy_of("yaml");
        export.replace("tenant.yaml", "./rules/Role in AWS.js", path);
        assert!(export.refusal().contains("leads out of the export"), "{path}: {}", export.refusal());
    }
    let export = TestExport::copy_of("directory");
    export.replace("rules/another name.json", "./Role in AWS.js", "../../outside.js");
    assert!(export.refusal().contains("leads out of the export"), "{}", export.refusal());
}

#[test]
fn a_script_that_is_not_there_is_named() {
    let export = TestExport::copy_of("yaml");
    export.replace("tenant.yaml", "./rules/Role in AWS.js", "./rules/other.js");
    assert!(export.refusal().contains("it names the file ./rules/other.js"), "{}", export.refusal());
}

#[test]
fn a_link_is_not_followed_wherever_it_is() {
    let outside = TempDir::new().unwrap();
    fs::write(outside.path().join("file"), "{\"name\": \"outside\"}").unwrap();
    for file in ["clients/by.json", "tenant.json", "rules/Role in AWS.js", "rules/another name.json"] {
        let export = TestExport::copy_of("directory");
        fs::remove_file(export.path(file)).unwrap();
        symlink(outside.path().join("file"), export.path(file)).unwrap();
        assert!(export.refusal().contains(LINK), "{file}: {}", export.refusal());
    }
    for folder in ["clients", "rules", "grants"] {
        let export = TestExport::copy_of("directory");
        fs::remove_dir_all(export.path(folder)).unwrap();
        symlink(outside.path(), export.path(folder)).unwrap();
        assert!(export.refusal().contains(LINK), "{folder}: {}", export.refusal());
    }
    // Also one that stays inside: what it leads to can change.
    let export = TestExport::copy_of("yaml");
    symlink("Role in AWS.js", export.path("rules/again.js")).unwrap();
    export.replace("tenant.yaml", "./rules/Role in AWS.js", "./rules/again.js");
    assert!(export.refusal().contains(LINK), "{}", export.refusal());
}

#[test]
fn what_is_no_regular_file_is_refused_without_waiting() {
    let export = TestExport::copy_of("directory");
    fs::remove_file(export.path("clients/by.json")).unwrap();
    let pipe = export.path("clients/by.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(export.refusal().contains("not a regular file"), "{}", export.refusal());
}

#[test]
fn a_file_whose_name_is_not_utf8_is_not_passed_over() {
    use std::os::unix::ffi::OsStrExt;
    let export = TestExport::copy_of("directory");
    fs::write(export.path("clients").join(std::ffi::OsStr::from_bytes(b"\xff.json")), "{}").unwrap();
    assert!(export.refusal().contains("is not UTF-8; rename it"), "{}", export.refusal());
}

#[test]
fn a_file_that_cannot_be_parsed_is_named_with_its_line_and_no_value() {
    let export = TestExport::copy_of("directory");
    export.write("clients/by.json", "{\n  \"client_secret\": \"s3cr3t\" x\n}");
    assert!(export.refusal().contains("clients/by.json: it is not JSON: see line 2"), "{}", export.refusal());
    assert!(!export.refusal().contains("s3cr3t"));
    let export = TestExport::copy_of("yaml");
    export.write("tenant.yaml", "clients:\n  - client_secret: 's3cr3t\n");
    assert!(export.refusal().contains("tenant.yaml: it is not YAML"), "{}", export.refusal());
    assert!(!export.refusal().contains("s3cr3t"));
    export.write("tenant.yaml", "clients: {}\n");
    assert!(export.refusal().contains("`clients` must be a list"), "{}", export.refusal());
    let export = TestExport::copy_of("directory");
    export.write("clients/by.json", "[]");
    assert!(export.refusal().contains("must hold a JSON object"), "{}", export.refusal());
}
