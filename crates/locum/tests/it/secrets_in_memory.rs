//! Counts the copies of a secret in this process's memory after its tenant was read and prepared.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, PoisonError};

use locum_host::{HttpUpstreams, LoadOptions, PluginSet};
use locum_store::TenantSet;
use locum_store::tenant_file::{References, load};

use crate::installation::Installation;

/// What is searched for, inverted, so that the search itself is not found.
struct Canary(Vec<u8>);

impl Canary {
    /// Letters that occur nowhere else: `seed` distinguishes the canaries of one run.
    fn new(seed: u8) -> Self {
        Self((0..40).map(|index: u8| !(b'A' + (index.wrapping_mul(seed) ^ (index >> 1)) % 26)).collect())
    }

    /// Writes it into a file between two texts, and overwrites what it needed to do so.
    fn write(&self, file: &std::path::Path, before: &str, after: &str) {
        let mut text = before.as_bytes().to_vec();
        text.reserve_exact(self.0.len() + after.len());
        text.extend(self.0.iter().map(|byte| !byte));
        text.extend_from_slice(after.as_bytes());
        std::fs::write(file, &text).unwrap();
        text.fill(0);
        std::hint::black_box(&text);
    }

    /// Where it is in these bytes.
    fn matches(&self, bytes: &[u8]) -> Vec<usize> {
        let mut found = Vec::new();
        let first = !self.0[0];
        let mut start = 0;
        while let Some(rest) = bytes.get(start..).filter(|rest| rest.len() >= self.0.len()) {
            // Most pages are empty. The standard library finds that out fast even in a debug build.
            let page = &rest[..rest.len().min(4096)];
            if !page.contains(&first) {
                start += page.len();
                continue;
            }
            let is_here =
                |window: &[u8]| window.iter().zip(&self.0).all(|(byte, inverted)| *byte == !inverted);
            let mut windows = rest.windows(self.0.len()).take(page.len()).enumerate();
            found.extend(
                windows
                    .by_ref()
                    .filter(|(_, window)| window[0] == first && is_here(window))
                    .map(|(at, _)| start + at),
            );
            start += page.len();
        }
        found
    }

    /// The copies in all writable memory of this process.
    fn copies(&self) -> usize {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let memory = File::open("/proc/self/mem").unwrap();
        let mut buffer = vec![0; 1 << 20];
        let own = buffer.as_ptr_range();
        let own = own.start.addr()..own.end.addr();
        let mut found = 0;
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (range, permissions) = (fields.next().unwrap(), fields.next().unwrap());
            let (start, end) = range.split_once('-').unwrap();
            let address = |text| usize::from_str_radix(text, 16).unwrap();
            let (mut at, end) = (address(start), address(end));
            if !permissions.starts_with("rw") {
                continue;
            }
            while at < end {
                let length = buffer.len().min(end - at);
                // Some mappings, such as those of devices, cannot be read.
                let Ok(read) = memory.read_at(&mut buffer[..length], at as u64) else { break };
                let read = &buffer[..read];
                let matches = self.matches(read);
                found += matches.into_iter().filter(|offset| !own.contains(&(at + offset))).count();
                if read.len() < self.0.len() || at + read.len() >= end {
                    break;
                }
                at += read.len() - (self.0.len() - 1);
            }
        }
        buffer.fill(0);
        std::hint::black_box(&buffer);
        found
    }
}

/// One search at a time: the buffer of another one would be found.
static SEARCH: Mutex<()> = Mutex::new(());

/// Fails if there are more copies than these while the tenant of an installation is served, or after it was dropped.
fn assert_copies_at_most(canary: &Canary, installation: &Installation, most: [usize; 2]) {
    let _one_at_a_time = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    let copies = copies_of(canary, installation);
    assert!(copies[0] <= most[0] && copies[1] <= most[1], "{copies:?} copies instead of {most:?}");
    assert_ne!(copies[0], 0, "nobody holds the secret");
}

/// The copies while the tenant of an installation is prepared, and after it was dropped.
fn copies_of(canary: &Canary, installation: &Installation) -> [usize; 2] {
    let options = LoadOptions::new(Arc::new(HttpUpstreams::new().unwrap()));
    let plugins = PluginSet::load_directory(&installation.path("plugins"), options).unwrap();
    let references = References::new(&|_| None, installation.path(""));
    let data = load(&installation.path("tenant.yaml"), &references).unwrap().data;
    let set = TenantSet::prepare(vec![data], &plugins).unwrap();
    assert_eq!(set.problems(), []);
    let held = canary.copies();
    drop(set);
    [held, canary.copies()]
}

const TENANT: &str = "domain: acme.example.com\nclients:\n  - client_id: spa\n    client_secret: ";

#[test]
fn the_search_finds_each_copy() {
    let _one_at_a_time = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    let canary = Canary::new(11);
    assert_eq!(canary.copies(), 0);
    let one: Vec<u8> = canary.0.iter().map(|byte| !byte).collect();
    assert_eq!(canary.copies(), 1);
    let two = one.clone();
    assert_eq!(canary.copies(), 2);
    drop((one, two));
}

#[test]
fn a_client_secret_has_few_copies_in_memory() {
    let installation = Installation::new();
    let canary = Canary::new(3);
    canary.write(&installation.path("tenant.yaml"), TENANT, "\n");
    // Held by the client, by its verification key and by the plugin; one is left behind by the YAML parser.
    assert_copies_at_most(&canary, &installation, [4, 1]);
}

#[test]
fn a_client_secret_in_a_file_of_its_own_has_few_copies_in_memory() {
    let installation = Installation::new();
    let canary = Canary::new(5);
    canary.write(&installation.path("secret.txt"), "", "\n");
    installation.write("tenant.yaml", &format!("{TENANT}${{file:secret.txt}}\n"));
    // Held by the client, by its verification key and by the plugin.
    assert_copies_at_most(&canary, &installation, [3, 0]);
}

#[test]
fn a_secret_setting_has_no_copy_in_memory() {
    let installation = Installation::new();
    installation.install("wams");
    let canary = Canary::new(7);
    let add_on = "    addons: {wams: {masterkey: '${file:secret.txt}'}}\n";
    installation.write("tenant.yaml", &format!("{TENANT}a-secret-of-more-than-32-bytes-of-text\n{add_on}"));
    canary.write(&installation.path("secret.txt"), "", "\n");
    // The host, which masks it in log lines, holds hashes of it; the plugin holds a key that is made from it.
    let _one_at_a_time = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(copies_of(&canary, &installation), [0, 0]);
}
