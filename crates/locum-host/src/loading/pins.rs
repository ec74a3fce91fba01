//! Pins: which files may be loaded, by name and SHA-256, and the lock file that stores them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::isolation::{Isolation, ProcessScope};
use crate::limits::LOCK_FILE_BYTES_MAX;
use crate::loading::load_error::{HashMismatch, LoadError, LoadErrorCode, LoadFault};
use crate::loading::plugin_file::{PluginFile, file_name};
use crate::loading::regular_file::{self, Links, NotRead};
use crate::sha256::Sha256;

/// Name of the lock file. It is beside the plugins directory, not in it: a user who may add plugins cannot pin them.
const LOCK_FILE: &str = "plugins.lock";

/// The permission to load one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Pin {
    /// The file's name, without directories.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256,
    /// The SHA-256 of the file that is about to replace it. Until an upgrade is done, either file may be loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_sha256: Option<Sha256>,
    /// The plugin's name when it was pinned. Informational; not checked.
    pub name: String,
    /// The plugin's version when it was pinned. Informational; not checked.
    pub version: String,
    /// The level at which it runs. An entry that states none means [`Isolation::Runner`].
    #[serde(default)]
    pub isolation: Isolation,
    /// Which calls share a process, at the level [`Isolation::Runner`]. An entry that states nothing means
    /// [`ProcessScope::Plugin`].
    #[serde(default, skip_serializing_if = "ProcessScope::is_default")]
    pub isolate: ProcessScope,
    /// Whether the plugin may have bytes that are not a JWT signed with the tenant's key, as its manifest asks for. The host
    /// cannot check what they say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_signing_bytes: bool,
    /// Whether the plugin is given the tenant's private key, which plugins of contract 1 asked for. Only in process.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub give_tenant_key: bool,
}

impl Pin {
    /// Whether a file with this SHA-256 may be loaded.
    pub fn accepts(&self, sha256: Sha256) -> bool {
        self.sha256 == sha256 || self.next_sha256 == Some(sha256)
    }

    /// The same pin for another level, with one process for the plugin.
    #[must_use]
    pub fn at(self, isolation: Isolation) -> Self {
        Self { isolation, isolate: ProcessScope::Plugin, ..self }
    }

    /// The same pin for the level [`Isolation::Runner`], with processes of this scope.
    #[must_use]
    pub fn isolating(self, isolate: ProcessScope) -> Self {
        Self { isolation: Isolation::Runner, isolate, ..self }
    }
}

/// The files that may be loaded. A file without a pin is refused, and so is a file that changed since it was pinned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    by_file: BTreeMap<String, Pin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LockFile {
    #[serde(default)]
    plugin: Vec<Pin>,
}

impl Pins {
    /// The path of the lock file of a plugins directory: `plugins.lock` beside the directory.
    pub fn lock_path(directory: &Path) -> PathBuf {
        directory.parent().unwrap_or(directory).join(LOCK_FILE)
    }

    /// Reads the pins of a lock file. A missing file gives no pins.
    ///
    /// # Errors
    /// [`LoadErrorCode::LockUnusable`] if the file cannot be read or parsed, names a file twice, or contains a path in
    /// place of a file name.
    pub fn from_lock(lock: &Path) -> Result<Self, LoadError> {
        let bytes = match regular_file::read(lock, Links::Follow, LOCK_FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(NotRead::Io(error)) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unusable(error.to_string()).at(lock)),
        };
        let text = String::from_utf8(bytes).map_err(|_| unusable("the file is not UTF-8").at(lock))?;
        Self::from_text(&text).map_err(|fault| fault.at(lock))
    }

    fn from_text(text: &str) -> Result<Self, LoadFault> {
        let LockFile { plugin } = toml::from_str(text).map_err(|error| unusable(error.message()))?;
        let mut pins = Self::default();
        for pin in plugin {
            if pin.file.is_empty() || pin.file.contains('/') {
                return Err(unusable(format!("`{}` is not a file name without directories", pin.file)));
            }
            check_scope(&pin)?;
            if let Some(duplicate) = pins.by_file.insert(pin.file.clone(), pin) {
                return Err(unusable(format!("the lock file lists `{}` twice", duplicate.file)));
            }
        }
        Ok(pins)
    }

    /// Writes the pins as a lock file, sorted by file name. The file is replaced atomically: a reader sees the old
    /// contents or the new ones.
    ///
    /// # Errors
    /// [`LoadErrorCode::LockUnusable`] if the file cannot be written.
    pub fn write_lock(&self, lock: &Path) -> Result<(), LoadError> {
        let failed = |error: String| unusable(error).at(lock);
        let text = toml::to_string(&LockFile { plugin: self.by_file.values().cloned().collect() })
            .map_err(|error| failed(error.to_string()))?;
        write_replacing(lock, text.as_bytes())
            .map_err(|error| failed(format!("it cannot be written: {error}")))
    }

    /// Pins the file with its current contents, without a lock file, to run in this process. Only for tools whose user
    /// has just named this file: it trusts whatever the file contains. [`at`](Self::at) sets another level.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn trusting_file(path: &Path) -> Result<Self, LoadError> {
        let bytes = PluginFile::read(path)?;
        let mut pins = Self::default();
        pins.pin(Pin {
            file: bytes.file_name(),
            sha256: bytes.sha256,
            next_sha256: None,
            name: String::new(),
            version: String::new(),
            isolation: Isolation::InProcess,
            isolate: ProcessScope::Plugin,
            allow_signing_bytes: true,
            give_tenant_key: true,
        });
        Ok(pins)
    }

    /// The same pins, all for this level.
    #[must_use]
    pub fn at(mut self, isolation: Isolation) -> Self {
        self.by_file.values_mut().for_each(|pin| *pin = pin.clone().at(isolation));
        self
    }

    /// The same pins, all for the level [`Isolation::Runner`] with processes of this scope.
    #[must_use]
    pub fn isolating(mut self, isolate: ProcessScope) -> Self {
        self.by_file.values_mut().for_each(|pin| *pin = pin.clone().isolating(isolate));
        self
    }

    /// Adds a pin. It replaces a pin for the same file.
    pub fn pin(&mut self, pin: Pin) {
        self.by_file.insert(pin.file.clone(), pin);
    }

    /// Removes the pin of a file and returns it.
    pub fn unpin(&mut self, file: &str) -> Option<Pin> {
        self.by_file.remove(file)
    }

    /// The pins, sorted by file name.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        self.by_file.values()
    }

    /// The pin for the file at this path. Only the file name counts.
    pub fn find(&self, path: &Path) -> Option<&Pin> {
        self.by_file.get(&file_name(path))
    }

    /// The pin of a file. Refuses a file that has none or differs from it.
    pub(crate) fn check(&self, file: &PluginFile) -> Result<&Pin, LoadError> {
        let Some(pin) = self.find(&file.path) else {
            return Err(LoadFault::new(LoadErrorCode::NotPinned, "the file is not pinned").at(&file.path));
        };
        if pin.accepts(file.sha256) {
            check_scope(pin).map_err(|fault| fault.at(&file.path))?;
            return Ok(pin);
        }
        let mut error =
            LoadFault::new(LoadErrorCode::PinMismatch, "the file has changed since it was pinned")
                .at(&file.path);
        error.hashes = Some(HashMismatch { pinned: pin.sha256, found: file.sha256 });
        Err(error)
    }
}

/// Replaces a lock file atomically and durably. A draft that could not be completed is deleted.
pub(crate) fn write_replacing(lock: &Path, contents: &[u8]) -> io::Result<()> {
    let draft = lock.with_extension("lock.new");
    // Whatever is at this path is from a run that was stopped, or a trap: a pipe would never be opened for writing.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = File::create_new(&draft)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all());
    written.and_then(|()| fs::rename(&draft, lock)).inspect_err(|_| {
        let _ = fs::remove_file(&draft);
    })?;
    File::open(lock.parent().unwrap_or(Path::new("/")))?.sync_all()
}

/// Refuses a pin for the host's process that asks for a process for each tenant.
fn check_scope(pin: &Pin) -> Result<(), LoadFault> {
    if pin.isolation == Isolation::Runner || pin.isolate == ProcessScope::Plugin {
        return Ok(());
    }
    Err(unusable(format!(
        "`{}` has `isolate = \"tenant\"` and `isolation = \"{}\"`; processes for each tenant need `isolation = \"runner\"`",
        pin.file, pin.isolation
    )))
}

fn unusable(cause: impl Into<String>) -> LoadFault {
    LoadFault::new(LoadErrorCode::LockUnusable, cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock_of(file: &str) -> String {
        format!(
            "[[plugin]]\nfile = \"{file}\"\nsha256 = \"{}\"\nname = \"app\"\nversion = \"1.2.3\"\n",
            Sha256::of(b"x")
        )
    }

    fn cause(text: &str) -> String {
        Pins::from_text(text).unwrap_err().cause
    }

    #[test]
    fn a_lock_file_lists_each_file_with_its_hash() {
        let pins = Pins::from_text(&lock_of("libapp.so")).unwrap();
        assert_eq!(pins.find(Path::new("/p/libapp.so")).unwrap().sha256, Sha256::of(b"x"));
        assert_eq!(pins.find(Path::new("/p/libother.so")), None);
    }

    #[test]
    fn a_file_that_is_listed_twice_is_refused() {
        assert_eq!(cause(&lock_of("libapp.so").repeat(2)), "the lock file lists `libapp.so` twice");
    }

    #[test]
    fn a_path_in_place_of_a_file_name_is_refused() {
        assert_eq!(cause(&lock_of("../libapp.so")), "`../libapp.so` is not a file name without directories");
    }

    #[test]
    fn an_unknown_key_and_a_short_hash_are_refused() {
        assert!(cause(&(lock_of("a") + "since = 1\n")).contains("unknown field"));
        assert!(
            cause(&lock_of("a").replace("sha256 = \"", "sha256 = \"0")).contains("64 lower-case hex digits")
        );
    }

    #[test]
    fn an_entry_without_a_level_means_the_runner() {
        let level = |line: &str| {
            let pins = Pins::from_text(&(lock_of("libapp.so") + line)).unwrap();
            pins.find(Path::new("/p/libapp.so")).unwrap().isolation
        };
        assert_eq!(level(""), Isolation::Runner);
        assert_eq!(level("isolation = \"runner\"\n"), Isolation::Runner);
        assert_eq!(level("isolation = \"in_process\"\n"), Isolation::InProcess);
        assert!(cause(&(lock_of("libapp.so") + "isolation = \"none\"\n")).contains("unknown variant"));
    }

    #[test]
    fn during_an_upgrade_either_file_is_accepted_and_no_other() {
        let next = format!("next_sha256 = \"{}\"\n", Sha256::of(b"y"));
        let accepts = |line: &str, bytes: &[u8]| {
            let pins = Pins::from_text(&(lock_of("libapp.so") + line)).unwrap();
            let path = PathBuf::from("/p/libapp.so");
            let file = PluginFile { path, bytes: bytes.to_vec(), sha256: Sha256::of(bytes) };
            pins.check(&file).is_ok()
        };
        assert_eq!([b"x", b"y", b"z"].map(|bytes| accepts(&next, bytes)), [true, true, false]);
        assert_eq!([b"x", b"y", b"z"].map(|bytes| accepts("", bytes)), [true, false, false]);
    }

    #[test]
    fn a_process_for_each_tenant_is_of_the_runner_only() {
        let scope = |lines: &str| {
            let pins = Pins::from_text(&(lock_of("libapp.so") + lines)).unwrap();
            pins.find(Path::new("/p/libapp.so")).unwrap().isolate
        };
        assert_eq!(scope(""), ProcessScope::Plugin);
        assert_eq!(scope("isolate = \"tenant\"\n"), ProcessScope::Tenant);
        assert_eq!(scope("isolation = \"in_process\"\nisolate = \"plugin\"\n"), ProcessScope::Plugin);
        let contradiction = lock_of("libapp.so") + "isolation = \"in_process\"\nisolate = \"tenant\"\n";
        assert!(cause(&contradiction).contains("processes for each tenant need `isolation = \"runner\"`"));
        assert!(cause(&(lock_of("a") + "isolate = \"client\"\n")).contains("unknown variant"));
    }

    #[test]
    fn a_pin_in_the_hosts_process_asks_for_no_process() {
        let pins = Pins::from_text(&lock_of("libapp.so")).unwrap().isolating(ProcessScope::Tenant);
        let levels = |pins: &Pins| {
            let pin = pins.iter().next().unwrap();
            (pin.isolation, pin.isolate)
        };
        assert_eq!(levels(&pins), (Isolation::Runner, ProcessScope::Tenant));
        let in_process = pins.at(Isolation::InProcess);
        assert_eq!(levels(&in_process), (Isolation::InProcess, ProcessScope::Plugin));
        let isolated = in_process.isolating(ProcessScope::Plugin);
        assert_eq!(levels(&isolated), (Isolation::Runner, ProcessScope::Plugin));
    }

    #[test]
    fn a_lock_file_states_a_scope_and_permissions_only_where_they_are_not_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("plugins.lock");
        let written = |lines: &str| {
            Pins::from_text(&(lock_of("libapp.so") + lines)).unwrap().write_lock(&path).unwrap();
            std::fs::read_to_string(&path).unwrap()
        };
        let plain = written("isolate = \"plugin\"\nallow_signing_bytes = false\ngive_tenant_key = false\n");
        assert!(plain.ends_with(&(lock_of("libapp.so") + "isolation = \"runner\"\n")), "{plain}");
        let others = "isolation = \"runner\"\nisolate = \"tenant\"\nallow_signing_bytes = true\n";
        assert!(written(others).ends_with(&(lock_of("libapp.so") + others)));
    }

    #[test]
    fn what_takes_the_place_of_the_draft_and_cannot_be_removed_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let lock = directory.path().join("plugins.lock");
        std::fs::create_dir(directory.path().join("plugins.lock.new")).unwrap();
        let error = write_replacing(&lock, b"").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IsADirectory);
        assert!(!lock.exists());
    }

    #[test]
    fn the_lock_file_is_beside_the_plugins_directory() {
        assert_eq!(Pins::lock_path(Path::new("/etc/locum/plugins")), Path::new("/etc/locum/plugins.lock"));
    }
}
