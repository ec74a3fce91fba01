//! What a path means in a module: Rust's name resolution, as far as modules and `use` declarations go.

use syn::{Item, ItemUse, UseTree, Visibility};

use crate::source::Module;

/// A module by the way to it: the root first, itself last.
pub type Chain<'m> = Vec<&'m Module>;

/// The name of an import of everything, `use path::*`.
pub const GLOB: &str = "*";

/// Imports that lead to imports: above this depth they go in a circle.
const DEPTH_MAX: usize = 32;

/// One name that a `use` declaration brings.
#[derive(Debug)]
pub struct Import {
    /// As what it is known, or [`GLOB`].
    pub name: String,
    /// What it is; for a glob the module whose names it brings.
    pub path: Vec<String>,
}

/// What a path leads to.
pub enum Target<'m> {
    /// A module of the crate.
    Module(Chain<'m>),
    /// Something that a module of the crate declares, or imports from another crate: the module, and its name there.
    Item(Chain<'m>, String),
}

impl<'m> Target<'m> {
    /// The module that it is, or that declares it.
    pub fn module(&self) -> &Chain<'m> {
        match self {
            Self::Module(chain) | Self::Item(chain, _) => chain,
        }
    }
}

/// The names that a declaration brings, one by one.
pub fn imports(declaration: &ItemUse) -> Vec<Import> {
    let mut found = Vec::new();
    flatten(&declaration.tree, &mut Vec::new(), &mut found);
    found
}

/// The names that a module imports, each with its declaration.
pub fn imports_of(module: &Module) -> impl Iterator<Item = (&ItemUse, Import)> {
    let declarations = module.items.iter().filter_map(|item| match item {
        Item::Use(declaration) => Some(declaration),
        _ => None,
    });
    declarations
        .flat_map(|declaration| imports(declaration).into_iter().map(move |import| (declaration, import)))
}

/// What a path leads to, seen from the last module of `from`. Nothing, if it leads out of the crate.
pub fn resolve<'m>(from: &Chain<'m>, path: &[String]) -> Option<Target<'m>> {
    resolve_within(from, path, DEPTH_MAX)
}

/// The name of an item, if it has one that others can use.
pub fn name_of(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

/// Whether it is `pub` without a restriction.
pub fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

fn flatten(tree: &UseTree, before: &mut Vec<String>, found: &mut Vec<Import>) {
    match tree {
        UseTree::Path(path) => {
            before.push(path.ident.to_string());
            flatten(&path.tree, before, found);
            before.pop();
        }
        UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, found)),
        UseTree::Glob(_) => found.push(Import { name: GLOB.to_owned(), path: before.clone() }),
        UseTree::Name(name) => found.push(named(before, &name.ident.to_string(), None)),
        UseTree::Rename(rename) => {
            found.push(named(before, &rename.ident.to_string(), Some(rename.rename.to_string())));
        }
    }
}

/// `use before::name as renamed`; `self` stands for what is before it.
fn named(before: &[String], name: &str, renamed: Option<String>) -> Import {
    let mut path = before.to_vec();
    if name != "self" || path.is_empty() {
        path.push(name.to_owned());
    }
    let last = path.last().cloned().unwrap_or_default();
    Import { name: renamed.unwrap_or(last), path }
}

fn resolve_within<'m>(from: &Chain<'m>, path: &[String], depth: usize) -> Option<Target<'m>> {
    let (first, rest) = path.split_first()?;
    let mut target = match first.as_str() {
        "crate" => Target::Module(from.get(..1)?.to_vec()),
        "self" => Target::Module(from.clone()),
        "super" => Target::Module(above(from)?),
        name => lookup(from, name, depth)?,
    };
    for segment in rest {
        // What follows an item is its own: a variant, an associated function.
        let Target::Module(chain) = &target else { break };
        target = match segment.as_str() {
            "self" => continue,
            "super" => Target::Module(above(chain)?),
            name => {
                lookup(chain, name, depth).unwrap_or_else(|| Target::Item(chain.clone(), name.to_owned()))
            }
        };
    }
    Some(target)
}

fn above<'m>(chain: &Chain<'m>) -> Option<Chain<'m>> {
    let (_, above) = chain.split_last()?;
    (!above.is_empty()).then(|| above.to_vec())
}

/// What a name means in the last module of a chain.
fn lookup<'m>(chain: &Chain<'m>, name: &str, depth: usize) -> Option<Target<'m>> {
    let depth = depth.checked_sub(1)?;
    let module: &'m Module = chain.last()?;
    let itself = || Target::Item(chain.clone(), name.to_owned());
    if let Some(child) = module.child(name) {
        return Some(Target::Module(chain.iter().copied().chain([child]).collect()));
    }
    if module.items.iter().any(|item| name_of(item).as_deref() == Some(name)) {
        return Some(itself());
    }
    let imports: Vec<Import> = imports_of(module).map(|(_, import)| import).collect();
    // The name of another crate may be imported as itself: `use log;`.
    let imported = imports.iter().find(|import| import.name == name);
    if let Some(import) = imported {
        return resolve_within(chain, &import.path, depth).or_else(|| Some(itself()));
    }
    let globs = imports.iter().filter(|import| import.name == GLOB);
    globs.filter_map(|glob| resolve_within(chain, &glob.path, depth)).find_map(|target| match target {
        Target::Module(chain) => lookup(&chain, name, depth),
        Target::Item(..) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::parse;

    /// Where a path leads from the module `a`.
    fn from_a(root: &str, a: &str, path: &str) -> String {
        let files = [("lib.rs", root), ("a.rs", a), ("b.rs", "pub mod c; pub struct Inner;"), ("b/c.rs", "")];
        let root = parse(&files);
        let chain = vec![&root, root.child("a").unwrap()];
        let path: Vec<String> = path.split("::").map(str::to_owned).collect();
        match resolve(&chain, &path) {
            None => "outside".to_owned(),
            Some(Target::Module(chain)) => format!("module{}", joined(&chain)),
            Some(Target::Item(chain, name)) => format!("{name} of{}", joined(&chain)),
        }
    }

    fn joined(chain: &Chain) -> String {
        chain.iter().map(|module| format!(" {}", module.name)).collect()
    }

    const ROOT: &str = "mod a; mod b; pub use b::Inner as Outer; struct Own;";

    #[test]
    fn paths_lead_to_modules_and_items() {
        assert_eq!(from_a(ROOT, "", "crate::b::c"), "module  b c");
        assert_eq!(from_a(ROOT, "", "super::b::Inner::new"), "Inner of  b");
        assert_eq!(from_a(ROOT, "", "super::Own"), "Own of ");
        assert_eq!(from_a(ROOT, "", "self"), "module  a");
        assert_eq!(from_a(ROOT, "", "std::fmt"), "outside");
        assert_eq!(from_a(ROOT, "", "super::super::x"), "outside");
    }

    #[test]
    fn what_is_exported_again_belongs_to_its_module() {
        assert_eq!(from_a(ROOT, "", "crate::Outer"), "Inner of  b");
        assert_eq!(from_a("mod a; mod b; pub use b::*;", "", "crate::Inner"), "Inner of  b");
    }

    #[test]
    fn imported_names_lead_where_their_import_leads() {
        assert_eq!(from_a(ROOT, "use super::b::{self, c as d};", "b::Inner"), "Inner of  b");
        assert_eq!(from_a(ROOT, "use super::b::{self, c as d};", "d"), "module  b c");
        assert_eq!(from_a(ROOT, "use super::*;", "Outer"), "Inner of  b");
    }

    #[test]
    fn imports_in_a_circle_end() {
        assert!(from_a("mod a; mod b; pub use a::x;", "pub use super::x;", "x").starts_with("x of"));
    }
}
