//! Items without their bodies, and without what callers cannot use.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens as _, quote};
use syn::{
    Attribute, Fields, FnArg, Ident, ImplItem, Item, ItemImpl, ItemMacro, ItemTrait, Pat, Signature,
    TraitItem, Visibility,
};

use crate::source::names::is_public;

/// Attributes that callers can notice. `cfg_attr` holds derives of some features.
const KEPT: [&str; 9] = [
    "cfg",
    "cfg_attr",
    "default",
    "deprecated",
    "derive",
    "macro_export",
    "must_use",
    "non_exhaustive",
    "repr",
];

/// A member that stands for the private ones until the text is formatted: comments are no tokens.
const PRIVATE: &str = "private_members: _,";
const PRIVATE_MARK: &str = "// and private members";

/// The attributes that are listed.
pub fn kept(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| is_kept(attribute)).collect()
}

fn is_kept(attribute: &Attribute) -> bool {
    let hidden = attribute.path().is_ident("doc")
        && attribute.meta.require_list().is_ok_and(|list| list.tokens.to_string() == "hidden");
    hidden || KEPT.iter().any(|name| attribute.path().is_ident(name))
}

/// The formatted listing with its marks in place, and without blanks where rustfmt leaves tokens as they are.
pub fn with_marks(formatted: &str) -> String {
    formatted.replace(PRIVATE, PRIVATE_MARK).replace("$ ", "$").replace(" :: ", "::")
}

/// The visibility of an item that has a name.
pub fn visibility(item: &Item) -> Option<&Visibility> {
    match item {
        Item::Const(item) => Some(&item.vis),
        Item::Enum(item) => Some(&item.vis),
        Item::Fn(item) => Some(&item.vis),
        Item::Static(item) => Some(&item.vis),
        Item::Struct(item) => Some(&item.vis),
        Item::Trait(item) => Some(&item.vis),
        Item::TraitAlias(item) => Some(&item.vis),
        Item::Type(item) => Some(&item.vis),
        Item::Union(item) => Some(&item.vis),
        _ => None,
    }
}

/// An item without its body.
pub fn item(item: &Item) -> TokenStream {
    match item.clone() {
        Item::Fn(function) => {
            let (attributes, signature) = (kept(&function.attrs), signature(&function.sig));
            quote!(#(#attributes)* pub #signature;)
        }
        Item::Struct(mut item) => {
            item.attrs.retain(is_kept);
            item.fields = public_fields(item.fields);
            item.into_token_stream()
        }
        Item::Enum(mut item) => {
            item.attrs.retain(is_kept);
            for variant in &mut item.variants {
                variant.attrs.retain(is_kept);
                variant.fields.iter_mut().for_each(|field| field.attrs.retain(is_kept));
            }
            item.into_token_stream()
        }
        Item::Trait(item) => trait_item(item),
        Item::Const(mut item) => {
            item.attrs.retain(is_kept);
            item.into_token_stream()
        }
        Item::Type(mut item) => {
            item.attrs.retain(is_kept);
            item.into_token_stream()
        }
        Item::Static(mut item) => {
            item.attrs.retain(is_kept);
            item.into_token_stream()
        }
        // Traits' aliases are unstable, and a union has no private parts to hide.
        other => other.into_token_stream(),
    }
}

/// A block without its bodies. Nothing, if it holds nothing public.
pub fn implementation(block: &ItemImpl) -> Option<TokenStream> {
    let of_trait = block.trait_.is_some();
    let members: Vec<TokenStream> = block
        .items
        .iter()
        .filter_map(|member| match member {
            ImplItem::Fn(function) if !of_trait && is_public(&function.vis) => {
                let (attributes, signature) = (kept(&function.attrs), signature(&function.sig));
                Some(quote!(#(#attributes)* pub #signature;))
            }
            ImplItem::Const(constant) if !of_trait && is_public(&constant.vis) => {
                let mut constant = constant.clone();
                constant.attrs.retain(is_kept);
                Some(constant.into_token_stream())
            }
            ImplItem::Type(associated) => Some(associated.to_token_stream()),
            _ => None,
        })
        .collect();
    if members.is_empty() && !of_trait {
        return None;
    }
    let mut header = block.clone();
    header.attrs.retain(is_kept);
    header.items.clear();
    let (attributes, safety, generics) = (&header.attrs, &header.unsafety, &header.generics);
    let (parameters, _, bounds) = generics.split_for_impl();
    let of = header.trait_.as_ref().map(|(path, _)| quote!(#path for));
    let for_type = &header.self_ty;
    Some(quote!(#(#attributes)* #safety impl #parameters #of #for_type #bounds { #(#members)* }))
}

/// A macro's patterns without what they expand to.
pub fn macro_rules(item: &ItemMacro) -> TokenStream {
    let attributes = kept(&item.attrs);
    let name = &item.ident;
    // Each rule is a pattern, an arrow, an expansion.
    let groups = item.mac.tokens.clone().into_iter().filter(|token| matches!(token, TokenTree::Group(_)));
    let patterns = groups.step_by(2);
    quote!(#(#attributes)* macro_rules! #name { #(#patterns => {};)* })
}

/// A signature as callers see it: whether a function may change what it was given is its own affair.
fn signature(signature: &Signature) -> Signature {
    let mut signature = signature.clone();
    for input in &mut signature.inputs {
        match input {
            FnArg::Receiver(receiver) => receiver.mutability = None,
            FnArg::Typed(argument) => {
                if let Pat::Ident(name) = &mut *argument.pat {
                    name.mutability = None;
                }
            }
        }
    }
    signature
}

/// Methods that an implementation may leave out have a body, which is empty here.
fn trait_item(mut item: ItemTrait) -> TokenStream {
    item.attrs.retain(is_kept);
    for member in &mut item.items {
        match member {
            TraitItem::Fn(function) => {
                function.attrs.retain(is_kept);
                if let Some(body) = &mut function.default {
                    body.stmts.clear();
                }
            }
            TraitItem::Const(constant) => constant.attrs.retain(is_kept),
            TraitItem::Type(associated) => associated.attrs.retain(is_kept),
            _ => {}
        }
    }
    item.into_token_stream()
}

fn public_fields(mut fields: Fields) -> Fields {
    fields.iter_mut().for_each(|field| field.attrs.retain(is_kept));
    match &mut fields {
        Fields::Named(named) => {
            let all = named.named.len();
            let mut public: Vec<_> =
                named.named.iter().filter(|field| is_public(&field.vis)).cloned().collect();
            if public.len() < all
                && let Some(mut private) = named.named.first().cloned()
            {
                private.attrs.clear();
                private.vis = Visibility::Inherited;
                private.ident = Some(Ident::new("private_members", proc_macro2::Span::call_site()));
                private.ty = syn::parse_quote!(_);
                public.push(private);
            }
            named.named = public.into_iter().collect();
        }
        Fields::Unnamed(unnamed) => {
            for field in unnamed.unnamed.iter_mut().filter(|field| !is_public(&field.vis)) {
                field.vis = Visibility::Inherited;
                field.ty = syn::parse_quote!(_);
            }
        }
        Fields::Unit => {}
    }
    fields
}
