//! Writes the files of a new plugin.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use crate::fixtures::load::Fixtures;
use crate::scaffold::error::ScaffoldError;
use crate::scaffold::name::PluginName;
use crate::scaffold::new_plugin::{NewPlugin, Plan};
use crate::scaffold::template::{self, File, Placeholders};

/// Writes a standalone crate into a new or empty folder. `sdk` is the folder of the crate `locum-plugin`, on which
/// the new crate depends by a relative path; the new `Cargo.lock` is a copy of Locum's. Returns the written files, in
/// order.
///
/// # Errors
/// An invalid or taken name, an invalid upstream, a folder that is not empty, a folder without the SDK, or a file that cannot be written.
pub fn write_crate(new: &NewPlugin, folder: &Path, sdk: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let plan = Plan::parse(new)?;
    refuse_taken(&plan.name)?;
    let (folder, sdk) = (absolute(folder)?, absolute(sdk)?);
    let locum = workspace_of(&sdk).ok_or_else(|| ScaffoldError::NoSdk(sdk.clone()))?;
    refuse_occupied(&folder)?;
    make_folder(&folder)?;
    let placeholders = Placeholders::standalone_crate(
        &plan,
        &toml_text(&relative_to(&folder, &sdk))?,
        &toml_text(&relative_to(&folder, &locum))?,
    );
    let mut written = template::standalone_crate(&placeholders)
        .iter()
        .map(|file| write_new(&folder, file))
        .collect::<Result<Vec<_>, _>>()?;
    let lock = locum.join("Cargo.lock");
    if let Ok(text) = fs::read_to_string(&lock) {
        written.push(write_new(&folder, &File::text("Cargo.lock", text))?);
    }
    Ok(written)
}

/// Writes `plugins/<name>` and `fixtures/<name>` into Locum's own workspace and changes no other file. Returns the
/// written files, in order.
///
/// # Errors
/// As [`write_crate()`], and a folder that is not Locum's workspace.
pub fn write_workspace_member(new: &NewPlugin, workspace: &Path) -> Result<Vec<PathBuf>, ScaffoldError> {
    let plan = Plan::parse(new)?;
    refuse_taken(&plan.name)?;
    let workspace = absolute(workspace)?;
    let is_workspace = workspace_of(&workspace.join("crates/locum-plugin")).is_some()
        && ["plugins", "fixtures"].iter().all(|folder| workspace.join(folder).is_dir());
    if !is_workspace {
        return Err(ScaffoldError::NoWorkspace(workspace));
    }
    for folder in ["plugins", "fixtures"] {
        refuse_occupied(&workspace.join(folder).join(plan.name.snake()))?;
    }
    template::workspace_member(&Placeholders::workspace_member(&plan))
        .iter()
        .map(|file| write_new(&workspace, file))
        .collect()
}

/// Refuses the name of a plugin, or of an api_type, that ships with Locum.
fn refuse_taken(name: &PluginName) -> Result<(), ScaffoldError> {
    let specs = Fixtures::load(&[]).map(|fixtures| fixtures.specs).unwrap_or_default();
    let taken =
        specs.iter().find(|spec| spec.plugin == name.kebab() || spec.issuers.contains_key(name.snake()));
    match taken {
        None => Ok(()),
        Some(spec) => {
            Err(ScaffoldError::NameTaken { name: name.kebab().to_owned(), by: spec.plugin.clone() })
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

/// The root of the SDK's workspace; `None` if the folder is not the SDK.
fn workspace_of(sdk: &Path) -> Option<PathBuf> {
    let manifest = fs::read_to_string(sdk.join("Cargo.toml")).ok()?;
    let is_sdk = manifest.lines().any(|line| line.trim() == r#"name = "locum-plugin""#);
    let root = sdk.parent()?.parent()?;
    (is_sdk && root.join("Cargo.toml").is_file()).then(|| root.to_owned())
}

/// The path relative to a folder; unchanged if a symbolic link makes the relative path wrong.
fn relative_to(folder: &Path, path: &Path) -> PathBuf {
    let (mut base, mut rest) = (folder.components().peekable(), path.components().peekable());
    while base.peek().is_some() && base.peek() == rest.peek() {
        base.next();
        rest.next();
    }
    let relative: PathBuf = base.map(|_| Component::ParentDir).chain(rest).collect();
    if folder.join(&relative).exists() { relative } else { path.to_owned() }
}

fn absolute(path: &Path) -> Result<PathBuf, ScaffoldError> {
    let failed = |error| ScaffoldError::File { path: path.to_owned(), error };
    let absolute = std::path::absolute(path).map_err(failed)?;
    // `..` is resolved by name, because the folder may not exist yet.
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

fn toml_text(path: &Path) -> Result<String, ScaffoldError> {
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

/// Writes a file that must not exist.
fn write_new(folder: &Path, file: &File) -> Result<PathBuf, ScaffoldError> {
    let path = folder.join(&file.path);
    make_folder(path.parent().unwrap_or(folder))?;
    let mode = if file.is_executable { 0o755 } else { 0o644 };
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
