//! The source of a crate as a tree of modules, parsed.

pub mod names;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta, Visibility};

/// A module and what it declares. What only tests compile (`#[cfg(test)]`) is left out.
pub struct Module {
    /// Empty for the root.
    pub name: String,
    pub visibility: Visibility,
    pub attributes: Vec<Attribute>,
    /// The file that holds it.
    pub file: PathBuf,
    /// Its items, apart from the modules.
    pub items: Vec<Item>,
    /// The modules that it declares, in order.
    pub children: Vec<Module>,
}

impl Module {
    /// Reads a crate from its root file, such as `src/lib.rs`.
    pub fn load(root: &Path) -> Result<Self> {
        let read = |path: &Path| {
            fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
        };
        Self::parse(root, &read)
    }

    /// As [`Module::load`], with files from `read`.
    pub fn parse(root: &Path, read: &dyn Fn(&Path) -> Result<String>) -> Result<Self> {
        let folder = root.parent().context("the root file of a crate is in a folder")?;
        let place = Place { file: root.to_owned(), modules: folder.to_owned() };
        let module = Self {
            name: String::new(),
            visibility: Visibility::Inherited,
            attributes: Vec::new(),
            file: PathBuf::new(),
            items: Vec::new(),
            children: Vec::new(),
        };
        module.with_items(file_items(root, read)?, &place, read)
    }

    /// The child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    fn with_items(
        mut self,
        items: Vec<Item>,
        place: &Place,
        read: &dyn Fn(&Path) -> Result<String>,
    ) -> Result<Self> {
        self.file.clone_from(&place.file);
        for item in items {
            match item {
                Item::Mod(module) if only_for_tests(&module.attrs) => {}
                Item::Mod(module) => self.children.push(declared(module, place, read)?),
                item if only_for_tests(attributes(&item)) => {}
                item => self.items.push(item),
            }
        }
        Ok(self)
    }
}

/// Where a module is: its file, and the folder in which its `mod name;` look for files.
struct Place {
    file: PathBuf,
    modules: PathBuf,
}

fn declared(module: ItemMod, place: &Place, read: &dyn Fn(&Path) -> Result<String>) -> Result<Module> {
    let name = module.ident.to_string();
    let folder = place.modules.join(&name);
    let path = value_of(&module.attrs, "path");
    let (items, place) = match (module.content, path) {
        (Some((_, items)), _) => (items, Place { file: place.file.clone(), modules: folder }),
        (None, Some(path)) => {
            let beside = place.file.parent().unwrap_or(Path::new(""));
            let file = beside.join(path);
            let modules = file.parent().unwrap_or(beside).to_owned();
            (file_items(&file, read)?, Place { file, modules })
        }
        (None, None) => {
            let candidates = [folder.with_extension("rs"), folder.join("mod.rs")];
            let Some(file) = candidates.into_iter().find(|file| read(file).is_ok()) else {
                bail!("{}: the module `{name}` has no file", place.file.display());
            };
            (file_items(&file, read)?, Place { file, modules: folder })
        }
    };
    let module = Module {
        name,
        visibility: module.vis,
        attributes: module.attrs,
        file: PathBuf::new(),
        items: Vec::new(),
        children: Vec::new(),
    };
    module.with_items(items, &place, read)
}

fn file_items(file: &Path, read: &dyn Fn(&Path) -> Result<String>) -> Result<Vec<Item>> {
    let parsed = syn::parse_file(&read(file)?).with_context(|| format!("{} is not Rust", file.display()))?;
    Ok(parsed.items)
}

/// Whether it holds `#[cfg(test)]`.
pub fn only_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "test")
    })
}

/// The text of `#[name = "text"]`.
fn value_of(attributes: &[Attribute], name: &str) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident(name) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

/// The attributes of an item.
pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::ForeignMod(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Parses a crate whose files are given by path and text; the first is the root.
    pub(crate) fn parse(files: &[(&str, &str)]) -> Module {
        let read = |path: &Path| {
            let found = files.iter().find(|(name, _)| Path::new(name) == path);
            found.map(|(_, text)| (*text).to_owned()).context("no such file")
        };
        Module::parse(Path::new(files[0].0), &read).unwrap()
    }

    fn names(module: &Module) -> Vec<String> {
        module.children.iter().map(|child| format!("{} in {}", child.name, child.file.display())).collect()
    }

    #[test]
    fn modules_are_found_where_rust_finds_them() {
        let root = parse(&[
            ("src/lib.rs", "mod a; mod b; mod c { mod d; } #[path = \"../other/e.rs\"] mod e;"),
            ("src/a.rs", "mod f;"),
            ("src/a/f.rs", ""),
            ("src/b/mod.rs", ""),
            ("src/c/d.rs", ""),
            ("src/../other/e.rs", ""),
        ]);
        assert_eq!(
            names(&root),
            ["a in src/a.rs", "b in src/b/mod.rs", "c in src/lib.rs", "e in src/../other/e.rs"]
        );
        assert_eq!(names(&root.children[0]), ["f in src/a/f.rs"]);
        assert_eq!(names(&root.children[2]), ["d in src/c/d.rs"]);
    }

    #[test]
    fn what_only_tests_compile_is_left_out() {
        let root = parse(&[("src/lib.rs", "#[cfg(test)] mod tests; #[cfg(test)] use a::b; fn c() {}")]);
        assert_eq!((root.children.len(), root.items.len()), (0, 1));
    }

    #[test]
    fn a_module_without_a_file_is_an_error() {
        let read = |path: &Path| match path.to_str() {
            Some("src/lib.rs") => Ok("mod a;".to_owned()),
            _ => bail!("no such file"),
        };
        assert!(Module::parse(Path::new("src/lib.rs"), &read).is_err());
    }
}
