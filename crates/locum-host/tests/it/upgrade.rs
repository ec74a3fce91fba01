//! Upgrades of a loaded plugin: file, pin and plugin change together, and what a crash leaves is settled.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use locum_engine::ports::Issuers as _;
use locum_host::{
    Pin, Pins, PluginSet, ProcessScope, Sha256, StagedFile, UpgradeError, inspect,
    settle_interrupted_upgrades,
};
use serde_json::json;

use crate::harness::{ScriptedUpstreams, TestDirectory, configured, issue, options, runner};

const VERSIONS: (&str, &str) = ("\"version\": \"0.1.0\"", "\"version\": \"0.2.0\"");

/// A plugins directory with the parrot in version 0.1.0, pinned for the runner, and beside it a file with version 0.2.0.
struct Installed {
    directory: TestDirectory,
    file: PathBuf,
    new: PathBuf,
}

impl Installed {
    fn new() -> Self {
        let directory = TestDirectory::new();
        fs::create_dir(directory.path().join("plugins")).unwrap();
        let file = directory.parrot_with("plugins/libparrot.so", &[]);
        let new = directory.parrot_with("new.so", &[VERSIONS]);
        let installed = Self { directory, file, new };
        installed.pin(inspect(&installed.file).unwrap().pin());
        installed
    }

    fn plugins(&self) -> PathBuf {
        self.directory.path().join("plugins")
    }

    fn lock(&self) -> PathBuf {
        Pins::lock_path(&self.plugins())
    }

    fn pin(&self, pin: Pin) {
        let mut pins = Pins::default();
        pins.pin(pin);
        pins.write_lock(&self.lock()).unwrap();
    }

    fn pinned(&self) -> Pin {
        Pins::from_lock(&self.lock()).unwrap().iter().next().unwrap().clone()
    }

    fn load(&self) -> PluginSet {
        let mut options = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
        options.runner = Some(runner());
        PluginSet::load_directory(&self.plugins(), options).unwrap()
    }

    fn staged(&self) -> StagedFile {
        StagedFile::copy(&self.new, hash(&self.new), &self.file).unwrap()
    }

    /// The names in the plugins directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.plugins()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

fn hash(file: &Path) -> Sha256 {
    Sha256::of(&fs::read(file).unwrap())
}

fn version(set: &PluginSet) -> String {
    set.plugins().next().unwrap().manifest().version.clone()
}

#[tokio::test]
async fn file_pin_and_plugin_change_together_and_the_old_one_finishes_its_calls() {
    let installed = Installed::new();
    let set = installed.load();
    let answer =
        json!({"kind": "issued", "credential": {"text": "t"}, "issued_at": 1, "expires_at": 2}).to_string();
    let before = configured(&set, "parrot_text", json!({"answers": [answer]}));
    let staged = installed.staged();
    let upgrade = set.upgrade("parrot", staged.path(), hash(&installed.new)).unwrap();
    staged.keep();
    assert_eq!((version(upgrade.plugins()).as_str(), version(&set).as_str()), ("0.2.0", "0.1.0"));
    assert_eq!(installed.pinned().version, "0.1.0");
    let upgraded = upgrade.commit().unwrap();
    assert_eq!((upgraded.warning, version(&upgraded.plugins).as_str()), (None, "0.2.0"));
    let pin = installed.pinned();
    assert_eq!((pin.sha256, pin.next_sha256, pin.version.as_str()), (hash(&installed.new), None, "0.2.0"));
    assert_eq!(hash(&installed.file), hash(&installed.new));
    assert_eq!(installed.names(), ["libparrot.so"]);
    assert!(upgraded.plugins.manifest("parrot_text").is_some());
    assert!(issue(&*before).await.is_ok());
    assert_eq!(version(&installed.load()), "0.2.0");
}

#[test]
fn an_upgrade_that_is_not_committed_leaves_everything_as_it_was() {
    let installed = Installed::new();
    let (set, lock, bytes) =
        (installed.load(), fs::read(installed.lock()).unwrap(), fs::read(&installed.file).unwrap());
    let staged = installed.staged();
    let upgrade = set.upgrade("parrot", staged.path(), hash(&installed.new)).unwrap();
    staged.keep();
    drop(upgrade);
    assert_eq!((fs::read(installed.lock()).unwrap(), fs::read(&installed.file).unwrap()), (lock, bytes));
    assert_eq!(installed.names(), ["libparrot.so"]);
}

#[test]
fn what_the_pin_says_must_be_what_the_plugin_was_loaded_with() {
    let change_nothing: fn(&mut Pin) = |_| {};
    for (change, upgraded) in [
        (change_nothing, true),
        // Another upgrade was interrupted.
        (|pin| pin.next_sha256 = Some(Sha256::of(b"another file")), true),
        (|pin| pin.isolate = ProcessScope::Tenant, false),
        (|pin| pin.allow_signing_bytes = true, false),
    ] {
        let installed = Installed::new();
        let set = installed.load();
        let mut pin = installed.pinned();
        change(&mut pin);
        installed.pin(pin);
        let staged = installed.staged();
        let outcome = set.upgrade("parrot", staged.path(), hash(&installed.new));
        match outcome {
            Ok(upgrade) => {
                assert!(upgraded);
                staged.keep();
                upgrade.commit().unwrap();
                assert_eq!(installed.pinned().next_sha256, None);
            }
            Err(error) => {
                assert!(!upgraded && matches!(error, UpgradeError::ChangedSinceLoaded { .. }), "{error}")
            }
        }
    }
}

#[test]
fn a_file_that_is_not_the_one_that_was_shown_is_not_staged() {
    let installed = Installed::new();
    let other = hash(&installed.file);
    assert!(StagedFile::copy(&installed.new, other, &installed.file).is_err());
    assert_eq!(installed.names(), ["libparrot.so"]);
    let staged = installed.staged();
    assert_eq!(fs::read(staged.path()).unwrap(), fs::read(&installed.new).unwrap());
    assert_eq!(installed.names().len(), 2);
    drop(staged);
    assert_eq!(installed.names(), ["libparrot.so"]);
}

#[test]
fn what_an_interrupted_upgrade_leaves_is_settled_by_the_file_that_is_there() {
    let installed = Installed::new();
    let lock = fs::read(installed.lock()).unwrap();
    assert!(settle_interrupted_upgrades(&installed.plugins()).unwrap().is_empty());
    assert_eq!(fs::read(installed.lock()).unwrap(), lock);

    // Before the file was renamed, after it was, and with a third file.
    for (bytes, hash_of, version) in
        [(None, &installed.file, "0.1.0"), (Some(&installed.new), &installed.new, "0.2.0")]
    {
        let installed = Installed::new();
        let mut pin = installed.pinned();
        pin.next_sha256 = Some(hash(&installed.new));
        installed.pin(pin);
        if let Some(bytes) = bytes {
            fs::copy(bytes, &installed.file).unwrap();
        }
        fs::write(installed.plugins().join(".libparrot.so.1.upgrade"), "half").unwrap();
        let done = settle_interrupted_upgrades(&installed.plugins()).unwrap();
        assert!(done.len() == 2 && done[0].contains(&format!("it has version {version}")), "{done:?}");
        let pin = installed.pinned();
        assert_eq!((pin.sha256, pin.next_sha256, pin.version.as_str()), (hash(hash_of), None, version));
        assert_eq!(installed.names(), ["libparrot.so"]);
        assert_eq!(self::version(&installed.load()), version);
    }
    let mut pin = installed.pinned();
    pin.next_sha256 = Some(Sha256::of(b"neither"));
    pin.sha256 = Sha256::of(b"nor");
    installed.pin(pin.clone());
    assert!(settle_interrupted_upgrades(&installed.plugins()).unwrap().is_empty());
    assert_eq!(installed.pinned(), pin);
}
