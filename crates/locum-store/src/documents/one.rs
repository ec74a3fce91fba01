//! Reads one document alone, by the checks of tenant files. References are not resolved.

use locum_engine::model::{Client, Tenant, User};

use crate::documents::document::InvalidDocument;
use crate::documents::json;
use crate::documents::kind::DocumentKind;
use crate::tenant_file::{FieldError, Node, NodeValue, alone};

/// The fields that the document of a client may have; with any other it cannot be used.
pub const CLIENT_FIELDS: &[&str] = alone::CLIENT_FIELDS;

/// The tenant of a document, without clients and users, and whether it is the default.
///
/// # Errors
/// All errors in the document; another domain in it is one.
pub fn tenant(domain: &str, json: &str) -> Result<(Tenant, bool), InvalidDocument> {
    read(DocumentKind::Tenant, json, |node| {
        let mut errors = other_identity(node, "domain", domain, str::eq_ignore_ascii_case);
        for (name, what) in [("clients", "client"), ("users", "user")] {
            if node.child(name).is_some() {
                let message = format!("each {what} has a document of its own; remove the field");
                errors.push(FieldError::new(format!("/{name}"), message));
            }
        }
        (alone::tenant(node), errors)
    })
}

/// The client of a document of this tenant. It is not compared with other clients.
///
/// # Errors
/// All errors in the document; another `client_id` in it is one.
pub fn client(client_id: &str, json: &str, tenant: &Tenant) -> Result<Client, InvalidDocument> {
    read(DocumentKind::Client, json, |node| {
        (alone::client(node, tenant), other_identity(node, "client_id", client_id, str::eq))
    })
}

/// The user of a document.
///
/// # Errors
/// All errors in the document; another `user_id` in it is one.
pub fn user(user_id: &str, json: &str) -> Result<User, InvalidDocument> {
    let read = read(DocumentKind::User, json, |node| {
        (alone::user(node), other_identity(node, "user_id", user_id, str::eq))
    });
    read.map(|(_, user)| user)
}

fn read<T>(
    kind: DocumentKind,
    json: &str,
    read: impl FnOnce(&Node) -> (Result<T, Vec<FieldError>>, Vec<FieldError>),
) -> Result<T, InvalidDocument> {
    let node = json::read(kind, json).map_err(|error| InvalidDocument { errors: vec![error] })?;
    let (read, further) = read(&node);
    match read {
        Ok(read) if further.is_empty() => Ok(read),
        Ok(_) => Err(InvalidDocument { errors: further }),
        Err(mut errors) => {
            errors.extend(further);
            Err(InvalidDocument { errors })
        }
    }
}

/// The error of a document that belongs elsewhere. One that does not say where it belongs has another error.
fn other_identity(
    node: &Node,
    field: &str,
    expected: &str,
    is_same: impl Fn(&str, &str) -> bool,
) -> Vec<FieldError> {
    match node.child(field).map(|stated| &stated.value) {
        Some(NodeValue::Text(stated)) if !stated.is_empty() && !is_same(stated, expected) => {
            let message = format!("the document is stored under another {field}; write `{expected}`");
            vec![FieldError::new(format!("/{field}"), message)]
        }
        _ => Vec::new(),
    }
}
