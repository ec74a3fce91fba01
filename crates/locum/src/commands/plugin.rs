//! `locum plugin`: inspects plugin files without running them, pins them, creates new ones, and gives orders to a running
//! server.

mod new;
mod pause;
mod pin;
mod promises;
mod status;
mod upgrade;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use locum_abi::manifest::{IssuerManifest, KeySource, Need, Read, Upstream, UpstreamOrigin};
use locum_host::{ElfFacts, Inspection, Pins, inspect, plugin_files};
use serde_json::{Value, json};

use crate::cli::{Format, PluginCommand};
use crate::commands::plugin::pin::Level;
use crate::exit::CommandError;
use crate::format::{print_json, print_rows, print_text};

pub(crate) fn run(command: &PluginCommand) -> Result<(), CommandError> {
    match command {
        PluginCommand::List { directory, format } => list(directory, *format),
        PluginCommand::Inspect { file, format } => inspect_file(file, *format),
        PluginCommand::Pin(args) => pin::run(args),
        PluginCommand::New(args) => new::run(args),
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
                let pinned = match pin {
                    None => "no",
                    Some(pin) if pin.accepts(inspection.sha256) => "yes",
                    Some(_) => "changed",
                };
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
                    "plugin": as_json(&inspection),
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

fn inspect_file(file: &Path, format: Format) -> Result<(), CommandError> {
    let inspection = inspect(&absolute(file)?).map_err(CommandError::plugin)?;
    match format {
        Format::Json => print_json(&as_json(&inspection)),
        Format::Table => print_text(&description(&inspection)),
    }
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

fn as_json(inspection: &Inspection) -> Value {
    json!({
        "file": inspection.path,
        "sha256": inspection.sha256.to_string(),
        "bytes": inspection.bytes,
        "elf": {
            "architecture": inspection.elf.architecture,
            "libraries": inspection.elf.libraries,
            "relro": inspection.elf.relro,
            "bind_now": inspection.elf.bind_now,
            "build_id": inspection.elf.build_id,
        },
        "manifest": inspection.manifest,
    })
}

fn description(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let mut text = format!(
        "{} {} by {}\n{}\nfile    {} ({} bytes)\nsha256  {}\nneeds   {}\nmemory  {}\n",
        manifest.name,
        manifest.version,
        manifest.vendor,
        manifest.description,
        inspection.path.display(),
        inspection.bytes,
        inspection.sha256,
        inspection.elf.libraries.join(", "),
        memory(&inspection.elf),
    );
    for issuer in &manifest.issuers {
        let lifetime = &issuer.lifetime;
        let listed = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
        text.push_str(&format!(
            "\napi_type {}\n  lifetime    {} to {} s, default {} s\n  revocation  {}\n  upstreams   {}\n  signs       {}\n  needs       {}\n  reads       {}\n",
            issuer.api_type,
            lifetime.minimum_seconds,
            lifetime.maximum_seconds,
            lifetime.default_seconds,
            issuer.revocation_advice,
            listed(issuer.upstreams.iter().map(upstream).collect()),
            listed(signs(issuer)),
            listed(issuer.needs.iter().map(need).collect()),
            listed(issuer.reads.iter().map(read).collect()),
        ));
    }
    text
}

/// How the file's memory is protected. A file that fails the first three is refused before it can be described.
fn memory(elf: &ElfFacts) -> String {
    let relro = match (elf.relro, elf.bind_now) {
        (true, true) => "full RELRO",
        (true, false) => "partial RELRO",
        (false, _) => "no RELRO",
    };
    format!("stack not executable, no writable code, no search path of its own, {relro}")
}

fn upstream(upstream: &Upstream) -> String {
    let mut text = match &upstream.origin {
        UpstreamOrigin::Host { host } => host.clone(),
        UpstreamOrigin::Setting { setting } => format!("the URL in the setting `{setting}`"),
        UpstreamOrigin::Unknown => "a kind that this version does not know".to_owned(),
    };
    if !upstream.methods.is_empty() {
        text.push_str(&format!(" by {}", upstream.methods.join(" and ")));
    }
    if !upstream.headers.is_empty() {
        text.push_str(&format!(" with {}", upstream.headers.join(" and ")));
    }
    text
}

/// What the host signs for an issuer.
fn signs(issuer: &IssuerManifest) -> Vec<String> {
    let with = issuer.signs_with.iter().map(|source| match source {
        KeySource::Tenant if issuer.api_type == "app" => {
            "with the tenant's key: the tenant's tokens for its own clients".to_owned()
        }
        KeySource::Tenant => "with the tenant's key: JWTs about the user, for 300 s at most".to_owned(),
        KeySource::Setting(name) => format!("with the private key in the setting `{name}`: JWTs"),
    });
    let bytes = issuer.signs.bytes.then(|| {
        "with the tenant's key, if pinned with --allow-signing-bytes: any XML, which whatever trusts the tenant's \
         certificate believes"
            .to_owned()
    });
    with.chain(bytes).collect()
}

fn need(need: &Need) -> String {
    match need {
        Need::TenantSigningKey => "the tenant's private key (a plugin of contract 1)".to_owned(),
        Need::Unknown => "a kind that this version does not know".to_owned(),
    }
}

fn read(read: &Read) -> String {
    match read {
        Read::Attribute { name } => name.clone(),
        Read::NamedBySetting { setting, default: None } => {
            format!("the attributes named by the setting `{setting}`")
        }
        Read::NamedBySetting { setting, default: Some(default) } => {
            format!("the attributes named by the setting `{setting}`, or else {default}")
        }
        Read::Unknown => "a kind that this version does not know".to_owned(),
    }
}
