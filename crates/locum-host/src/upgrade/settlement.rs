//! What an upgrade left behind that a crash interrupted: a lock that accepts two files, and staged files.

use std::fs;
use std::path::Path;

use crate::loading::inspection::inspect;
use crate::loading::load_error::{LoadError, LoadErrorCode, LoadFault};
use crate::loading::pins::{Pin, Pins};
use crate::upgrade::staged_file::is_staged_name;

/// Makes the lock file of a plugins directory accept only the files that are there, and deletes staged files. Only a
/// server may call this, before it loads plugins, and only while no other server upgrades plugins of the directory.
///
/// Returns what was done, a line for each. Without an interrupted upgrade nothing is changed. A file that is neither of
/// the two is left to loading, which refuses it.
///
/// # Errors
/// The lock file cannot be read or written. The plugins can be loaded nevertheless.
pub fn settle_interrupted_upgrades(directory: &Path) -> Result<Vec<String>, LoadError> {
    let lock = Pins::lock_path(directory);
    let mut pins = Pins::from_lock(&lock)?;
    let settled: Vec<Pin> = pins.iter().filter_map(|pin| settled(directory, pin)).collect();
    let mut done = Vec::new();
    for pin in settled {
        done.push(format!(
            "{}: an upgrade of {} was interrupted; it has version {}",
            lock.display(),
            pin.file,
            pin.version
        ));
        pins.pin(pin);
    }
    if !done.is_empty() {
        pins.write_lock(&lock)?;
    }
    delete_staged_files(directory, &mut done)?;
    Ok(done)
}

/// The pin for the file that is there, if it is one of two.
fn settled(directory: &Path, pin: &Pin) -> Option<Pin> {
    let next = pin.next_sha256?;
    let installed = inspect(&directory.join(&pin.file)).ok()?;
    let pin = Pin { next_sha256: None, ..pin.clone() };
    if installed.sha256 == next {
        Some(Pin { sha256: next, version: installed.manifest.version, ..pin })
    } else {
        (installed.sha256 == pin.sha256).then_some(pin)
    }
}

fn delete_staged_files(directory: &Path, done: &mut Vec<String>) -> Result<(), LoadError> {
    let unreadable = |error: std::io::Error| {
        LoadFault::new(LoadErrorCode::DirectoryUnreadable, error.to_string()).at(directory)
    };
    for entry in fs::read_dir(directory).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let path = entry.path();
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file && is_staged_name(&path) && fs::remove_file(&path).is_ok() {
            done.push(format!("{}: deleted; an upgrade was interrupted", path.display()));
        }
    }
    Ok(())
}
