//! Services of Node that make the same exchanges, where node is there.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::exchange::Exchange;
use crate::measure::Setup;
use crate::measure::candidate::Candidate;
use crate::tenant;

/// A script, and which exchanges it serves.
struct Peer {
    name: &'static str,
    takes_forms: bool,
    serves: fn(Exchange) -> bool,
}

const PEERS: [Peer; 3] = [
    Peer { name: "fastify", takes_forms: false, serves: |_| true },
    Peer { name: "express", takes_forms: false, serves: |_| true },
    // It issues tokens, and no signatures for Azure.
    Peer { name: "oidc-provider", takes_forms: true, serves: |exchange| exchange.api_type() == "app" },
];

/// Starts all of them. Those that do not start are named with the reason.
pub(super) fn start(setup: &Setup, not_run: &mut Vec<String>) -> Result<Vec<Candidate>> {
    let Some(folder) = &setup.peers else {
        let names = PEERS.map(|peer| peer.name).join(", ");
        not_run.push(format!("{names}: node and npm are needed"));
        return Ok(Vec::new());
    };
    let output = setup.folder.join("peers");
    fs::create_dir_all(&output)?;
    let settings = output.join("tenant.json");
    fs::write(&settings, tenant_settings()?.to_string())?;
    let mut candidates = Vec::new();
    for Peer { name, takes_forms, serves } in PEERS {
        let mut node = Command::new("node");
        node.arg(folder.join(format!("{name}.mjs"))).arg(&settings);
        node.env("NODE_ENV", "production").stderr(log(&output, name)?);
        match setup.processors.start(&mut node) {
            Ok(service) => {
                let (name, warm_up) = (name.to_owned(), setup.warm_up_of_node());
                candidates.push(Candidate { name, service, takes_forms, warm_up, serves });
            }
            Err(error) => not_run.push(format!("{name}: {error:#}")),
        }
    }
    Ok(candidates)
}

fn log(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(format!("{name}.log"));
    File::create(&path).with_context(|| format!("{} cannot be written", path.display()))
}

/// The tenant as the scripts read it.
fn tenant_settings() -> Result<Value> {
    let client = |id: &str, secret: Option<&str>| {
        let algorithm = if secret.is_some() { "HS256" } else { "RS256" };
        let mut client = json!({"id": id, "alg": algorithm, "lifetime": 36_000});
        if let (Some(secret), Some(members)) = (secret, client.as_object_mut()) {
            members.insert("secret".to_owned(), secret.into());
        }
        client
    };
    Ok(json!({
        "issuer": tenant::ISSUER,
        "private_key": tenant::RSA_PEM,
        "public_key": tenant::RSA_PUBLIC_PEM,
        "key_id": tenant::KEY_ID,
        "bucket_size": tenant::BUCKET_SIZE,
        "storage": {
            "account": tenant::STORAGE_ACCOUNT, "key": tenant::STORAGE_KEY,
            "container": tenant::CONTAINER, "blob": tenant::BLOB,
        },
        "clients": {
            "spa": client("spa", Some(tenant::SPA_SECRET)),
            "rs-spa": client("rs-spa", None),
            "orders-api": client("orders-api", Some(tenant::ORDERS_SECRET)),
            "reports-api": client("reports-api", None),
        },
    }))
}
