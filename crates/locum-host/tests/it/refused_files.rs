//! Files that are not plugins or not the pinned ones: each is refused with its own code.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use locum_host::{LoadError, LoadErrorCode, LoadOptions, LoosePermissions, Pins, PluginSet, Sha256, inspect};
use proptest::prelude::*;

use crate::harness::{ScriptedUpstreams, TestDirectory, load, parrot, pins_of};

fn refused(path: &Path) -> LoadError {
    let error = load(path).err().unwrap_or_else(|| panic!("{} was loaded", path.display()));
    let text = error.to_string();
    assert!(text.lines().count() <= 3 && text.starts_with(path.to_str().unwrap()), "{text}");
    error
}

fn options() -> LoadOptions {
    LoadOptions::new(Arc::new(ScriptedUpstreams::default()))
}

#[test]
fn an_unpinned_file_is_refused_and_the_remedy_pins_it() {
    let error = PluginSet::load([parrot()], &Pins::default(), options()).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::NotPinned);
    assert!(error.to_string().contains(&format!("`locum plugin pin {}`", parrot().display())), "{error}");
}

#[test]
fn a_file_that_changed_after_pinning_is_refused_with_both_hashes() {
    let directory = TestDirectory::new();
    let file = directory.parrot_with("libparrot.so", &[]);
    let pins = pins_of(&[&file]);
    assert!(PluginSet::load([&file], &pins, options()).is_ok());

    let changed =
        directory.parrot_with("libparrot.so", &[("\"vendor\": \"Tests\"", "\"vendor\": \"Evils\"")]);
    let error = PluginSet::load([&changed], &pins, options()).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::PinMismatch);
    let hashes = error.hashes.unwrap();
    assert_eq!(hashes.pinned, Sha256::of(&fs::read(parrot()).unwrap()));
    assert_eq!(hashes.found, Sha256::of(&fs::read(&changed).unwrap()));
    let line = format!("pinned sha256 {}, found {}", hashes.pinned, hashes.found);
    assert!(error.to_string().contains(&line), "{error}");
}

#[test]
fn a_file_that_changes_after_loading_has_no_effect() {
    let directory = TestDirectory::new();
    let file = directory.parrot_with("libparrot.so", &[]);
    let set = load(&file).unwrap();
    // Overwritten in place: if the file itself were mapped, its code would now consist of these bytes.
    fs::write(&file, vec![0xcc; 1 << 20]).unwrap();
    let configured = locum_engine::ports::Issuers::configure(
        &set,
        crate::harness::configuration("parrot_text", serde_json::json!({"answers": []})),
    );
    assert!(configured.is_ok());
}

#[test]
fn a_relative_path_is_refused_even_if_the_file_exists() {
    assert_eq!(inspect(Path::new("libz.so.1")).unwrap_err().code, LoadErrorCode::RelativePath);
    assert_eq!(inspect(Path::new("Cargo.toml")).unwrap_err().code, LoadErrorCode::RelativePath);
}

#[test]
fn a_path_without_a_regular_file_is_refused() {
    let directory = TestDirectory::new();
    assert_eq!(refused(&directory.path().join("none.so")).code, LoadErrorCode::NotFound);
    assert_eq!(refused(&directory.path().join("none.so/x")).code, LoadErrorCode::NotFound);
    assert_eq!(refused(directory.path()).code, LoadErrorCode::NotAFile);
    assert_eq!(refused(Path::new("/dev/zero")).code, LoadErrorCode::NotAFile);
    let link = directory.path().join("link.so");
    symlink(parrot(), &link).unwrap();
    assert_eq!(refused(&link).code, LoadErrorCode::SymbolicLink);
}

#[test]
fn a_file_over_the_size_limit_is_refused() {
    let directory = TestDirectory::new();
    let path = directory.path().join("huge.so");
    fs::File::create(&path).unwrap().set_len(locum_host::limits::PLUGIN_FILE_BYTES_MAX + 1).unwrap();
    assert_eq!(refused(&path).code, LoadErrorCode::TooLarge);
}

/// A pipe that nobody writes, and everything else that is not a regular file.
fn irregular(directory: &TestDirectory) -> Vec<std::path::PathBuf> {
    let pipe = directory.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RWXU).unwrap();
    let socket = directory.path().join("socket");
    std::os::unix::net::UnixListener::bind(&socket).unwrap();
    vec![pipe, socket, directory.path().to_owned(), "/dev/zero".into(), "/dev/full".into()]
}

#[test]
fn a_plugin_that_is_not_a_regular_file_is_refused_at_once() {
    let directory = TestDirectory::new();
    for path in irregular(&directory) {
        let error = refused(&path);
        assert!(matches!(error.code, LoadErrorCode::NotAFile | LoadErrorCode::Unreadable), "{error}");
    }
}

#[test]
fn a_lock_file_that_is_not_a_regular_file_is_refused_at_once() {
    let directory = TestDirectory::new();
    for path in irregular(&directory) {
        assert_eq!(
            Pins::from_lock(&path).unwrap_err().code,
            LoadErrorCode::LockUnusable,
            "{}",
            path.display()
        );
    }
}

#[test]
fn a_lock_file_that_is_too_large_or_not_text_is_refused_and_a_missing_one_has_no_pins() {
    let directory = TestDirectory::new();
    let limit = usize::try_from(locum_host::limits::LOCK_FILE_BYTES_MAX).unwrap();
    assert!(Pins::from_lock(&directory.file("largest", vec![b'\n'; limit])).is_ok());
    for (name, bytes) in [("larger", vec![b'\n'; limit + 1]), ("binary", vec![0xff])] {
        let error = Pins::from_lock(&directory.file(name, bytes)).unwrap_err();
        assert_eq!(error.code, LoadErrorCode::LockUnusable, "{error}");
    }
    assert_eq!(Pins::from_lock(&directory.path().join("missing")).unwrap(), Pins::default());
}

#[test]
fn writing_a_lock_file_does_not_wait_for_a_pipe_in_its_place() {
    let directory = TestDirectory::new();
    let lock = directory.path().join("plugins.lock");
    let draft = directory.path().join("plugins.lock.new");
    rustix::fs::mkfifoat(rustix::fs::CWD, &draft, rustix::fs::Mode::RWXU).unwrap();
    let pins = pins_of(&[parrot()]);
    pins.write_lock(&lock).unwrap();
    assert_eq!(Pins::from_lock(&lock).unwrap(), pins);
    assert!(!draft.exists());
}

#[test]
fn files_that_others_can_write_are_found() {
    let parent = TestDirectory::new();
    let directory = parent.path().join("plugins");
    fs::create_dir(&directory).unwrap();
    let file = directory.join("libapp.so");
    let lock = parent.file("plugins.lock", "");
    fs::write(&file, "").unwrap();
    let set = |path: &Path, mode: u32| {
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    let paths = [directory.as_path(), &file, parent.path(), &lock];
    for path in paths {
        set(path, 0o755);
    }
    assert_eq!(LoosePermissions::of_plugins(&directory), []);
    for (path, mode, advice) in [
        (paths[0], 0o777, "go-w"),
        (paths[1], 0o775, "g-w"),
        (paths[2], 0o757, "go-w"),
        (paths[3], 0o666, "go-w"),
    ] {
        set(path, mode);
        let found = LoosePermissions::of_plugins(&directory);
        assert_eq!(found.iter().map(|loose| loose.path.as_path()).collect::<Vec<_>>(), [path]);
        assert!(
            found[0].to_string().ends_with(&format!("run `chmod {advice} {}`", path.display())),
            "{}",
            found[0]
        );
        set(path, 0o755);
    }
    assert_eq!(LoosePermissions::of(&parent.path().join("missing")), None);
}

#[test]
fn a_file_that_is_not_a_shared_object_is_refused() {
    let directory = TestDirectory::new();
    for (name, bytes) in
        [("text", &b"#!/bin/sh\n"[..]), ("empty", b""), ("magic", b"\x7fELF"), ("random", &[0xa5; 4096])]
    {
        assert_eq!(refused(&directory.file(name, bytes)).code, LoadErrorCode::NotASharedObject, "{name}");
    }
    // e_type EXEC in place of DYN.
    assert_eq!(refused(&patched(&directory, 16, 2)).code, LoadErrorCode::NotASharedObject);
}

#[test]
fn a_file_for_another_architecture_is_refused() {
    let directory = TestDirectory::new();
    // e_machine is RISC-V; then class 32 bit; then byte order big-endian.
    for (at, byte) in [(18, 243), (4, 1), (5, 2)] {
        assert_eq!(refused(&patched(&directory, at, byte)).code, LoadErrorCode::WrongArchitecture, "{at}");
    }
}

fn patched(directory: &TestDirectory, at: usize, byte: u8) -> std::path::PathBuf {
    let mut bytes = fs::read(parrot()).unwrap();
    assert_ne!(bytes[at], byte);
    bytes[at] = byte;
    directory.file("patched.so", bytes)
}

#[test]
fn a_truncated_file_is_refused_before_the_loader_sees_it() {
    let directory = TestDirectory::new();
    let bytes = fs::read(parrot()).unwrap();
    for length in [64, 1000, bytes.len() / 2, bytes.len() - 1] {
        let error = refused(&directory.file("half.so", &bytes[..length]));
        assert_eq!(error.code, LoadErrorCode::Damaged, "{length}: {error}");
    }
}

#[test]
fn a_shared_object_that_is_not_a_plugin_is_refused() {
    let libc = fs::read_to_string("/proc/self/maps").unwrap();
    let libc =
        libc.lines().find_map(|line| line.split_whitespace().last().filter(|path| path.contains("libc.so")));
    let libc = fs::canonicalize(libc.unwrap()).unwrap();
    let error = refused(&libc);
    assert_eq!(error.code, LoadErrorCode::NotAPlugin, "{error}");
}

#[test]
fn a_plugin_without_the_entry_is_refused() {
    let directory = TestDirectory::new();
    let error =
        refused(&directory.parrot_with("libx.so", &[("_1as_0lib_1header_0root", "_1as_0lib_1footer_0root")]));
    assert_eq!(
        (error.code, error.cause.as_str()),
        (LoadErrorCode::NotAPlugin, "the file does not export the entry of a plugin")
    );
}

#[test]
fn a_plugin_without_a_manifest_is_refused() {
    let directory = TestDirectory::new();
    let path = directory.parrot_with("libx.so", &[("Locum\0", "Mocum\0")]);
    let error = refused(&path);
    assert_eq!(
        (error.code, error.cause.as_str()),
        (LoadErrorCode::NotAPlugin, "the file contains no manifest")
    );
}

#[test]
fn an_invalid_manifest_is_refused() {
    let directory = TestDirectory::new();
    for (from, to, code) in [
        ("{\n  \"contract\": 2", "[\n  \"contract\": 2", LoadErrorCode::ManifestUnreadable),
        ("\"contract\": 2", "\"contract\": 9", LoadErrorCode::ContractUnknown),
        ("\"form\": \"jwt\"", "\"form\": \"jot\"", LoadErrorCode::ManifestUnusable),
        (
            "\"notes\": [\"tenant_signing_key",
            "\"needs\": [\"tenant_crown_jewel",
            LoadErrorCode::ManifestUnusable,
        ),
        ("\"maximum_seconds\": 3600", "\"maximum_seconds\": 0036", LoadErrorCode::ManifestUnreadable),
        ("\"maximum_seconds\": 3600", "\"maximum_seconds\":   36", LoadErrorCode::ManifestUnusable),
    ] {
        let error = refused(&directory.parrot_with("libx.so", &[(from, to)]));
        assert_eq!(error.code, code, "{to}: {error}");
    }
}

#[test]
fn code_that_states_another_manifest_than_its_file_is_refused() {
    let directory = TestDirectory::new();
    let mut bytes = fs::read(parrot()).unwrap();
    let (from, to) = (b"\"vendor\": \"Tests\"", b"\"vendor\": \"Evils\"");
    let note = bytes.windows(5).position(|window| window == b"Locum").unwrap();
    let at = note + bytes[note..].windows(from.len()).position(|window| window == from).unwrap();
    bytes[at..at + to.len()].copy_from_slice(to);
    let path = directory.file("libx.so", bytes);
    assert_eq!(inspect(&path).unwrap().manifest.vendor, "Evils");
    assert_eq!(refused(&path).code, LoadErrorCode::ManifestMismatch);
}

#[test]
fn another_binary_interface_is_refused() {
    let directory = TestDirectory::new();
    let mut bytes = fs::read(parrot()).unwrap();
    let magic = b"abi stable library for Rust     ";
    let at = bytes.windows(magic.len()).position(|window| window == magic).unwrap();
    bytes[at] = b'A';
    assert_eq!(refused(&directory.file("libx.so", bytes)).code, LoadErrorCode::AbiMismatch);
}

#[test]
fn a_file_that_needs_a_newer_system_is_refused() {
    let directory = TestDirectory::new();
    let error = refused(&directory.parrot_with("libx.so", &[("\0GLIBC_2.3", "\0GLIBC_9.3")]));
    assert_eq!(error.code, LoadErrorCode::LoaderRefused, "{error}");
}

#[test]
fn two_plugins_with_the_same_name_are_refused_and_both_files_named() {
    let directory = TestDirectory::new();
    let twin = directory.parrot_with("libtwin.so", &[]);
    let error = PluginSet::load([parrot(), &twin], &pins_of(&[parrot(), &twin]), options()).err().unwrap();
    assert_eq!((error.code, &error.path), (LoadErrorCode::NameTaken, &twin));
    assert!(error.cause.contains(parrot().to_str().unwrap()), "{error}");
}

#[test]
fn two_plugins_that_serve_the_same_api_type_are_refused_and_both_files_named() {
    let directory = TestDirectory::new();
    let rival = directory.parrot_with("librival.so", &[("\"name\": \"parrot\"", "\"name\": \"carrot\"")]);
    let error = PluginSet::load([parrot(), &rival], &pins_of(&[parrot(), &rival]), options()).err().unwrap();
    assert_eq!((error.code, &error.path), (LoadErrorCode::ApiTypeTaken, &rival));
    assert!(
        error.cause.contains(parrot().to_str().unwrap()) && error.cause.contains("`parrot_jwt`"),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// An inspection returns a result or an error for any damage to the headers.
    #[test]
    fn flipped_bits_never_crash_an_inspection(flips in prop::collection::vec((0..4096_usize, 0..8_u32), 1..9)) {
        let directory = TestDirectory::new();
        let mut bytes = fs::read(parrot()).unwrap();
        for (at, bit) in flips {
            bytes[at] ^= 1 << bit;
        }
        let _ = inspect(&directory.file("flipped.so", bytes));
    }
}
