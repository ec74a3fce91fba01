//! The tenant of the nodes: that of the demo, with three more clients, and users who come back.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::id_token::user_id;

/// Where the nodes have the tenant from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Place {
    /// A tenant file that each node reads.
    Files,
    /// PostgreSQL, in which it was imported.
    Database,
}

/// The domain of the demo's tenant.
pub(super) const DOMAIN: &str = "acme.example.com";
/// A public client whose refresh tokens rotate with a leeway of [`LEEWAY_SECONDS`].
pub(super) const LENIENT: &str = "lenient";
/// The same without leeway.
pub(super) const STRICT: &str = "strict";
/// A client that authenticates by `private_key_jwt`, with the demo's key of `worker`.
pub(super) const SIGNER: &str = "signer";
/// Their secret, which verifies their id_tokens.
pub(super) const SECRET: &str = "cluster-secret-0123456789-0123456789-0123456789";
/// How long a replaced refresh token of [`LENIENT`] is accepted.
pub(super) const LEEWAY_SECONDS: u64 = 30;
/// How many users the tenant has besides those of the demo, numbered from 0. Nodes have them in memory once they have served each.
pub(super) const KNOWN_USERS: usize = 8;

/// Writes the tenant file, for which the keys of the demo are read where they are. Returns its path.
pub(super) fn write(folder: &Path, fixtures: &Path) -> Result<PathBuf> {
    let demo = fixtures.join("demo/tenant.yaml");
    let text = fs::read_to_string(&demo).with_context(|| format!("{} cannot be read", demo.display()))?;
    let keys = fixtures.join("keys").canonicalize()?;
    let text = text.replace("../keys/", &format!("{}/", keys.display()));
    let (before, users) = text.split_once("\nusers:\n").context("the demo's tenant has no users")?;
    ensure!(before.contains("&may_refresh"), "the demo's tenant has no grants of refresh tokens");
    let path = folder.join("tenant.yaml");
    let known = (0..KNOWN_USERS).map(|user| format!("  - user_id: {}\n", user_id(user)));
    let known = known.collect::<String>();
    fs::write(&path, format!("{before}{}\nusers:\n{users}{known}", clients(&keys)))?;
    Ok(path)
}

/// What no dump may hold, besides the tokens of a run: the secrets and keys of the tenant file, in parts of a line.
pub(super) fn secrets(tenant: &Path, keys: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(tenant)?;
    let names =
        ["client_secret: ", "storageAccessKey: ", "sasKey: ", "servicePassword: ", "masterkey: ", "keys: ["];
    let secret = |line: &str| {
        let value = names.iter().find_map(|name| line.trim().strip_prefix(name));
        value.map(|value| value.trim_end_matches(']').to_owned())
    };
    let mut secrets: Vec<String> = text.lines().filter_map(secret).collect();
    for entry in fs::read_dir(keys)? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".pem") {
            let pem = fs::read_to_string(&path)?;
            if pem.contains("PRIVATE KEY") {
                // The first half of an RSA key has its public part, which certificates have too.
                let lines = pem.lines().skip(pem.lines().count() / 2);
                secrets.extend(lines.take_while(|line| !line.starts_with("--")).map(str::to_owned));
            }
        }
    }
    Ok(secrets)
}

fn clients(keys: &Path) -> String {
    let refreshing = |id: &str, leeway: u64| {
        format!(
            "\n  - client_id: {id}\n    client_secret: {SECRET}\n    token_endpoint_auth_method: none\n    \
             grant_types: *may_refresh\n    refresh_token: {{ rotation_type: rotating, expiration_type: expiring, \
             leeway: {leeway} }}\n"
        )
    };
    format!(
        "{}{}\n  - client_id: {SIGNER}\n    client_secret: {SECRET}\n    token_endpoint_auth_method: private_key_jwt\n    \
         jwks: ${{file:{}/worker.jwks.json}}\n",
        refreshing(LENIENT, LEEWAY_SECONDS),
        refreshing(STRICT, 0),
        keys.display()
    )
}
