//! No cycle between modules of one crate.
//!
//! The rule: among the modules that one module declares, none may depend on another that depends on it, directly or
//! by others. A module depends on another if its code, or that of a module below it, names it or something of it; a
//! name that is exported again counts for the module that declares it. A module and those below it may name each
//! other: `super::` is how a part knows its whole. What only tests compile does not count, nor do links in comments.

mod graph;
mod references;

use std::path::{Display, Path};

use anyhow::{Context, Result};

use crate::source::Module;
use crate::source::names::{self, Chain, Target};
use crate::tidy::cycles::graph::{Edge, Graph};
use crate::workspace::Workspace;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for package in &workspace.packages {
        for target in &package.targets {
            let root = Module::load(target.src_path.as_std_path())
                .with_context(|| format!("a target of {} cannot be parsed", package.name))?;
            faults.extend(cycles(&root, &workspace.root));
        }
    }
    Ok(faults)
}

/// The cycles of a crate, as faults; files are shown relative to `base`.
fn cycles(root: &Module, base: &Path) -> Vec<String> {
    let mut graph = Graph::default();
    let mut edges = Vec::new();
    add_edges(&vec![root], base, &mut edges);
    edges.into_iter().for_each(|edge| graph.add(edge));
    let name = shown(&root.file, base);
    graph.cycles().iter().map(|cycle| format!("{name}: {cycle}")).collect()
}

fn add_edges(chain: &Chain, base: &Path, edges: &mut Vec<Edge>) {
    let Some(module) = chain.last() else { return };
    for path in references::of(module) {
        let target = names::resolve(chain, &path);
        // A single name cannot lead into a module: where it is a module's, a variable is meant.
        if path.len() == 1 && matches!(target, Some(Target::Module(_))) {
            continue;
        }
        if let Some((parent, from, to)) = target.and_then(|target| siblings(chain, target.module())) {
            let witness = format!("{} names {}", shown(&module.file, base), path.join("::"));
            edges.push(Edge { parent, from, to, witness });
        }
    }
    for child in &module.children {
        add_edges(&chain.iter().copied().chain([child]).collect(), base, edges);
    }
}

fn shown<'p>(file: &'p Path, base: &Path) -> Display<'p> {
    file.strip_prefix(base).unwrap_or(file).display()
}

/// The path of the module under which the two ways part, and the names of the modules where they do. Nothing, if one
/// module is above the other.
fn siblings(from: &Chain, to: &Chain) -> Option<(String, String, String)> {
    let parted = from.iter().zip(to).position(|(from, to)| !std::ptr::eq(*from, *to))?;
    let parent = from.iter().take(parted).map(|module| module.name.as_str()).filter(|name| !name.is_empty());
    let parent = parent.fold("crate".to_owned(), |path, name| format!("{path}::{name}"));
    Some((parent, from.get(parted)?.name.clone(), to.get(parted)?.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::parse;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        cycles(&parse(files), Path::new("src"))
    }

    #[test]
    fn modules_in_order_are_no_cycle() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::b::B; use std::fmt;"),
            ("src/b.rs", "pub struct B; fn f() { super::c::g() }"),
            ("src/c.rs", "pub fn g() {}"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn two_modules_that_name_each_other_are_a_cycle() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use crate::b::B; pub struct A;"),
            ("src/b.rs", "pub struct B; fn f(a: super::a::A) {}"),
        ];
        assert_eq!(
            found(&files),
            ["lib.rs: crate::{a, b}: a → b (a.rs names crate::b::B), b → a (b.rs names super::a::A)"]
        );
    }

    #[test]
    fn a_cycle_by_way_of_a_third_module_is_found() {
        let files = [
            ("src/lib.rs", "mod a; mod b; mod c;"),
            ("src/a.rs", "use crate::b;"),
            ("src/b.rs", "use crate::c;"),
            ("src/c.rs", "use crate::a;"),
        ];
        assert_eq!(found(&files).len(), 1);
        assert!(found(&files)[0].contains("crate::{a, b, c}"));
    }

    #[test]
    fn a_part_and_its_whole_may_name_each_other() {
        let files = [
            ("src/lib.rs", "mod a; use a::part::Part;"),
            ("src/a.rs", "mod part; use part::Part; pub struct Whole;"),
            ("src/a/part.rs", "use super::Whole; use crate::a::Whole as Again; pub struct Part;"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_cycle_deep_in_the_tree_is_found_where_it_is() {
        let files = [
            ("src/lib.rs", "mod a;"),
            ("src/a.rs", "mod x; mod y;"),
            ("src/a/x.rs", "use crate::a::y::Y; pub struct X;"),
            ("src/a/y.rs", "pub struct Y; use super::x::X;"),
        ];
        assert_eq!(found(&files).len(), 1);
        assert!(found(&files)[0].starts_with("lib.rs: crate::a::{x, y}: "));
    }

    #[test]
    fn the_modules_below_count_for_the_module() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "mod deep; pub struct A;"),
            ("src/a/deep.rs", "use crate::b::B;"),
            ("src/b.rs", "pub struct B; use crate::a::A;"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn a_name_exported_again_counts_for_the_module_that_declares_it() {
        let files = [
            ("src/lib.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("src/a.rs", "pub struct A; fn f() -> crate::B { todo() }"),
            ("src/b.rs", "pub struct B(super::A);"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn a_name_that_a_glob_brings_counts_too() {
        let files = [
            ("src/lib.rs", "mod a; mod b; use a::A; use b::B;"),
            ("src/a.rs", "use super::*; pub struct A(B);"),
            ("src/b.rs", "use super::*; pub struct B(Box<A>);"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn names_in_macros_and_in_attributes_count() {
        let b = ("src/b.rs", "pub struct B; use crate::a::A;");
        let in_macro = ("src/a.rs", "pub struct A; fn f() { vec![(1, crate::b::B)]; }");
        assert_eq!(found(&[("src/lib.rs", "mod a; mod b;"), in_macro, b]).len(), 1);
        let in_attribute = ("src/a.rs", "#[serde(with = \"crate::b\")] pub struct A;");
        assert_eq!(found(&[("src/lib.rs", "mod a; mod b;"), in_attribute, b]).len(), 1);
    }

    #[test]
    fn what_only_tests_compile_and_comments_do_not_count() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            (
                "src/a.rs",
                "/// See [`crate::b::B`].\npub struct A; #[cfg(test)] mod tests { use crate::b::B; }",
            ),
            ("src/b.rs", "pub struct B; use crate::a::A;"),
        ];
        assert!(found(&files).is_empty());
    }

    #[test]
    fn a_variable_with_the_name_of_a_module_is_not_that_module() {
        let files = [
            ("src/lib.rs", "mod a; mod b;"),
            ("src/a.rs", "use super::*; pub struct A; fn f() { let b = 1; g(b) }"),
            ("src/b.rs", "use crate::a::A;"),
        ];
        assert!(found(&files).is_empty());
    }
}
