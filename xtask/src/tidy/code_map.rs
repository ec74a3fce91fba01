//! The code map names every crate with the sentence of its `Cargo.toml`, and none that is gone.
//!
//! Its table is the one place that says which crate may import which. A row holds the crate, its job, and what of ours
//! it imports: names in backticks, or `nothing`. One row stands for all plugins, so that a new plugin needs none.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::Package;

use crate::workspace::Workspace;

pub const MAP: &str = "crates/README.md";

/// The row of all plugins.
const PLUGINS: &str = "plugins/*";

/// A crate as the map describes it.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    name: String,
    job: String,
    /// What of ours it imports outside its tests.
    pub imports: Vec<String>,
}

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let map = read(workspace)?;
    let mut faults = Vec::new();
    for package in workspace.released() {
        let name = &package.name;
        let Some(description) = &package.description else {
            faults.push(format!("{name} has no description in its Cargo.toml"));
            continue;
        };
        match row_of(&map, workspace, package) {
            None => faults.push(format!("{MAP} has no row for `{name}`: {description}")),
            Some(row) if row.name != PLUGINS && row.job != *description => {
                faults.push(format!(
                    "{MAP} says another sentence of `{name}` than its Cargo.toml: {description}"
                ));
            }
            Some(_) => {}
        }
        faults.extend(first_line(package, description));
    }
    faults.extend(gone(&map, |name| name == PLUGINS || workspace.packages.iter().any(|p| p.name == name)));
    Ok(faults)
}

/// Reads the map of a checkout.
pub fn read(workspace: &Workspace) -> Result<Vec<Row>> {
    let text =
        fs::read_to_string(workspace.root.join(MAP)).with_context(|| format!("{MAP} cannot be read"))?;
    parse(&text)
}

/// The row that describes a package.
pub fn row_of<'m>(map: &'m [Row], workspace: &Workspace, package: &Package) -> Option<&'m Row> {
    let name = if workspace.is_plugin(package) { PLUGINS } else { package.name.as_str() };
    map.iter().find(|row| row.name == name)
}

/// The rows of the table: the lines that begin with a name in backticks.
pub fn parse(text: &str) -> Result<Vec<Row>> {
    let rows: Vec<Row> =
        text.lines().filter(|line| line.starts_with("| `")).map(parse_row).collect::<Result<_>>()?;
    ensure!(!rows.is_empty(), "{MAP} holds no table of crates");
    Ok(rows)
}

fn parse_row(line: &str) -> Result<Row> {
    let cells: Vec<&str> = line.trim_matches([' ', '|']).split('|').map(str::trim).collect();
    let [name, job, imports] = cells[..] else {
        bail!("{MAP}: a row must hold a crate, its job and its imports: {line}");
    };
    let unquoted = |cell: &str| -> Result<String> {
        let name = cell.strip_prefix('`').and_then(|cell| cell.strip_suffix('`'));
        Ok(name
            .with_context(|| format!("{MAP}: write `{cell}` in backticks, or `nothing`: {line}"))?
            .to_owned())
    };
    let imports = match imports {
        "nothing" => Vec::new(),
        names => names.split(", ").map(unquoted).collect::<Result<_>>()?,
    };
    Ok(Row { name: unquoted(name)?, job: job.to_owned(), imports })
}

fn gone(map: &[Row], is_there: impl Fn(&str) -> bool) -> Vec<String> {
    let gone = map.iter().filter(|row| !is_there(&row.name));
    gone.map(|row| format!("{MAP} names `{}`, which is gone", row.name)).collect()
}

/// The first line of the crate's source is the same sentence.
fn first_line(package: &Package, description: &str) -> Option<String> {
    let source = package.manifest_path.as_std_path().parent()?.join("src");
    let read = |file: &str| fs::read_to_string(Path::join(&source, file));
    let text = read("lib.rs").or_else(|_| read("main.rs")).ok()?;
    let first = text.lines().next().unwrap_or_default();
    (first != format!("//! {description}"))
        .then(|| format!("{}: the first line of its source is not `//! {description}`", package.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "# Map\n\n| crate | job | imports |\n|---|---|---|\n| `a` | Does a. | nothing |\n\
                         | `b` | Does b; more. | `a`, `c` |\n\ntext\n";

    #[test]
    fn the_table_is_read_row_by_row() {
        let row = |name: &str, job: &str, imports: &[&str]| Row {
            name: name.into(),
            job: job.into(),
            imports: imports.iter().map(|&import| import.into()).collect(),
        };
        assert_eq!(parse(TABLE).unwrap(), [row("a", "Does a.", &[]), row("b", "Does b; more.", &["a", "c"])]);
    }

    #[test]
    fn a_row_that_cannot_be_read_is_an_error() {
        assert!(parse("| `a` | Does a. |\n").is_err());
        assert!(parse("| `a` | Does a. | all above |\n").is_err());
        assert!(parse("No table.\n").is_err());
    }

    #[test]
    fn a_crate_that_is_gone_is_a_fault() {
        let map = parse(TABLE).unwrap();
        assert_eq!(gone(&map, |name| name == "a"), ["crates/README.md names `b`, which is gone"]);
        assert!(gone(&map, |_| true).is_empty());
    }
}
