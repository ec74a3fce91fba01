//! `locum plugin`: inspects plugin files without running them, pins them, creates new ones, and gives orders to a running
//! server.

mod pause;
mod promises;
mod status;
mod upgrade;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use locum_abi::manifest::{IssuerManifest, KeySource, Manifest, Need, Read, Upstream};
use locum_conformance::scaffold::{self, ScaffoldError};
use locum_host::{ElfFacts, Inspection, Isolation, Pins, inspect, plugin_files, runner};
use serde_json::{Value, json};

use crate::cli::{Format, NewPluginArgs, PluginCommand};
use crate::exit::CommandError;
use crate::format::{print_json, print_rows, print_text};

pub(crate) fn run(command: &PluginCommand) -> Result<(), CommandError> {
    match command {
        PluginCommand::List { directory, format } => list(directory, *format),
        PluginCommand::Inspect { file, format } => inspect_file(file, *format),
        PluginCommand::Pin { files, lock, in_process, allow_signing_bytes, give_tenant_key, yes } => {
            let permissions = Permissions {
                isolation: if *in_process { Isolation::InProcess } else { Isolation::Runner },
                signing_bytes: *allow_signing_bytes,
                tenant_key: *give_tenant_key,
            };
            pin(files, lock.as_deref(), permissions, *yes)
        }
        PluginCommand::New(args) => new(args),
        PluginCommand::Status { config, format } => status::run(config, *format),
        PluginCommand::Pause(args) => pause::pause(args),
        PluginCommand::Resume(args) => pause::resume(args),
        PluginCommand::Upgrade(args) => upgrade::run(args),
    }
}

fn new(args: &NewPluginArgs) -> Result<(), CommandError> {
    let folder = args.dir.clone().unwrap_or_else(|| PathBuf::from(&args.name));
    let (files, check) = match (&args.workspace, &args.sdk) {
        (Some(workspace), _) => {
            let files = scaffold::write_workspace_member(&args.name, workspace).map_err(scaffold_error)?;
            (files, "`cargo xtask conformance`".to_owned())
        }
        (None, Some(sdk)) => {
            let files = scaffold::write_crate(&args.name, &folder, sdk).map_err(scaffold_error)?;
            (files, folder.join("check").display().to_string())
        }
        (None, None) => {
            return Err(CommandError::usage("name the folder of the crate `locum-plugin` with --sdk"));
        }
    };
    for file in files {
        print_text(&format!("wrote {}", file.display()));
    }
    print_text(&format!(
        "next: write in src/lib.rs what a token contains, edit the case that fails until then; then run {check}"
    ));
    Ok(())
}

fn scaffold_error(error: ScaffoldError) -> CommandError {
    match error {
        ScaffoldError::File { .. } => CommandError::system(error),
        other => CommandError::usage(other),
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
                let api_types = api_types(&inspection).join(" ");
                let version = inspection.manifest.version.clone();
                rows.push([
                    name,
                    inspection.manifest.name.clone(),
                    version,
                    api_types,
                    pinned.to_owned(),
                    isolation.map_or_else(none, str::to_owned),
                    none(),
                ]);
                listed
                    .push(json!({"pinned": pinned, "isolation": isolation, "plugin": as_json(&inspection)}));
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

/// What a pin allows besides loading.
#[derive(Clone, Copy)]
struct Permissions {
    isolation: Isolation,
    signing_bytes: bool,
    tenant_key: bool,
}

impl Permissions {
    /// Those that the manifest has a use for.
    fn of(self, manifest: &Manifest) -> Self {
        let any = |uses: fn(&IssuerManifest) -> bool| manifest.issuers.iter().any(uses);
        Self {
            signing_bytes: self.signing_bytes && any(|issuer| issuer.signs.bytes),
            tenant_key: self.tenant_key && any(|issuer| issuer.needs.contains(&Need::TenantSigningKey)),
            ..self
        }
    }
}

fn pin(
    files: &[PathBuf],
    lock: Option<&Path>,
    permissions: Permissions,
    yes: bool,
) -> Result<(), CommandError> {
    let isolation = permissions.isolation;
    if isolation == Isolation::Runner && !runner::SUPPORTED {
        return Err(CommandError::plugin(
            "this system cannot run a plugin in a process of its own: that needs Linux on x86_64 with glibc; \
             pin with --in-process if you trust the plugin as you trust Locum",
        ));
    }
    for file in files {
        let file = absolute(file)?;
        let inspection = inspect(&file).map_err(CommandError::plugin)?;
        let lock = match lock {
            Some(lock) => lock.to_owned(),
            None => Pins::lock_path(file.parent().unwrap_or(Path::new("/"))),
        };
        let permissions = permissions.of(&inspection.manifest);
        if !yes && !confirmed(&inspection, permissions)? {
            return Err(CommandError::check_failed());
        }
        let mut pins = Pins::from_lock(&lock).map_err(CommandError::plugin)?;
        let mut pin = inspection.pin().at(isolation);
        pin.allow_signing_bytes = permissions.signing_bytes;
        pin.give_tenant_key = permissions.tenant_key;
        let text = format!("pinned {} {} in {}, isolation {isolation}", pin.file, pin.sha256, lock.display());
        pins.pin(pin);
        pins.write_lock(&lock).map_err(CommandError::system)?;
        print_text(&text);
    }
    Ok(())
}

/// Shows the plugin and asks whether to pin it.
fn confirmed(inspection: &Inspection, permissions: Permissions) -> Result<bool, CommandError> {
    refuse_without_terminal("pin")?;
    print_text(&description(inspection));
    let Permissions { isolation, signing_bytes, tenant_key } = permissions;
    print_text(&format!("isolation {isolation}: {}\n", meaning(isolation)));
    if signing_bytes {
        print_text(
            "it may have any XML signed with the tenants' keys: whatever trusts a tenant's certificate believes it.\n",
        );
    }
    if tenant_key {
        print_text("it is given the tenants' private keys: whoever has one can sign as that tenant.\n");
    }
    ask("Pin this file?")
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

/// What a level means for whoever pins a file.
fn meaning(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::InProcess => {
            "it runs in the server's process. It can read every key and secret of the server, open files and \
             connections, and end the server. Pin it so only if you trust it as you trust Locum."
        }
        _ => "it runs in a process of its own, which can compute and nothing else.",
    }
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
    match upstream {
        Upstream::Host { host } => host.clone(),
        Upstream::Setting { setting } => format!("the URL in the setting `{setting}`"),
        Upstream::Unknown => "a kind that this version does not know".to_owned(),
    }
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
