//! The tenant that every service of a run serves: its names and keys, and its files for Locum.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use aws_lc_rs::signature::RsaKeyPair;

use crate::site::{DOMAIN, Site};

pub(crate) const ISSUER: &str = "https://bench.example.com/";
pub(crate) const SPA_SECRET: &str = "spa-secret-0123456789-0123456789-0123456789";
pub(crate) const ORDERS_SECRET: &str = "orders-secret-0123456789-0123456789-012345678";
pub(crate) const KEY_ID: &str = "tenant-2026";
pub(crate) const STORAGE_ACCOUNT: &str = "devstoreaccount1";
/// The key that every storage emulator has.
pub(crate) const STORAGE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub(crate) const CONTAINER: &str = "demo";
pub(crate) const BLOB: &str = "hello.txt";
/// The size of a user's bucket: consulted on every request, never empty, and refilled at the default rate, so that
/// buckets stay in memory as they do in production.
pub(crate) const BUCKET_SIZE: u64 = 1_000_000;

/// The RSA key of the tenant, PKCS#8 in PEM.
pub(crate) const RSA_PEM: &str = include_str!("../../../fixtures/keys/tenant-rsa.pem");
pub(crate) const RSA_PUBLIC_PEM: &str = include_str!("../../../fixtures/keys/tenant-rsa.pub.pem");
const RSA_CERTIFICATE: &str = include_str!("../../../fixtures/keys/tenant-rsa.cert.pem");

/// The RSA key of the tenant, parsed.
pub(crate) fn rsa_key() -> Result<RsaKeyPair> {
    parsed_rsa_key(RSA_PEM)
}

/// An RSA key, PKCS#8 in PEM.
pub(crate) fn parsed_rsa_key(pem: &str) -> Result<RsaKeyPair> {
    let pem = pem::parse(pem).context("a key is not PEM")?;
    RsaKeyPair::from_pkcs8(pem.contents()).context("a key is not an RSA key")
}

/// Writes `tenant.yaml` with its keys, and a `locum.toml` that serves it with these plugins. Returns the latter's path.
pub(crate) fn write(folder: &Path, plugins: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder)?;
    fs::write(folder.join("tenant-rsa.pem"), RSA_PEM)?;
    fs::write(folder.join("tenant-rsa.cert.pem"), RSA_CERTIFICATE)?;
    fs::write(folder.join("tenant.yaml"), tenant())?;
    write_config(folder, plugins, &["tenant.yaml"])
}

/// How many tenants, how many clients each has, and how many add-ons each of these: none or two.
pub(crate) struct Tenants {
    pub(crate) tenants: usize,
    pub(crate) clients: usize,
    pub(crate) add_ons: usize,
}

impl Tenants {
    /// Every client. Neighbours are of different tenants, so that a part of them is of all tenants.
    pub(crate) fn sites(&self) -> impl Iterator<Item = Site> {
        (0..self.clients).flat_map(|client| (0..self.tenants).map(move |tenant| (tenant, client))).map(
            |(tenant, client)| {
                let client = client_id(client);
                Site { domain: domain(tenant), target: client.clone(), client }
            },
        )
    }
}

/// Writes so many tenants, each in a file of its own, and a `locum.toml` that serves them. Returns the latter's path.
pub(crate) fn write_many(folder: &Path, plugins: &Path, tenants: &Tenants) -> Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    for tenant in 0..tenants.tenants {
        let file = format!("tenant-{tenant}.yaml");
        fs::write(folder.join(&file), small_tenant(tenant, tenants))?;
        files.push(file);
    }
    write_config(folder, plugins, &files)
}

fn domain(tenant: usize) -> String {
    format!("tenant-{tenant}.example.com")
}

fn client_id(client: usize) -> String {
    // As long as Auth0's.
    format!("client{client:026}")
}

fn small_tenant(tenant: usize, tenants: &Tenants) -> String {
    let domain = domain(tenant);
    let mut text = format!(
        "domain: {domain}\ndelegation: {{ rate_limit: {{ size: {BUCKET_SIZE}, per_minute: 1 }} }}\nclients:\n"
    );
    for client in 0..tenants.clients {
        let id = client_id(client);
        text.push_str(&format!(
            "  - client_id: {id}\n    name: Client {client}\n    client_secret: {SPA_SECRET}\n    \
             allowed_origins: [\"https://app-{client}.{domain}\"]\n"
        ));
        if tenants.add_ons > 0 {
            text.push_str(&format!(
                "    addons:\n      azure_blob: {{ accountName: {STORAGE_ACCOUNT}, storageAccessKey: {STORAGE_KEY}, \
                 containerName: {CONTAINER}, blobName: file-{client}.txt, blob_read: true, expiration: 5 }}\n      \
                 azure_sb: {{ namespace: locum-demo, sasKeyName: demo-policy, sasKey: {STORAGE_KEY}, \
                 entityPath: queue-{client} }}\n"
            ));
        }
    }
    text
}

/// Writes a `locum.toml` that serves these tenants on any free port, with the audit log in a file that starts empty.
fn write_config(folder: &Path, plugins: &Path, tenants: &[impl std::fmt::Debug]) -> Result<PathBuf> {
    let audit = folder.join("audit.jsonl");
    if audit.exists() {
        fs::remove_file(&audit)?;
    }
    let config = folder.join("locum.toml");
    // All connections of a run come from one address.
    let text = format!(
        "listen = \"127.0.0.1:0\"\nplugins_dir = {plugins:?}\ntenants = {tenants:?}\n\
         audit = {{ file = \"audit.jsonl\" }}\nlimits = {{ connections_per_address = 8192 }}\n"
    );
    fs::write(&config, text)?;
    Ok(config)
}

fn tenant() -> String {
    format!(
        "domain: {DOMAIN}
default: true
delegation: {{ rate_limit: {{ size: {BUCKET_SIZE}, per_minute: 1 }} }}
signing_keys:
  - kid: {KEY_ID}
    private_key: ${{file:tenant-rsa.pem}}
    certificate: ${{file:tenant-rsa.cert.pem}}
clients:
  - client_id: spa
    client_secret: {SPA_SECRET}
    addons:
      azure_blob:
        accountName: {STORAGE_ACCOUNT}
        storageAccessKey: {STORAGE_KEY}
        containerName: {CONTAINER}
        blobName: {BLOB}
        blob_read: true
        expiration: 5
  - client_id: rs-spa
    jwt_configuration: {{ alg: RS256 }}
  - client_id: orders-api
    client_secret: {ORDERS_SECRET}
    jwt_configuration: {{ alg: HS256, lifetime_in_seconds: 36000 }}
  - client_id: reports-api
    jwt_configuration: {{ alg: RS256, lifetime_in_seconds: 36000 }}
"
    )
}
