//! What is written, and that a failure leaves nothing.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use locum_import::{Import, write};
use locum_store::tenant_file::{self, References};
use tempfile::TempDir;

use crate::test_export::{DOMAIN, TestExport};

fn imported() -> Import {
    TestExport::copy_of("yaml").import().ok().unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_that_is_absent_or_empty_is_filled_and_only_its_user_can_read_it() {
    for exists in [false, true] {
        let folder = TempDir::new().unwrap();
        let out = folder.path().join("out");
        if exists {
            fs::create_dir(&out).unwrap();
        }
        write(&imported(), &out).unwrap();
        let file = format!("{DOMAIN}.yaml");
        assert_eq!(names(&out), [file.clone(), "secrets".to_owned()]);
        assert_eq!((mode(&out), mode(&out.join("secrets")), mode(&out.join(&file))), (0o700, 0o700, 0o600));
        for secret in names(&out.join("secrets")) {
            assert_eq!(mode(&out.join("secrets").join(secret)), 0o600);
        }
        assert_eq!(names(folder.path()), ["out"]);
        let read = tenant_file::load(&out.join(file), &References::new(&|_| None, &out)).unwrap();
        assert!(read.problems.is_empty(), "{:?}", read.problems);
        assert_eq!(read.data, imported().data);
    }
}

#[test]
fn a_folder_with_anything_in_it_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join(".hidden"), "mine").unwrap();
    let refused = write(&imported(), &out).unwrap_err().to_string();
    assert!(refused.contains("is not an empty folder"), "{refused}");
    assert_eq!((names(&out), names(folder.path())), (vec![".hidden".to_owned()], vec!["out".to_owned()]));
}

#[test]
fn a_file_or_a_link_in_its_place_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    fs::create_dir(folder.path().join("elsewhere")).unwrap();
    fs::write(folder.path().join("file"), "mine").unwrap();
    symlink("elsewhere", folder.path().join("link")).unwrap();
    symlink("nowhere", folder.path().join("dangling")).unwrap();
    for name in ["file", "link", "dangling"] {
        assert!(write(&imported(), &folder.path().join(name)).is_err(), "{name}");
    }
    assert_eq!(names(folder.path()), ["dangling", "elsewhere", "file", "link"]);
    assert!(names(&folder.path().join("elsewhere")).is_empty());
}

#[test]
fn a_folder_without_a_name_is_refused() {
    for out in [".", "..", "/", "a/.."] {
        let refused = write(&imported(), Path::new(out)).unwrap_err().to_string();
        assert!(refused.contains("is not the name of a folder"), "{refused}");
    }
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let folder = TempDir::new().unwrap();
    let absent = folder.path().join("absent");
    let refused = write(&imported(), &absent.join("out")).unwrap_err().to_string();
    assert!(refused.contains(&format!("there is no folder {}", absent.display())), "{refused}");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn what_has_the_temporary_name_already_is_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let beside = folder.path().join(format!(".out.{}", std::process::id()));
    fs::create_dir(&beside).unwrap();
    fs::write(beside.join("file"), "mine").unwrap();
    assert!(write(&imported(), &folder.path().join("out")).is_err());
    assert_eq!(names(&beside), ["file"]);
}
