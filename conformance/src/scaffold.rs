//! The scaffold of a new plugin: a crate that builds and passes the core cases, with one case that fails until its
//! author edits it.

mod name;
mod template;

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::library::Library;
use crate::scaffold::name::PluginName;
use crate::scaffold::template::{File, Words};

/// Why no plugin was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScaffoldError {
    /// The name cannot be a plugin's.
    #[error("`{name}` cannot be a plugin's name: {why}")]
    NameUnusable {
        /// The name.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A plugin that ships with Locum has the name, or serves an api_type of that name.
    #[error("`{name}` is taken by the plugin `{by}`; choose another name")]
    NameTaken {
        /// The name.
        name: String,
        /// The plugin that has it.
        by: String,
    },
    /// There is something where the plugin would be written.
    #[error("{0} is there already and not empty; name another folder")]
    Occupied(PathBuf),
    /// No `locum-plugin` stands in the folder.
    #[error(
        "{0} is not the folder of the crate `locum-plugin`; it is crates/locum-plugin in a checkout of Locum"
    )]
    NoSdk(PathBuf),
    /// The folder is not Locum's workspace.
    #[error("{0} is not Locum's workspace; it must hold crates/locum-plugin, plugins and fixtures")]
    NoWorkspace(PathBuf),
    /// A path that cannot stand in a `Cargo.toml`.
    #[error("{0} cannot stand in a Cargo.toml; use a path of plain text, without quotes and backslashes")]
    PathUnusable(PathBuf),
    /// A file cannot be written or read.
    #[error("{path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
}

/// Writes a crate of its own into a folder that is not there or empty. `sdk` is the folder of the crate `locum-plugin`;
/// the crate depends on it by a path relative to itself, and starts from its lock file. Gives the files, in order.
///
/// # Errors
/// A name that cannot be or is taken, a folder with something in it, no SDK there, or a file that cannot be written.
pub fn write(name: &str, folder: &Path, sdk: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let name = PluginName::parse(name)?;
    refuse_taken(&name)?;
    let (folder, sdk) = (absolute(folder)?, absolute(sdk)?);
    let locum = workspace_of(&sdk).ok_or_else(|| ScaffoldError::NoSdk(sdk.clone()))?;
    refuse_occupied(&folder)?;
    make_folder(&folder)?;
    let words = Words::outside(&name, &quotable(&from(&folder, &sdk))?, &quotable(&from(&folder, &locum))?);
    let mut written = template::outside(&words)
        .iter()
        .map(|file| write_new(&folder, file))
        .collect::<Result<Vec<_>, _>>()?;
    let lock = locum.join("Cargo.lock");
    if let Ok(text) = fs::read_to_string(&lock) {
        written.push(write_new(&folder, &File::plain("Cargo.lock", text))?);
    }
    Ok(written)
}

/// Writes `plugins/<name>` and `fixtures/<name>` into Locum's own workspace, and touches nothing else of it. Gives the
/// files, in order.
///
/// # Errors
/// As [`write()`], and a folder that is not the workspace.
pub fn write_inside(name: &str, workspace: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let name = PluginName::parse(name)?;
    refuse_taken(&name)?;
    let workspace = absolute(workspace)?;
    let is_workspace = workspace_of(&workspace.join("crates/locum-plugin")).is_some()
        && ["plugins", "fixtures"].iter().all(|folder| workspace.join(folder).is_dir());
    if !is_workspace {
        return Err(ScaffoldError::NoWorkspace(workspace));
    }
    for folder in ["plugins", "fixtures"] {
        refuse_occupied(&workspace.join(folder).join(name.snake()))?;
    }
    template::inside(&Words::inside(&name)).iter().map(|file| write_new(&workspace, file)).collect()
}

/// A plugin of its name, or one that serves an api_type of its name, ships with the suite.
fn refuse_taken(name: &PluginName) -> Result<(), ScaffoldError> {
    let sheets = Library::open(&[]).map(|library| library.sheets).unwrap_or_default();
    let taken =
        sheets.iter().find(|sheet| sheet.plugin == name.snake() || sheet.issuers.contains_key(name.snake()));
    match taken {
        None => Ok(()),
        Some(sheet) => {
            Err(ScaffoldError::NameTaken { name: name.snake().to_owned(), by: sheet.plugin.clone() })
        }
    }
}

fn refuse_occupied(folder: &Path) -> Result<(), ScaffoldError> {
    match fs::read_dir(folder).map(|mut entries| entries.next()) {
        Ok(None) => Ok(()),
        Ok(Some(_)) => Err(ScaffoldError::Occupied(folder.to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(ScaffoldError::Occupied(folder.to_owned()))
        }
        Err(error) => Err(ScaffoldError::File { path: folder.to_owned(), error }),
    }
}

/// The root of the workspace that the SDK is a crate of.
fn workspace_of(sdk: &Path) -> Option<PathBuf> {
    let manifest = fs::read_to_string(sdk.join("Cargo.toml")).ok()?;
    let is_sdk = manifest.lines().any(|line| line.trim() == r#"name = "locum-plugin""#);
    let root = sdk.parent()?.parent()?;
    (is_sdk && root.join("Cargo.toml").is_file()).then(|| root.to_owned())
}

/// The way from a folder to a path, `../` and all. Where a symbolic link leads it astray, the path itself.
fn from(folder: &Path, path: &Path) -> PathBuf {
    let (mut left, mut wanted) = (folder.components().peekable(), path.components().peekable());
    while left.peek().is_some() && left.peek() == wanted.peek() {
        left.next();
        wanted.next();
    }
    let way: PathBuf = left.map(|_| Component::ParentDir).chain(wanted).collect();
    if folder.join(&way).exists() { way } else { path.to_owned() }
}

fn absolute(path: &Path) -> Result<PathBuf, ScaffoldError> {
    let failed = |error| ScaffoldError::File { path: path.to_owned(), error };
    let absolute = std::path::absolute(path).map_err(failed)?;
    // `..` is taken out by name: the folder need not be there yet.
    let mut plain = PathBuf::new();
    for component in absolute.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    Ok(plain)
}

fn quotable(path: &Path) -> Result<String, ScaffoldError> {
    match path.to_str() {
        Some(text) if !text.contains(['"', '\\', '$', '`']) && !text.contains(char::is_control) => {
            Ok(text.to_owned())
        }
        _ => Err(ScaffoldError::PathUnusable(path.to_owned())),
    }
}

fn make_folder(folder: &Path) -> Result<(), ScaffoldError> {
    fs::create_dir_all(folder).map_err(|error| ScaffoldError::File { path: folder.to_owned(), error })
}

/// Writes a file that must not be there.
fn write_new(folder: &Path, file: &File) -> Result<PathBuf, ScaffoldError> {
    let path = folder.join(&file.path);
    make_folder(path.parent().unwrap_or(folder))?;
    let mode = if file.is_program { 0o755 } else { 0o644 };
    let written = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(&path)
        .and_then(|mut opened| opened.write_all(file.text.as_bytes()));
    match written {
        Ok(()) => Ok(path),
        Err(error) => Err(ScaffoldError::File { path, error }),
    }
}

#[cfg(test)]
mod tests;
