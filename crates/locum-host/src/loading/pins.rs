//! Pins: which files may be loaded, by name and SHA-256; and the lock file that keeps them.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::loading::load_error::{HashMismatch, LoadError, LoadErrorCode, LoadFault};
use crate::loading::plugin_file::{PluginFile, file_name};
use crate::loading::sha256::Sha256;

/// Name of the lock file; it stands beside the plugins directory, so that who may add a plugin cannot also pin it.
const LOCK_FILE: &str = "plugins.lock";

/// The word that a file may be loaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// The file's name, without directories.
    pub file: String,
    /// The SHA-256 of its bytes.
    pub sha256: Sha256,
    /// The plugin's name when it was pinned, for people.
    pub name: String,
    /// The plugin's version when it was pinned, for people.
    pub version: String,
}

/// The files that may be loaded. A file that no pin names is refused, and so is one whose bytes changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pins {
    by_file: BTreeMap<String, Pin>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lock {
    #[serde(default)]
    plugin: Vec<Pin>,
}

impl Pins {
    /// Where the lock file of a plugins directory stands: `plugins.lock` beside it.
    pub fn lock_path(directory: &Path) -> PathBuf {
        directory.parent().unwrap_or(directory).join(LOCK_FILE)
    }

    /// The pins of a lock file; none if there is no such file.
    ///
    /// # Errors
    /// [`LoadErrorCode::LockUnusable`] if it cannot be read, or names a file twice or by a path.
    pub fn from_lock(lock: &Path) -> Result<Self, LoadError> {
        let text = match fs::read_to_string(lock) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(unusable(error.to_string()).at(lock)),
        };
        Self::from_text(&text).map_err(|fault| fault.at(lock))
    }

    fn from_text(text: &str) -> Result<Self, LoadFault> {
        let Lock { plugin } = toml::from_str(text).map_err(|error| unusable(error.message()))?;
        let mut pins = Self::default();
        for pin in plugin {
            if pin.file.is_empty() || pin.file.contains('/') {
                return Err(unusable(format!("`{}` is not the name of a file", pin.file)));
            }
            if let Some(twice) = pins.by_file.insert(pin.file.clone(), pin) {
                return Err(unusable(format!("`{}` stands in it twice", twice.file)));
            }
        }
        Ok(pins)
    }

    /// Writes the pins as a lock file, sorted by file name. A reader sees the old file or the new one.
    ///
    /// # Errors
    /// [`LoadErrorCode::LockUnusable`] if it cannot be written.
    pub fn write_lock(&self, lock: &Path) -> Result<(), LoadError> {
        let failed = |error: String| unusable(error).at(lock);
        let text = toml::to_string(&Lock { plugin: self.by_file.values().cloned().collect() })
            .map_err(|error| failed(error.to_string()))?;
        let draft = lock.with_extension("lock.new");
        fs::write(&draft, text).map_err(|error| failed(error.to_string()))?;
        fs::rename(&draft, lock).map_err(|error| failed(error.to_string()))
    }

    /// A pin of the file as it is now: for tools whose user has just named this one file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn trusting_file(path: &Path) -> Result<Self, LoadError> {
        let bytes = PluginFile::read(path)?;
        let mut pins = Self::default();
        pins.pin(Pin {
            file: bytes.file_name(),
            sha256: bytes.sha256,
            name: String::new(),
            version: String::new(),
        });
        Ok(pins)
    }

    /// Adds a pin; one for the same file gives way.
    pub fn pin(&mut self, pin: Pin) {
        self.by_file.insert(pin.file.clone(), pin);
    }

    /// Takes away the pin of a file, if it had one.
    pub fn unpin(&mut self, file: &str) -> Option<Pin> {
        self.by_file.remove(file)
    }

    /// The pins, sorted by file name.
    pub fn iter(&self) -> impl Iterator<Item = &Pin> {
        self.by_file.values()
    }

    /// The pin of the file at this path, if it has one.
    pub fn find(&self, path: &Path) -> Option<&Pin> {
        self.by_file.get(&file_name(path))
    }

    /// Whether these bytes may be loaded.
    pub(crate) fn check(&self, file: &PluginFile) -> Result<(), LoadError> {
        let Some(pin) = self.find(&file.path) else {
            return Err(LoadFault::new(LoadErrorCode::NotPinned, "nobody has pinned it").at(&file.path));
        };
        if pin.sha256 == file.sha256 {
            return Ok(());
        }
        let mut error =
            LoadFault::new(LoadErrorCode::PinMismatch, "it has changed since it was pinned").at(&file.path);
        error.hashes = Some(HashMismatch { pinned: pin.sha256, found: file.sha256 });
        Err(error)
    }
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
    fn a_lock_file_names_each_file_with_its_hash() {
        let pins = Pins::from_text(&lock_of("libapp.so")).unwrap();
        assert_eq!(pins.find(Path::new("/p/libapp.so")).unwrap().sha256, Sha256::of(b"x"));
        assert_eq!(pins.find(Path::new("/p/libother.so")), None);
    }

    #[test]
    fn a_file_that_stands_twice_is_refused() {
        assert_eq!(cause(&lock_of("libapp.so").repeat(2)), "`libapp.so` stands in it twice");
    }

    #[test]
    fn a_path_is_not_a_file_name() {
        assert_eq!(cause(&lock_of("../libapp.so")), "`../libapp.so` is not the name of a file");
    }

    #[test]
    fn an_unknown_key_and_a_short_hash_are_refused() {
        assert!(cause(&(lock_of("a") + "since = 1\n")).contains("unknown field"));
        assert!(
            cause(&lock_of("a").replace("sha256 = \"", "sha256 = \"0")).contains("64 lower-case hex digits")
        );
    }

    #[test]
    fn the_lock_stands_beside_the_directory() {
        assert_eq!(Pins::lock_path(Path::new("/etc/locum/plugins")), Path::new("/etc/locum/plugins.lock"));
    }
}
