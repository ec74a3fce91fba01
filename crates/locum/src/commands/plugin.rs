//! `locum plugin`: inspects plugin files without running them, pins them, creates new ones, and gives orders to a running
//! server.

mod dev;
mod inspect;
mod level;
mod new;
mod pause;
mod pin;
mod promises;
mod status;
mod upgrade;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use locum_host::{Inspection, Pins, inspect, plugin_files};
use serde_json::json;

use crate::cli::{Format, PluginCommand};
use crate::commands::plugin::inspect::Pinning;
use crate::commands::plugin::level::Level;
use crate::exit::CommandError;
use crate::format::print_rows;

pub(crate) fn run(command: &PluginCommand) -> Result<(), CommandError> {
    match command {
        PluginCommand::List { directory, format } => list(directory, *format),
        PluginCommand::Inspect { file, format } => inspect::run(file, *format),
        PluginCommand::Pin(args) => pin::run(args),
        PluginCommand::New(args) => new::run(args),
        PluginCommand::Dev(args) => dev::run(args),
        PluginCommand::Status { config, format } => status::run(config, *format),
        PluginCommand::Pause(args) => pause::pause(args),
        PluginCommand::Resume(args) => pause::resume(args),
        PluginCommand::Upgrade(args) => upgrade::run(args),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, CommandError> {
    std::path::absolute(path).map_err(|error| CommandError::usage(format!("{}: {error}", path.display())))
}

fn list(directory: &Path, format: Format) -> Result<(), CommandError> {
    let directory = absolute(directory)?;
    let pins = Pins::from_lock(&Pins::lock_path(&directory)).map_err(CommandError::plugin)?;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    let none = || "-".to_owned();
    for file in plugin_files(&directory).map_err(CommandError::plugin)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match inspect(&file) {
            Ok(inspection) => {
                let pin = pins.find(&file);
                let pinned = Pinning::of(pin, &inspection).word();
                let isolation = pin.map(|pin| pin.isolation.as_str());
                let isolate = pin.map(|pin| pin.isolate.as_str());
                let api_types = api_types(&inspection).join(" ");
                let version = inspection.manifest.version.clone();
                rows.push([
                    name,
                    inspection.manifest.name.clone(),
                    version,
                    api_types,
                    pinned.to_owned(),
                    pin.map_or_else(none, |pin| Level::of(pin).to_string()),
                    none(),
                ]);
                listed.push(json!({
                    "pinned": pinned, "isolation": isolation, "isolate": isolate,
                    "plugin": inspect::as_json(&inspection),
                }));
            }
            Err(error) => {
                rows.push([name, none(), none(), none(), none(), none(), error.cause.clone()]);
                listed.push(json!({"file": file, "error": error.code.as_str(), "cause": error.cause}));
            }
        }
    }
    print_rows(
        format,
        ["file", "plugin", "version", "api_types", "pinned", "isolation", "problem"],
        &rows,
        &listed,
    );
    Ok(())
}

/// Refuses to ask where nobody can answer.
fn refuse_without_terminal(to_do: &str) -> Result<(), CommandError> {
    if std::io::stdin().is_terminal() {
        return Ok(());
    }
    Err(CommandError::usage(format!(
        "cannot ask for confirmation, because standard input is not a terminal; pass --yes to {to_do} without asking"
    )))
}

/// Asks a question, and returns whether the answer is yes.
fn ask(question: &str) -> Result<bool, CommandError> {
    let mut answer = String::new();
    let answered =
        write!(std::io::stderr(), "{question} [y/N] ").and_then(|()| std::io::stdin().read_line(&mut answer));
    answered.map_err(|error| CommandError::system(format!("cannot ask for confirmation: {error}")))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

fn api_types(inspection: &Inspection) -> Vec<String> {
    inspection.manifest.issuers.iter().map(|issuer| issuer.api_type.clone()).collect()
}
