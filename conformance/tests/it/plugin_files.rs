//! Plugin files, built by a nested cargo: `cargo test` builds no cdylibs.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::{env, fs};

use serde_json::Value;

/// One build at a time, because concurrent cargo processes wait for each other.
static BUILDING: Mutex<()> = Mutex::new(());

/// A plugin of the folder `plugins/`.
pub(crate) struct ShippedPlugin {
    /// The folder of the plugin, and of its fixtures.
    pub(crate) folder: String,
    /// The name of its package.
    pub(crate) package: String,
}

/// All plugins of the folder `plugins/`, sorted.
pub(crate) fn shipped_plugins() -> Vec<ShippedPlugin> {
    let entries = fs::read_dir(workspace().join("plugins")).unwrap().map(|entry| entry.unwrap());
    let mut plugins: Vec<ShippedPlugin> = entries
        .filter(|entry| entry.path().is_dir())
        .map(|entry| {
            let manifest = fs::read_to_string(entry.path().join("Cargo.toml")).unwrap();
            let mut names = manifest.lines().filter_map(|line| line.strip_prefix("name = "));
            let package = names.next().unwrap().trim_matches('"').to_owned();
            ShippedPlugin { folder: entry.file_name().into_string().unwrap(), package }
        })
        .collect();
    assert!(!plugins.is_empty(), "the folder plugins/ is empty");
    plugins.sort_by(|a, b| a.folder.cmp(&b.folder));
    plugins
}

/// The plugin file of a package of this workspace.
pub(crate) fn built(package: &str) -> PathBuf {
    let _one = BUILDING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--message-format=json", "--package", package])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let artifacts = String::from_utf8(output.stdout).unwrap();
    artifacts
        .lines()
        .rev()
        .find_map(shared_object)
        .unwrap_or_else(|| panic!("the build of {package} gave no plugin file"))
}

/// The small program that runs a plugin in a process of its own.
pub(crate) fn runner() -> PathBuf {
    let _one = BUILDING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--message-format=json", "--package", "locum-host", "--bins"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let messages = output.stdout.split(|byte| *byte == b'\n');
    let messages = messages.filter_map(|message| serde_json::from_slice::<Value>(message).ok());
    let mut programs =
        messages.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?)));
    programs.next().unwrap_or_else(|| panic!("the build gave no program"))
}

/// The shared object that a message of cargo names, if any.
fn shared_object(message: &str) -> Option<PathBuf> {
    let message: Value = serde_json::from_str(message).ok()?;
    let files = message.get("filenames")?.as_array()?.iter().filter_map(Value::as_str);
    files.map(PathBuf::from).find(|file| file.extension().is_some_and(|extension| extension == "so"))
}

/// The root of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
