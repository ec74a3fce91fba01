//! One bug: a patch of a plugin's source, with what the author did wrong.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::bugs::cause;

/// A bug of a plugin.
pub struct Bug {
    pub plugin: String,
    /// A sentence in kebab case.
    pub name: String,
    /// One of [`cause::CAUSES`].
    pub cause: String,
    /// The patch, as an absolute path.
    pub patch: PathBuf,
}

impl Bug {
    /// `plugin/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.plugin, self.name)
    }

    #[cfg(test)]
    pub fn of_test(id: &str) -> Self {
        let (plugin, name) = id.split_once('/').unwrap();
        let cause = "claims".to_owned();
        Self { plugin: plugin.to_owned(), name: name.to_owned(), cause, patch: PathBuf::new() }
    }
}

/// The file that cargo builds of a plugin.
pub fn file_of(plugin: &str) -> String {
    format!("liblocum_plugin_{plugin}.so")
}

/// The package of a plugin.
pub fn package_of(plugin: &str) -> String {
    format!("locum-plugin-{}", plugin.replace('_', "-"))
}

/// All bugs in this folder, or those of one plugin, or the one with this id, by their ids.
pub fn read_all(folder: &Path, only: Option<&str>) -> Result<Vec<Bug>> {
    let mut bugs = Vec::new();
    for plugin in entries(folder)?.into_iter().filter(|path| path.is_dir()) {
        for patch in entries(&plugin)? {
            bugs.push(read(&file_name(&plugin), &patch).with_context(|| patch.display().to_string())?);
        }
    }
    bugs.retain(|bug| only.is_none_or(|only| only == bug.plugin || only == bug.id()));
    ensure!(!bugs.is_empty(), "no such bug; they are in {}/PLUGIN", folder.display());
    bugs.sort_by_key(Bug::id);
    Ok(bugs)
}

fn read(plugin: &str, patch: &Path) -> Result<Bug> {
    let name = file_name(patch);
    let name = name.strip_suffix(".patch").context("it is not a .patch file")?;
    let cause = cause_of(plugin, &fs::read_to_string(patch)?)?;
    Ok(Bug { plugin: plugin.to_owned(), name: name.to_owned(), cause, patch: patch.canonicalize()? })
}

/// The cause in the first line of a patch, `cause: what the author did wrong`, if the patch changes this plugin only.
fn cause_of(plugin: &str, patch: &str) -> Result<String> {
    let first = patch.lines().next().unwrap_or_default();
    let Some((cause, what)) = first.split_once(": ") else {
        bail!("its first line is not `cause: what the author did wrong`");
    };
    ensure!(cause::title(cause).is_some() && !what.is_empty(), "`{cause}` is not a cause of bugs/cause.rs");
    let own = format!("b/plugins/{plugin}/");
    let mut changed = patch.lines().filter_map(|line| line.strip_prefix("+++ "));
    ensure!(changed.clone().count() > 0, "it changes no file");
    ensure!(changed.all(|file| file.starts_with(&own)), "it changes files outside plugins/{plugin}");
    Ok(cause.to_owned())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    Ok(listed.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "leak: The author logs it.\n\n--- a/plugins/app/src/lib.rs\n+++ b/plugins/app/src/lib.rs\n";

    #[test]
    fn a_patch_names_its_cause_and_changes_its_own_plugin() {
        assert_eq!(cause_of("app", PATCH).unwrap(), "leak");
    }

    #[test]
    fn a_patch_without_a_cause_or_of_another_plugin_is_refused() {
        assert!(cause_of("aws", PATCH).is_err());
        assert!(cause_of("app", &PATCH.replace("leak", "sloth")).is_err());
        assert!(cause_of("app", &PATCH.replace("leak: ", "")).is_err());
        assert!(cause_of("app", "leak: The author logs it.\n").is_err());
        assert!(cause_of("app", &format!("{PATCH}+++ b/crates/locum/src/main.rs\n")).is_err());
    }
}
