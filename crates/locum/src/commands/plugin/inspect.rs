//! `locum plugin inspect`: describes a plugin file by what its manifest and its headers say, without running it.

use std::path::Path;

use locum_abi::manifest::{
    IssuerManifest, KeySource, Lifetime, Need, Override, Read, Upstream, UpstreamOrigin,
};
use locum_host::{ElfFacts, Inspection, Pin, Pins, ProcessScope, inspect, secret_setting_names};
use serde_json::{Map, Value, json};

use crate::cli::Format;
use crate::commands::plugin::absolute;
use crate::commands::plugin::level::Level;
use crate::exit::CommandError;
use crate::format::{print_json, print_text};

pub(super) fn run(file: &Path, format: Format) -> Result<(), CommandError> {
    let inspection = inspect(&absolute(file)?).map_err(CommandError::plugin)?;
    let lock = Pins::lock_path(inspection.path.parent().unwrap_or(Path::new("/")));
    let pins = Pins::from_lock(&lock).map_err(CommandError::plugin)?;
    let pinning = Pinning::of(pins.find(&inspection.path), &inspection);
    match format {
        Format::Json => {
            let pin = pinning.pin();
            let mut json = as_json(&inspection);
            if let Value::Object(members) = &mut json {
                members.insert("pinned".to_owned(), pinning.word().into());
                members.insert("isolation".to_owned(), pin.map(|pin| pin.isolation.as_str()).into());
                members.insert("isolate".to_owned(), pin.map(|pin| pin.isolate.as_str()).into());
            }
            print_json(&json);
        }
        Format::Table => print_text(&format!("{}\n{}", description(&inspection), pinning.described(&lock))),
    }
    Ok(())
}

/// Whether a lock file has a pin of a plugin file.
pub(super) enum Pinning<'a> {
    Absent,
    Current(&'a Pin),
    /// The pin is of other bytes.
    Changed(&'a Pin),
}

impl<'a> Pinning<'a> {
    pub(super) fn of(pin: Option<&'a Pin>, inspection: &Inspection) -> Self {
        match pin {
            None => Self::Absent,
            Some(pin) if pin.accepts(inspection.sha256) => Self::Current(pin),
            Some(pin) => Self::Changed(pin),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Absent => "no",
            Self::Current(_) => "yes",
            Self::Changed(_) => "changed",
        }
    }

    pub(super) fn pin(&self) -> Option<&'a Pin> {
        match self {
            Self::Absent => None,
            Self::Current(pin) | Self::Changed(pin) => Some(pin),
        }
    }

    /// Where the file would run.
    fn described(&self, lock: &Path) -> String {
        let lock = lock.display();
        let (level, why) = match self {
            Self::Absent => {
                let why = format!(
                    "once it is pinned; with `pin --in-process`, in the server's process. {lock} has no pin of it"
                );
                (Level::Runner(ProcessScope::Plugin), why)
            }
            Self::Current(pin) => (Level::of(pin), format!("as pinned in {lock}")),
            Self::Changed(pin) => (
                Level::of(pin),
                format!("as pinned in {lock}; but the file has changed, and is refused until pinned again"),
            ),
        };
        format!("isolation {level}, {why}\n")
    }
}

pub(super) fn as_json(inspection: &Inspection) -> Value {
    let secret_settings =
        inspection.manifest.issuers.iter().map(|issuer| {
            (issuer.api_type.clone(), Value::from(secret_setting_names(&issuer.settings_schema)))
        });
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
        "secret_settings": Map::from_iter(secret_settings),
    })
}

pub(super) fn description(inspection: &Inspection) -> String {
    let manifest = &inspection.manifest;
    let mut text = format!(
        "{} {} by {}\n{}\nfile      {} ({} bytes)\nsha256    {}\ncontract  {}{}\nlibraries {}\nmemory    {}\n",
        manifest.name,
        manifest.version,
        manifest.vendor,
        manifest.description,
        inspection.path.display(),
        inspection.bytes,
        inspection.sha256,
        manifest.contract,
        requirements(&manifest.requires),
        inspection.elf.libraries.join(", "),
        memory(&inspection.elf),
    );
    for issuer in &manifest.issuers {
        text.push_str(&format!("\napi_type {}\n", issuer.api_type));
        for (label, lines) in of_issuer(issuer) {
            let lines = if lines.is_empty() { vec!["none".to_owned()] } else { lines };
            let mut label = label;
            for line in lines {
                text.push_str(&format!("  {label:<11} {line}\n"));
                label = "";
            }
        }
    }
    text
}

/// What a manifest says of one api_type: a label, and a line for each item.
fn of_issuer(issuer: &IssuerManifest) -> [(&'static str, Vec<String>); 11] {
    let one_line = |items: Vec<String>| if items.is_empty() { items } else { vec![items.join(", ")] };
    [
        ("lifetime", vec![lifetime(&issuer.lifetime)]),
        ("expiry skew", expiry_skew(issuer)),
        ("revocation", vec![issuer.revocation_advice.clone()]),
        ("settings", one_line(settings(&issuer.settings_schema))),
        ("secrets", secrets(issuer)),
        ("overrides", issuer.overrides.iter().map(override_of).collect()),
        ("egress", issuer.upstreams.iter().map(egress).collect()),
        ("signs", signs(issuer)),
        ("keeps", keeps(issuer)),
        ("needs", issuer.needs.iter().map(need).collect()),
        ("reads", one_line(issuer.reads.iter().map(read).collect())),
    ]
}

/// Older hosts refuse what a manifest requires and they do not have.
fn requirements(requires: &[String]) -> String {
    if requires.is_empty() { String::new() } else { format!(", requires {}", requires.join(", ")) }
}

fn lifetime(lifetime: &Lifetime) -> String {
    let Lifetime { minimum_seconds, maximum_seconds, default_seconds, setting } = lifetime;
    let setting =
        setting.as_ref().map(|setting| format!(", or as the setting `{}` says", shown(&setting.name)));
    format!(
        "{minimum_seconds} to {maximum_seconds} s, default {default_seconds} s{}",
        setting.unwrap_or_default()
    )
}

/// How much later than granted a credential may expire.
fn expiry_skew(issuer: &IssuerManifest) -> Vec<String> {
    let seconds = issuer.expiry_skew_seconds;
    let skew =
        || format!("up to {seconds} s later than granted, because the clock of the upstream may be ahead");
    (seconds > 0).then(skew).into_iter().collect()
}

/// What the host keeps for an issuer between requests.
fn keeps(issuer: &IssuerManifest) -> Vec<String> {
    let kept = || "values between requests, in the server's memory, for each add-on".to_owned();
    issuer.keeps.then(kept).into_iter().collect()
}

/// The settings, those that are needed first. A schema that names none at its top is described as it is by `--format json`.
fn settings(schema: &Value) -> Vec<String> {
    let names =
        schema.get("properties").and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required =
        |name: &str| required.is_some_and(|required| required.iter().any(|required| required == name));
    let (needed, optional): (Vec<_>, Vec<_>) = names.partition(|name| is_required(name));
    let needed = needed.into_iter().map(|name| format!("{} (required)", shown(name)));
    needed.chain(optional.into_iter().map(|name| shown(name))).collect()
}

/// Settings whose values are kept back, and from whom.
fn secrets(issuer: &IssuerManifest) -> Vec<String> {
    let is_private_key =
        |name: &str| issuer.signs_with.iter().any(|key| *key == KeySource::Setting(name.to_owned()));
    let names = secret_setting_names(&issuer.settings_schema);
    let (private_keys, others): (Vec<_>, Vec<_>) = names.into_iter().partition(|name| is_private_key(name));
    let listed = |names: Vec<&str>, why: &str| {
        let names = names.into_iter().map(shown).collect::<Vec<_>>().join(", ");
        (!names.is_empty()).then(|| format!("{names}: {why}"))
    };
    let private_keys = listed(private_keys, "held by the host, and withheld from the plugin");
    let others = listed(others, "given to the plugin, and withheld from its messages and log lines");
    private_keys.into_iter().chain(others).collect()
}

fn override_of(allowed: &Override) -> String {
    format!(
        "the parameter `{}` may replace the setting `{}`",
        shown(&allowed.parameter),
        shown(&allowed.setting)
    )
}

/// What the host calls for an issuer: the origin, and whatever else limits the requests to it.
fn egress(upstream: &Upstream) -> String {
    let mut text = match &upstream.origin {
        UpstreamOrigin::Host { host } if host.contains('*') => {
            format!("https://{host}, where `*` is any one label")
        }
        UpstreamOrigin::Host { host } => format!("https://{host}"),
        UpstreamOrigin::Setting { setting } => format!("the origin of the URL in the setting `{setting}`"),
        UpstreamOrigin::Unknown => "a kind that this version does not know".to_owned(),
    };
    if !upstream.methods.is_empty() {
        text.push_str(&format!(", by {}", upstream.methods.join(" and ")));
    }
    if !upstream.headers.is_empty() {
        text.push_str(&format!(", with the headers {}", upstream.headers.join(" and ")));
    }
    if upstream.binary_bodies {
        text.push_str(", with bodies of any bytes");
    }
    if let Some(setting) = &upstream.client_certificate {
        text.push_str(&format!(", with the client certificate in the setting `{setting}`"));
    }
    if let Some(setting) = &upstream.ca {
        text.push_str(&format!(", trusting only the authorities in the setting `{setting}`"));
    }
    text
}

/// A name that cannot control a terminal.
fn shown(name: &str) -> String {
    name.escape_debug().to_string()
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
