//! `locum plugin upgrade`.

use std::path::Path;

use locum_host::{Isolation, StagedFile, inspect};
use serde_json::Value;

use crate::cli::UpgradeArgs;
use crate::commands::plugin::{absolute, ask as ask_operator, promises, refuse_without_terminal};
use crate::config::{self, Config};
use crate::control::client::ask;
use crate::control::protocol::{Request, RunningPlugin, Upgraded};
use crate::exit::CommandError;
use crate::format::print_text;

pub(super) fn run(args: &UpgradeArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    let new = inspect(&absolute(&args.file)?).map_err(CommandError::plugin)?;
    let plugin = new.manifest.name.clone();
    let old: RunningPlugin = ask(&config, &Request::Running { plugin: plugin.clone() })?;
    if old.isolation == Isolation::InProcess.as_str() {
        return Err(CommandError::refused(format!(
            "`{plugin}` runs in the server's process, which never unloads code: replace {} by a rename, pin it with \
             --in-process and restart the server",
            old.file.display()
        )));
    }
    if old.sha256 == new.sha256 {
        print_text(&format!("{plugin} {}: these bytes run already", new.manifest.version));
        return Ok(());
    }
    let manifest = serde_json::to_value(&new.manifest).map_err(CommandError::system)?;
    print_text(&shown(&plugin, &old, &manifest, &new.sha256.to_string()));
    if !args.yes {
        refuse_without_terminal("upgrade")?;
        if !ask_operator("Upgrade to this file?")? {
            return Err(CommandError::check_failed());
        }
    }
    refuse_other_directory(&config, &old.file)?;
    // Deleted when this command ends, unless the server has renamed it.
    let staged = StagedFile::copy(&new.path, new.sha256, &old.file).map_err(CommandError::system)?;
    let request =
        Request::Upgrade { plugin: plugin.clone(), staged: staged.path().to_owned(), sha256: new.sha256 };
    let Upgraded { previous_version, version, warning } = ask(&config, &request)?;
    staged.keep();
    print_text(&format!("upgraded {plugin} from {previous_version} to {version}"));
    if let Some(warning) = warning {
        print_text(&format!("warning: {warning}"));
    }
    Ok(())
}

/// Refuses to write where only the server says that its plugins are: the command may run as root, the server does not.
fn refuse_other_directory(config: &Config, installed: &Path) -> Result<(), CommandError> {
    let of_server = installed.parent().and_then(|directory| directory.canonicalize().ok());
    if of_server.is_some() && of_server == config.plugins_dir.canonicalize().ok() {
        return Ok(());
    }
    Err(CommandError::input_file(format!(
        "{}: the server's plugin is {}, which is not in the `plugins_dir` of this config; give the config of the \
         server with --config",
        config.file.display(),
        installed.display()
    )))
}

fn shown(plugin: &str, old: &RunningPlugin, manifest: &Value, sha256: &str) -> String {
    let mut lines = vec![
        format!("{plugin}, isolation {}, {}", old.isolation, old.file.display()),
        format!("- sha256 {}", old.sha256),
        format!("+ sha256 {sha256}"),
    ];
    let changed = promises::difference(&old.manifest, manifest);
    if changed.is_empty() {
        lines.push("the manifest is the same".to_owned());
    }
    lines.extend(changed);
    lines.join("\n")
}
