//! What can be reached from outside a crate, as Rust without bodies.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{Ident, Item, ItemImpl, Type};

use crate::public_api::signatures;
use crate::source::Module;
use crate::source::names::{self, Chain, GLOB, Target, is_public};

/// The items below a crate's root, sorted by their names, modules last.
pub fn of(root: &Module) -> TokenStream {
    let listing = Listing { blocks: implementations(&vec![root]) };
    listing.module(&vec![root])
}

/// An `impl` block and where it is.
struct Block<'m> {
    chain: Chain<'m>,
    block: &'m ItemImpl,
}

struct Listing<'m> {
    blocks: Vec<Block<'m>>,
}

/// What is listed, with what it is sorted by.
type Entry = (String, TokenStream);

impl<'m> Listing<'m> {
    fn module(&self, chain: &Chain<'m>) -> TokenStream {
        let mut entries = Vec::new();
        self.add_entries(chain, &mut entries);
        entries.sort_by(|(left, _), (right, _)| left.cmp(right));
        entries.into_iter().map(|(_, tokens)| tokens).collect()
    }

    fn add_entries(&self, chain: &Chain<'m>, entries: &mut Vec<Entry>) {
        let Some(module) = chain.last() else { return };
        for item in &module.items {
            let public = signatures::visibility(item).is_some_and(is_public);
            if let (true, Some(name)) = (public, names::name_of(item)) {
                entries.push(self.item(chain, item, &name, &name));
            }
        }
        for (declaration, import) in names::imports_of(module) {
            if is_public(&declaration.vis) {
                self.add_export(chain, &import, &declaration.attrs, entries);
            }
        }
        for child in module.children.iter().filter(|child| is_public(&child.visibility)) {
            entries.push(self.child(&below(chain, child), &child.name));
        }
        // Exported macros are at the crate's root, wherever they are written.
        if chain.len() == 1 {
            add_macros(module, entries);
        }
    }

    fn child(&self, chain: &Chain<'m>, name: &str) -> Entry {
        let attributes = chain.last().map(|module| signatures::kept(&module.attributes)).unwrap_or_default();
        let ident = ident(name);
        let items = self.module(chain);
        (format!("3 {name}"), quote!(#(#attributes)* pub mod #ident { #items }))
    }

    /// `pub use`: what can be reached where it is declared, or is another crate's, is named; the rest is listed here.
    fn add_export(
        &self,
        chain: &Chain<'m>,
        import: &names::Import,
        attributes: &[syn::Attribute],
        entries: &mut Vec<Entry>,
    ) {
        let target = names::resolve(chain, &import.path);
        match &target {
            _ if self.is_reachable_as_written(chain, &import.path) => entries.push(named(import, attributes)),
            Some(Target::Module(of)) if import.name == GLOB && !is_reachable(of) => {
                self.add_entries(of, entries)
            }
            Some(Target::Module(of)) if import.name != GLOB && !is_reachable(of) => {
                entries.push(self.child(of, &import.name));
            }
            Some(Target::Item(of, name)) if !is_reachable(of) => {
                let declared = of.last().and_then(|module| {
                    module.items.iter().find(|item| names::name_of(item).as_ref() == Some(name))
                });
                match declared {
                    Some(item) => entries.push(self.item(of, item, name, &import.name)),
                    None => entries.push(named(import, attributes)),
                }
            }
            _ => entries.push(named(import, attributes)),
        }
    }

    /// Whether the path goes by way of another module that is public, such as `crate::Name` from a prelude.
    fn is_reachable_as_written(&self, chain: &Chain<'m>, path: &[String]) -> bool {
        let module = path.split_last().and_then(|(_, before)| names::resolve(chain, before));
        matches!(module, Some(Target::Module(of)) if is_reachable(&of) && !same(&of, chain))
    }

    /// An item as it is known, with what is implemented for it.
    fn item(&self, chain: &Chain<'m>, item: &Item, declared: &str, known: &str) -> Entry {
        let mut tokens = signatures::item(item);
        if declared != known {
            let (declared, known) = (ident(declared), ident(known));
            tokens.extend(quote!(pub use #declared as #known;));
        }
        let mut blocks: Vec<(String, TokenStream)> = self
            .blocks
            .iter()
            .filter(|block| block.is_of(chain, declared))
            .filter_map(|block| signatures::implementation(block.block))
            .map(|tokens| (tokens.to_string(), tokens))
            .collect();
        blocks.sort_by(|(left, _), (right, _)| left.cmp(right));
        tokens.extend(blocks.into_iter().map(|(_, tokens)| tokens));
        (format!("2 {known}"), tokens)
    }
}

impl Block<'_> {
    /// Whether it implements something for this item; or, for a type that is not of this crate, this trait.
    fn is_of(&self, chain: &Chain, name: &str) -> bool {
        let leads_there = |path: &syn::Path| {
            let path: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
            match names::resolve(&self.chain, &path) {
                Some(Target::Item(of, found)) => Some(found == name && same(&of, chain)),
                _ => None,
            }
        };
        let own = match &*self.block.self_ty {
            Type::Path(path) => leads_there(&path.path),
            _ => None,
        };
        own.unwrap_or_else(|| {
            self.block.trait_.as_ref().and_then(|(path, _)| leads_there(path)).unwrap_or_default()
        })
    }
}

fn implementations<'m>(chain: &Chain<'m>) -> Vec<Block<'m>> {
    let Some(module) = chain.last() else { return Vec::new() };
    let own = module.items.iter().filter_map(|item| match item {
        Item::Impl(block) => Some(Block { chain: chain.clone(), block }),
        _ => None,
    });
    let below = module.children.iter().flat_map(|child| implementations(&below(chain, child)));
    own.chain(below).collect()
}

fn below<'m>(chain: &Chain<'m>, child: &'m Module) -> Chain<'m> {
    chain.iter().copied().chain([child]).collect()
}

/// Whether every module on the way is public.
fn is_reachable(chain: &Chain) -> bool {
    chain.iter().skip(1).all(|module| is_public(&module.visibility))
}

fn same(left: &Chain, right: &Chain) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| std::ptr::eq(*left, *right))
}

fn named(import: &names::Import, attributes: &[syn::Attribute]) -> Entry {
    let attributes = signatures::kept(attributes);
    let path = import.path.join("::");
    let suffix = match import.name.as_str() {
        GLOB => "::*".to_owned(),
        name if import.path.last().is_some_and(|last| last == name) => String::new(),
        name => format!(" as {name}"),
    };
    let declaration: TokenStream = format!("pub use {path}{suffix};").parse().unwrap_or_default();
    (format!("1 {path}{suffix}"), quote!(#(#attributes)* #declaration))
}

fn add_macros(module: &Module, entries: &mut Vec<Entry>) {
    for item in &module.items {
        if let Item::Macro(item) = item
            && is_exported(item)
        {
            entries.push((format!("0 {}", item.ident.to_token_stream()), signatures::macro_rules(item)));
        }
    }
    module.children.iter().for_each(|child| add_macros(child, entries));
}

fn is_exported(item: &syn::ItemMacro) -> bool {
    item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"))
}

fn ident(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::call_site())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::tests::parse;

    fn assert_listed(files: &[(&str, &str)], expected: &str) {
        let expected: TokenStream = expected.parse().unwrap();
        assert_eq!(of(&parse(files)).to_string(), expected.to_string());
    }

    #[test]
    fn items_are_listed_by_name_without_bodies_and_comments() {
        assert_listed(
            &[(
                "lib.rs",
                "/// Doc.\n#[inline] pub fn z(mut a: u8) -> u8 { a }\n#[derive(Debug)] pub enum A { B }",
            )],
            "#[derive(Debug)] pub enum A { B } pub fn z(a: u8) -> u8;",
        );
    }

    #[test]
    fn private_items_and_members_are_left_out() {
        assert_listed(
            &[(
                "lib.rs",
                "fn f() {} pub(crate) struct S; pub struct T { pub a: u8, b: u8 } pub struct U(u8);",
            )],
            "pub struct T { pub a: u8, private_members: _ } pub struct U(_);",
        );
    }

    #[test]
    fn an_item_of_a_private_module_is_listed_where_it_is_exported() {
        let a = ("a.rs", "pub struct S; pub struct T; impl S { pub fn f(&self) {} fn g() {} }");
        assert_listed(&[("lib.rs", "mod a; pub use a::S;"), a], "pub struct S; impl S { pub fn f(&self); }");
        assert_listed(
            &[("lib.rs", "mod a; pub use a::*;"), a],
            "pub struct S; impl S { pub fn f(&self); } pub struct T;",
        );
        assert_listed(&[("lib.rs", "mod a; pub use a::T as V;"), a], "pub struct T; pub use T as V;");
    }

    #[test]
    fn what_has_a_path_of_its_own_is_only_named_again() {
        assert_listed(
            &[("lib.rs", "pub mod a; pub use a::S; pub use serde::Serialize;"), ("a.rs", "pub struct S;")],
            "pub use a::S; pub use serde::Serialize; pub mod a { pub struct S; }",
        );
        assert_listed(
            &[
                ("lib.rs", "mod a; pub use a::S; pub mod prelude { pub use crate::S; }"),
                ("a.rs", "pub struct S;"),
            ],
            "pub struct S; pub mod prelude { pub use crate::S; }",
        );
    }

    #[test]
    fn implementations_in_other_modules_are_found() {
        assert_listed(
            &[
                ("lib.rs", "mod b; pub struct S; pub trait T { fn f(&self) { g() } fn h(); }"),
                ("b.rs", "use crate::{S, T}; impl T for S { fn h() {} } impl T for u8 { fn h() {} }"),
            ],
            "pub struct S; impl T for S {} pub trait T { fn f(&self) {} fn h(); } impl T for u8 {}",
        );
    }

    #[test]
    fn an_exported_macro_is_listed_by_its_patterns() {
        assert_listed(
            &[
                ("lib.rs", "mod a;"),
                ("a.rs", "#[macro_export] macro_rules! m { ($a:ident) => { 1 }; () => { 2 } }"),
            ],
            "#[macro_export] macro_rules! m { ($a:ident) => {}; () => {}; }",
        );
    }
}
