//! `locum plugin`: looks at plugin files without running them, pins them, and starts new ones.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use locum_conformance::scaffold::{self, ScaffoldError};
use locum_host::{Inspection, Pins, inspect, plugin_files};
use serde_json::{Value, json};

use crate::cli::{Format, NewPluginArgs, PluginCommand};
use crate::exit::Ended;
use crate::format::{print_json, print_rows, print_text};

pub(crate) fn run(command: &PluginCommand) -> Result<(), Ended> {
    match command {
        PluginCommand::List { directory, format } => list(directory, *format),
        PluginCommand::Inspect { file, format } => show(file, *format),
        PluginCommand::Pin { files, lock, yes } => pin(files, lock.as_deref(), *yes),
        PluginCommand::New(args) => new(args),
    }
}

fn new(args: &NewPluginArgs) -> Result<(), Ended> {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let (files, check) = match (&args.workspace, &args.sdk) {
        (Some(workspace), _) => {
            let files = scaffold::write_workspace_member(&args.name, workspace).map_err(unwritten)?;
            (files, "`cargo xtask conformance`".to_owned())
        }
        (None, Some(sdk)) => {
            let files = scaffold::write_crate(&args.name, &folder, sdk).map_err(unwritten)?;
            (files, folder.join("check").display().to_string())
        }
        (None, None) => return Err(Ended::usage("name the folder of the crate `locum-plugin` with --sdk")),
    };
    for file in files {
        print_text(&format!("wrote {}", file.display()));
    }
    print_text(&format!(
        "next: state the claims of a token in src/lib.rs and in the case that fails until then; then run {check}"
    ));
    Ok(())
}

fn unwritten(error: ScaffoldError) -> Ended {
    match error {
        ScaffoldError::File { .. } => Ended::machine(error),
        other => Ended::usage(other),
    }
}

fn absolute(path: &Path) -> Result<PathBuf, Ended> {
    std::path::absolute(path).map_err(|error| Ended::usage(format!("{}: {error}", path.display())))
}

fn list(directory: &Path, format: Format) -> Result<(), Ended> {
    let directory = absolute(directory)?;
    let pins = Pins::from_lock(&Pins::lock_beside(&directory)).map_err(Ended::plugin)?;
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    for file in plugin_files(&directory).map_err(Ended::plugin)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match inspect(&file) {
            Ok(inspection) => {
                let pinned = match pins.of(&file) {
                    None => "no",
                    Some(pin) if pin.sha256 == inspection.sha256 => "yes",
                    Some(_) => "changed",
                };
                let api_types = api_types(&inspection).join(" ");
                let version = inspection.manifest.version.clone();
                rows.push([name, inspection.manifest.name.clone(), version, api_types, pinned.to_owned()]);
                listed.push(json!({"pinned": pinned, "plugin": as_json(&inspection)}));
            }
            Err(error) => {
                rows.push([name, "-".to_owned(), "-".to_owned(), error.cause.clone(), "no".to_owned()]);
                listed.push(json!({"file": file, "error": error.code.as_str(), "cause": error.cause}));
            }
        }
    }
    print_rows(format, ["file", "plugin", "version", "api_types", "pinned"], &rows, &listed);
    Ok(())
}

fn show(file: &Path, format: Format) -> Result<(), Ended> {
    let inspection = inspect(&absolute(file)?).map_err(Ended::plugin)?;
    match format {
        Format::Json => print_json(&as_json(&inspection)),
        Format::Table => print_text(&in_words(&inspection)),
    }
    Ok(())
}

fn pin(files: &[PathBuf], lock: Option<&Path>, yes: bool) -> Result<(), Ended> {
    for file in files {
        let file = absolute(file)?;
        let inspection = inspect(&file).map_err(Ended::plugin)?;
        let lock = match lock {
            Some(lock) => lock.to_owned(),
            None => Pins::lock_beside(file.parent().unwrap_or(Path::new("/"))),
        };
        if !yes && !agreed(&inspection)? {
            return Err(Ended::wanting());
        }
        let mut pins = Pins::from_lock(&lock).map_err(Ended::plugin)?;
        pins.pin(inspection.pin());
        pins.write_lock(&lock).map_err(Ended::machine)?;
        print_text(&format!("pinned {} {} in {}", inspection.pin().file, inspection.sha256, lock.display()));
    }
    Ok(())
}

/// Shows what is about to be trusted, and asks.
fn agreed(inspection: &Inspection) -> Result<bool, Ended> {
    if !std::io::stdin().is_terminal() {
        return Err(Ended::usage("nobody is there to be asked; pass --yes to pin without asking"));
    }
    print_text(&in_words(inspection));
    let mut answer = String::new();
    let asked =
        write!(std::io::stderr(), "pin it? [y/N] ").and_then(|()| std::io::stdin().read_line(&mut answer));
    asked.map_err(Ended::machine)?;
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
        "manifest": inspection.manifest,
    })
}

fn in_words(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let mut words = format!(
        "{} {} by {}\n{}\nfile    {} ({} bytes)\nsha256  {}\n",
        manifest.name,
        manifest.version,
        manifest.vendor,
        manifest.description,
        inspection.path.display(),
        inspection.bytes,
        inspection.sha256,
    );
    for issuer in &manifest.issuers {
        let lifetime = &issuer.lifetime;
        let listed =
            |items: Vec<String>| if items.is_empty() { "nothing".to_owned() } else { items.join(", ") };
        let upstreams = issuer.upstreams.iter().map(|upstream| json!(upstream).to_string()).collect();
        let needs = issuer.needs.iter().map(|need| json!(need).to_string()).collect();
        let reads = issuer.reads.iter().map(|read| json!(read).to_string()).collect();
        words.push_str(&format!(
            "\napi_type {}\n  lives   {} to {} s, {} s by default\n  revoked {}\n  calls   {}\n  needs   {}\n  reads   {}\n",
            issuer.api_type,
            lifetime.minimum_seconds,
            lifetime.maximum_seconds,
            lifetime.default_seconds,
            issuer.revocation_advice,
            listed(upstreams),
            listed(needs),
            listed(reads),
        ));
    }
    words
}
