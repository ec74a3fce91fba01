//! `locum plugin inspect`: describes a plugin file by what its manifest and its headers say, without running it.

use std::path::Path;

use locum_abi::manifest::{IssuerManifest, KeySource, Need, Read, Upstream, UpstreamOrigin};
use locum_host::{ElfFacts, Inspection, inspect};
use serde_json::{Value, json};

use crate::cli::Format;
use crate::commands::plugin::absolute;
use crate::exit::CommandError;
use crate::format::{print_json, print_text};

pub(super) fn run(file: &Path, format: Format) -> Result<(), CommandError> {
    let inspection = inspect(&absolute(file)?).map_err(CommandError::plugin)?;
    match format {
        Format::Json => print_json(&as_json(&inspection)),
        Format::Table => print_text(&description(&inspection)),
    }
    Ok(())
}

pub(super) fn as_json(inspection: &Inspection) -> Value {
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

pub(super) fn description(inspection: &Inspection) -> String {
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
