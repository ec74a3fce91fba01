//! The attributes of the user that an issuer reads with certain settings.

use locum_abi::manifest::{IssuerManifest, Read};
use serde_json::{Map, Value};

/// Their names, each once.
pub(crate) fn attribute_names<'n>(
    manifest: &'n IssuerManifest,
    settings: &'n Map<String, Value>,
) -> Vec<&'n str> {
    let mut names: Vec<&str> = Vec::new();
    for read in &manifest.reads {
        match read {
            Read::Attribute { name } => names.push(name),
            Read::NamedBySetting { setting, default } => match settings.get(setting) {
                Some(Value::Object(named)) => names.extend(named.values().filter_map(Value::as_str)),
                named => names.extend(named.and_then(Value::as_str).or(default.as_deref())),
            },
            Read::Unknown => {}
        }
    }
    let mut known = Vec::with_capacity(names.len());
    for name in names {
        if !known.contains(&name) {
            known.push(name);
        }
    }
    known
}
