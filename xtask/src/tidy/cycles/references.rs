//! The paths that the code of one module holds, without those of the modules below it.

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, ImplItemFn, ItemUse, Macro, Path};

use crate::source::{Module, names, only_for_tests};

/// Each path as its segments, as they are written.
pub fn of(module: &Module) -> Vec<Vec<String>> {
    let mut found = References(Vec::new());
    for item in &module.items {
        found.visit_item(item);
    }
    found.0
}

struct References(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for References {
    fn visit_item_use(&mut self, declaration: &'ast ItemUse) {
        self.0.extend(names::imports(declaration).into_iter().map(|import| import.path));
    }

    fn visit_path(&mut self, path: &'ast Path) {
        if path.leading_colon.is_none() {
            self.0.push(segments(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        self.visit_path(&called.path);
        self.add_tokens(called.tokens.clone());
    }

    /// An attribute holds paths as tokens, and as texts: `#[serde(with = "crate::time")]`.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        if !only_for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }
}

impl References {
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path = Vec::new();
        // The punctuation since the last other token.
        let mut between = String::new();
        for token in tokens {
            if let TokenTree::Punct(punct) = &token {
                between.push(punct.as_char());
                continue;
            }
            if between != "::" {
                self.add(&mut path);
            }
            match token {
                // What follows a dot is a member.
                TokenTree::Ident(ident) if !between.ends_with('.') => path.push(ident.to_string()),
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Literal(literal) => self.add_text(&literal.to_string()),
                _ => {}
            }
            between.clear();
        }
        self.add(&mut path);
    }

    fn add(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.0.push(std::mem::take(path));
        }
    }

    fn add_text(&mut self, literal: &str) {
        let text = literal.trim_matches('"');
        if text.starts_with("crate::") || text.starts_with("super::") {
            self.0.extend(syn::parse_str::<Path>(text).ok().as_ref().map(segments));
        }
    }
}

fn segments(path: &Path) -> Vec<String> {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}
