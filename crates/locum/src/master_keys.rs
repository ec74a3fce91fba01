//! The file with the master keys, which seal the secrets of tenants in the database.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use locum_database::sealing::{MasterKeys, new_master_key_line};
use locum_store::text_file;

use crate::config::Config;
use crate::exit::CommandError;

/// Largest file with keys, in bytes.
const KEYS_BYTES_MAX: u64 = 64 * 1024;

/// The keys of the file that the config names.
///
/// # Errors
/// The config names none, it cannot be read, or a line of it is no key. No message shows a key.
pub(crate) fn read(config: &Config) -> Result<MasterKeys, CommandError> {
    let path = path(config)?;
    let shown = path.display();
    let text = text_file::read(path, KEYS_BYTES_MAX).map_err(|error| {
        CommandError::input_file(format!(
            "{shown}: cannot read the master keys: {error}; `locum state init` makes a file with one"
        ))
    })?;
    MasterKeys::parse(&text, shown.to_string()).map_err(CommandError::input_file)
}

/// Makes the file with a new key, for its owner alone, unless there is one. Returns whether it did.
///
/// # Errors
/// The config names none, or it cannot be written.
pub(crate) fn create_if_missing(config: &Config) -> Result<bool, CommandError> {
    let path = path(config)?;
    if path.exists() {
        return Ok(false);
    }
    let line = new_master_key_line().map_err(CommandError::system)?;
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.sync_all()
        });
    written.map_err(|error| CommandError::input_file(format!("{}: {error}", path.display())))?;
    Ok(true)
}

fn path(config: &Config) -> Result<&Path, CommandError> {
    config.master_keys_file.as_deref().ok_or_else(|| {
        CommandError::input_file(format!(
            "{}: the config names no master keys; add `master_keys_file = \"master.keys\"`",
            config.file.display()
        ))
    })
}
