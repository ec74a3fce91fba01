//! Which crate may import which: cargo's own arrows against those of the code map.

use anyhow::Result;
use cargo_metadata::{DependencyKind, Package};

use crate::shell::{capture, cargo};
use crate::tidy::code_map::{self, MAP, Row};
use crate::workspace::Workspace;

/// The crate that performs no I/O, and what its tree must therefore never hold.
const ENGINE: &str = "locum-engine";
const NEVER_IN_THE_ENGINE: [&str; 8] =
    ["abi_stable", "axum", "hyper", "libloading", "reqwest", "rustls", "tokio", "tracing"];

/// The one crate that may depend on `abi_stable`.
const ABI: &str = "locum-abi";

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let map = code_map::read(workspace)?;
    let mut faults = Vec::new();
    for package in workspace.released() {
        // A crate that the map does not name is a fault of the check of that map.
        if let Some(row) = code_map::row_of(&map, workspace, package) {
            faults.extend(differences(package.name.as_str(), row, &imports(package)));
        }
    }
    faults.extend(engine_tree(workspace)?);
    let users =
        workspace.released().filter(|package| package.name != ABI && depends_on(package, "abi_stable"));
    faults.extend(users.map(|package| format!("{} depends on abi_stable; only {ABI} may", package.name)));
    Ok(faults)
}

/// Where what a crate imports differs from its row in the map.
fn differences(name: &str, row: &Row, imports: &[&str]) -> Vec<String> {
    let missing = imports.iter().filter(|import| !row.imports.iter().any(|named| named == *import)).map(|import| {
        format!("{name} imports {import}, and {MAP} has no such arrow; remove the import, or add the arrow there")
    });
    let stale = row.imports.iter().filter(|named| !imports.contains(&named.as_str())).map(|named| {
        format!("{MAP} has an arrow from {name} to {named}, and {name} does not import it; remove the arrow")
    });
    missing.chain(stale).collect()
}

/// What of ours a crate imports outside its tests.
fn imports(package: &Package) -> Vec<&str> {
    let normal = package.dependencies.iter().filter(|dependency| dependency.kind == DependencyKind::Normal);
    normal.filter(|dependency| dependency.path.is_some()).map(|dependency| dependency.name.as_str()).collect()
}

fn depends_on(package: &Package, name: &str) -> bool {
    package.dependencies.iter().any(|dependency| dependency.name == name)
}

fn engine_tree(workspace: &Workspace) -> Result<Vec<String>> {
    let mut tree = cargo();
    tree.args(["tree", "--package", ENGINE, "--edges", "normal", "--prefix", "none", "--format", "{p}"]);
    let text = String::from_utf8(capture(tree.current_dir(&workspace.root))?.stdout)?;
    let names = text.lines().filter_map(|line| line.split(' ').next());
    let mut found: Vec<&str> = names.filter(|name| NEVER_IN_THE_ENGINE.contains(name)).collect();
    found.sort_unstable();
    found.dedup();
    Ok(found.into_iter().map(|name| format!("{ENGINE}'s tree holds {name}; it performs no I/O")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differences_of(cell: &str, imports: &[&str]) -> Vec<String> {
        let map = code_map::parse(&format!("| `a` | A job. | {cell} |\n")).unwrap();
        differences("a", &map[0], imports)
    }

    #[test]
    fn imports_that_the_map_has_are_no_fault() {
        assert!(differences_of("`b`, `c`", &["c", "b"]).is_empty());
        assert!(differences_of("nothing", &[]).is_empty());
    }

    #[test]
    fn an_arrow_that_the_map_lacks_is_a_fault() {
        assert_eq!(
            differences_of("`b`", &["b", "c"]),
            [
                "a imports c, and crates/README.md has no such arrow; remove the import, or add the arrow there"
            ]
        );
    }

    #[test]
    fn an_arrow_that_only_the_map_has_is_a_fault() {
        assert_eq!(
            differences_of("`b`, `c`", &["b"]),
            ["crates/README.md has an arrow from a to c, and a does not import it; remove the arrow"]
        );
    }
}
