//! The bytes that are hashed are the bytes that are mapped: the file is opened once, and its copy cannot change.

use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};

use locum_host::Sha256;
use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::fs::{
    FallocateFlags, MemfdFlags, SealFlags, fallocate, fcntl_get_seals, ftruncate, memfd_create,
};
use rustix::io::{Errno, pwrite};

use crate::harness::{TestDirectory, load};

/// The copy in memory of the plugin file with this name, which must be unique among all tests.
fn mapped_copy(name: &str) -> PathBuf {
    let wanted = format!("/memfd:{name} (deleted)");
    let descriptors = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap().path());
    let found: Vec<PathBuf> = descriptors
        .filter(|path| fs::read_link(path).is_ok_and(|target| target == Path::new(&wanted)))
        .collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found[0].clone()
}

/// A copy of the parrot that no other test loads: equal bytes are mapped once per process.
fn own_parrot(directory: &TestDirectory, name: &str, vendor: &str) -> PathBuf {
    assert_eq!(vendor.len(), 5);
    directory.parrot_with(name, &[("\"vendor\": \"Tests\"", &format!("\"vendor\": \"{vendor}\""))])
}

#[test]
fn the_mapped_bytes_are_the_hashed_ones() {
    let directory = TestDirectory::new();
    let file = own_parrot(&directory, "libhashed.so", "Hash1");
    let hash = load(&file).unwrap().plugins().next().unwrap().sha256();
    assert_eq!(Sha256::of(&fs::read(mapped_copy("libhashed.so")).unwrap()), hash);
}

#[test]
fn the_mapped_copy_cannot_be_changed() {
    let directory = TestDirectory::new();
    load(&own_parrot(&directory, "libsealed.so", "Seal1")).unwrap();
    let copy = File::options().write(true).open(mapped_copy("libsealed.so")).unwrap();
    let size = copy.metadata().unwrap().len();
    assert_eq!(changes(&copy, size), [Err(Errno::PERM); 4]);
    assert!(fcntl_get_seals(&copy).unwrap().contains(SealFlags::SEAL));
    // A neighbour without seals is changed by all of them.
    let plain = File::from(memfd_create("plain", MemfdFlags::ALLOW_SEALING).unwrap());
    plain.set_len(size).unwrap();
    assert_eq!(changes(&plain, size), [Ok(()); 4]);
}

/// What became of writing, making a hole, growing and shrinking a file of this size.
fn changes(file: &File, size: u64) -> [Result<(), Errno>; 4] {
    let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
    [
        pwrite(file, b"x", 0).map(drop),
        fallocate(file, hole, 0, size),
        ftruncate(file, size + 1),
        ftruncate(file, size - 1),
    ]
}

/// How often the file at this path was opened while the action ran, counted by the kernel.
fn opened_during(path: &Path, action: impl FnOnce()) -> usize {
    let watch = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).unwrap();
    inotify::add_watch(&watch, path, WatchFlags::OPEN | WatchFlags::CLOSE).unwrap();
    action();
    let mut buffer = [MaybeUninit::uninit(); 4096];
    let mut events = Reader::new(&watch, &mut buffer);
    let mut opened = 0;
    loop {
        match events.next() {
            // The kernel merges equal events that follow each other; between two openings there is a closing.
            Ok(event) if event.events().contains(ReadFlags::OPEN) => opened += 1,
            Ok(_) => {}
            Err(Errno::AGAIN) => return opened,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn a_file_is_opened_once_for_hash_and_mapping() {
    let directory = TestDirectory::new();
    let file = own_parrot(&directory, "libonce.so", "Once1");
    let pins = locum_host::Pins::trusting_file(&file).unwrap();
    let options =
        locum_host::LoadOptions::new(std::sync::Arc::new(crate::harness::ScriptedUpstreams::default()));
    let opened = opened_during(&file, || {
        locum_host::PluginSet::load([&file], &pins, options).unwrap();
    });
    assert_eq!(opened, 1);
}
