//! Every threat in `docs/threats.md` has a proof, and each proof is where the document says it is.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// The section of threats that nothing proves yet; it ends the document.
const UNPROVED: &str = "\n## Not yet";

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let folder = workspace.root.join("docs");
    let document = fs::read_to_string(folder.join("threats.md")).context("docs/threats.md cannot be read")?;
    let proved = document.split(UNPROVED).next().unwrap_or_default();
    if rows(proved).next().is_none() {
        bail!("docs/threats.md holds no row");
    }
    Ok(faults_in(proved, |path| fs::read_to_string(folder.join(path)).ok()))
}

/// What is wrong with the rows and links of a text; `file` reads a file by its path as the document writes it.
fn faults_in(text: &str, file: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let unproved = rows(text)
        .filter(|row| links(row).next().is_none())
        .map(|row| format!("docs/threats.md: a row without a proof: {row}"));
    let dead = text.lines().flat_map(links).filter_map(|link| link.fault(&file));
    unproved.chain(dead).collect()
}

/// The rows of all tables, without their heads.
fn rows(text: &str) -> impl Iterator<Item = &str> {
    let numbered = |row: &&str| row.trim_start_matches(['|', ' ']).starts_with(|c: char| c.is_ascii_digit());
    text.lines().filter(|line| line.starts_with('|')).filter(numbered)
}

/// A link: `[text](path)`.
struct Link<'d> {
    text: &'d str,
    path: &'d str,
}

fn links(line: &str) -> impl Iterator<Item = Link<'_>> {
    line.split("](").zip(line.split("](").skip(1)).filter_map(|(before, after)| {
        Some(Link { text: before.rsplit_once('[')?.1, path: after.split_once(')')?.0 })
    })
}

impl Link<'_> {
    /// A Rust file must hold the test, a fixture must be there, any other file must say the text.
    fn fault(&self, file: &impl Fn(&str) -> Option<String>) -> Option<String> {
        let Self { text, path } = self;
        let Some(content) = file(path) else {
            return Some(format!("docs/threats.md: there is no {path}; correct the link"));
        };
        let wanted = if path.ends_with(".rs") { format!("fn {text}(") } else { (*text).to_owned() };
        let holds = path.ends_with(".yaml") || content.contains(&wanted);
        (!holds).then(|| format!("docs/threats.md: {path} does not hold `{wanted}`; correct the link"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "| # | what | proof |\n|---|---|---|\n";

    fn faults(row: &str) -> Vec<String> {
        faults_in(&format!("{HEAD}{row}\n"), |path| match path {
            "../a.rs" => Some("#[test]\nfn it_is_refused() {}".to_owned()),
            "../a.yaml" => Some(String::new()),
            "../deny.toml" => Some("{ crate = \"rsa\" }".to_owned()),
            _ => None,
        })
    }

    #[test]
    fn a_row_with_existing_proofs_has_no_fault() {
        assert!(faults("| 1 | x | [it_is_refused](../a.rs), [a](../a.yaml) |").is_empty());
        assert!(faults("| 1 | x | [crate = \"rsa\"](../deny.toml) |").is_empty());
    }

    #[test]
    fn a_row_without_a_proof_is_a_fault() {
        assert_eq!(faults("| 1 | x | none |"), ["docs/threats.md: a row without a proof: | 1 | x | none |"]);
    }

    #[test]
    fn each_dead_link_is_a_fault() {
        let dead =
            faults("| 1 | x | [it_is](../a.rs), [it_is_refused](../b.rs), [crate = \"x\"](../deny.toml) |");
        assert_eq!(dead.len(), 3, "{dead:?}");
    }

    #[test]
    fn a_link_below_a_table_is_checked_too() {
        assert_eq!(faults("\nWhat does happen: [gone](../a.rs).").len(), 1);
    }
}
