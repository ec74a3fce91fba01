//! Searches dumps of both databases, the nodes' logs and audit logs for secrets and tokens.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::cluster::nodes::Cluster;
use crate::cluster::tenant;
use crate::cluster::tokens::Tokens;

/// How many bytes of a secret are searched for. No two dumps hold so many equal ones by chance.
const BYTES: usize = 16;

/// Returns how many files and bytes were searched, for how many secrets.
///
/// # Errors
/// A secret is in one of them. The message names the file, and not the secret.
pub(super) fn search(cluster: &Cluster, tokens: &Tokens, keys: &Path) -> Result<String> {
    let mut secrets = tenant::secrets(&cluster.tenant, keys)?;
    secrets.extend(cluster.master_key()?);
    secrets.extend(tokens.noted());
    let windows = Windows::of(&secrets);
    ensure!(
        windows.find(secrets.last().map_or(b"".as_slice(), String::as_bytes)),
        "the search finds nothing"
    );
    let files = files(cluster)?;
    let mut bytes = 0;
    for file in &files {
        let content = fs::read(file)?;
        ensure!(!windows.find(&content), "{} holds a secret or a token", file.display());
        bytes += content.len();
    }
    Ok(format!(
        "{} secrets, tokens and assertions, in text and hex, are in none of {} files: dumps, logs and audit logs of {} kB",
        secrets.len(),
        files.len(),
        bytes / 1000
    ))
}

fn files(cluster: &Cluster) -> Result<Vec<PathBuf>> {
    let folder = cluster.folder.path();
    let dump = folder.join("postgres.sql");
    let text = cluster.postgres.dump();
    ensure!(text.contains(tenant::STRICT), "the dump of PostgreSQL has no refresh tokens");
    fs::write(&dump, text)?;
    let said = cluster.redis.ask("SAVE");
    ensure!(said.starts_with("+OK"), "Redis does not save its data: {said}");
    let snapshot = folder.join("dump.rdb");
    let buckets = fs::read(&snapshot).with_context(|| format!("{} cannot be read", snapshot.display()))?;
    ensure!(Windows::of(&[format!("locum:{}", tenant::DOMAIN)]).find(&buckets), "Redis has no buckets");
    let mut files = vec![dump, snapshot];
    for node in fs::read_dir(folder)? {
        let node = node?.path();
        files.extend(
            ["log", "audit.jsonl"].map(|name| node.join(name)).into_iter().filter(|file| file.exists()),
        );
    }
    Ok(files)
}

/// The end of each secret: tokens of one kind begin alike, and the end of a JWT is its signature.
struct Windows(HashSet<[u8; BYTES]>);

impl Windows {
    /// As they are, and in hexadecimal digits, as PostgreSQL shows bytes.
    fn of(secrets: &[String]) -> Self {
        let end = |bytes: &[u8]| bytes.last_chunk::<BYTES>().copied();
        let hex = |secret: &String| {
            secret
                .bytes()
                .rev()
                .take(BYTES / 2)
                .collect::<Vec<_>>()
                .iter()
                .rev()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        };
        let ends = secrets.iter().filter(|secret| secret.len() >= BYTES);
        Self(
            ends.flat_map(|secret| [end(secret.as_bytes()), end(hex(secret).as_bytes())]).flatten().collect(),
        )
    }

    fn find(&self, content: &[u8]) -> bool {
        content.array_windows::<BYTES>().any(|window| self.0.contains(window))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_as_it_is_and_in_hexadecimal_digits() {
        let secret = "lrt_0123456789abcdefghij".to_owned();
        let windows = Windows::of(std::slice::from_ref(&secret));
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(windows.find(format!("a {secret} b").as_bytes()) && windows.find(hex.as_bytes()));
        assert!(!windows.find(b"lrt_0123456789abcdefghiX lrt_0123456789abcdef"));
    }
}
