//! A tenant file taken apart into documents, and documents put together as a tenant file.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::TenantData;
use crate::documents::client_grants;
use crate::documents::document::{Document, InvalidDocument};
use crate::documents::json;
use crate::documents::kind::DocumentKind;
use crate::tenant_file::{
    self, FieldError, FieldErrors, Node, NodeValue, References, TenantFile, TenantFileError,
};
use crate::yaml_writer;

/// The documents of a tenant. Clients and users are in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantDocuments {
    /// The tenant's domain, in lower case.
    pub domain: String,
    /// The tenant without its clients and users.
    pub tenant: Document,
    /// The clients, each with its `client_id`.
    pub clients: Vec<(String, Document)>,
    /// The users, each with its `user_id`.
    pub users: Vec<(String, Document)>,
}

/// Takes a tenant file apart. The file is validated as [`tenant_file::read`] does, and returned beside its documents;
/// these have the members of the file in its order, with references resolved.
///
/// # Errors
/// All errors in the file. A client or user that is too large or nested too deep for a document is one.
pub fn from_tenant_file(
    text: &str,
    file: &str,
    references: &References<'_>,
) -> Result<(TenantDocuments, TenantFile), TenantFileError> {
    let (file, documents) = tenant_file::read_with(text, file, references, of_tree)?;
    Ok((documents, file))
}

/// The documents of a valid tenant file.
pub(super) fn of_tree(root: &Node, data: &TenantData) -> Result<TenantDocuments, FieldErrors> {
    let mut errors = FieldErrors::default();
    let clients = entries(DocumentKind::Client, root, ("clients", "client_id"), &mut errors);
    let users = entries(DocumentKind::User, root, ("users", "user_id"), &mut errors);
    let tenant = Document::of(DocumentKind::Tenant, root, &["clients", "users"])
        .map(|tenant| client_grants::by_id(tenant, data));
    let FieldErrors(mut errors) = errors;
    let tenant = tenant.map_err(|error| errors.push(error));
    match tenant {
        Ok(tenant) if errors.is_empty() => {
            Ok(TenantDocuments { domain: data.tenant.domain.clone(), tenant, clients, users })
        }
        _ => Err(FieldErrors(errors)),
    }
}

/// The documents of a list of the file, each with its id.
fn entries(
    kind: DocumentKind,
    root: &Node,
    (list, id_field): (&str, &str),
    errors: &mut FieldErrors,
) -> Vec<(String, Document)> {
    let Some(NodeValue::Sequence(entries)) = root.child(list).map(|entries| &entries.value) else {
        return Vec::new();
    };
    let mut documents = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        match (Document::of(kind, entry, &[]), entry.child(id_field).map(|id| &id.value)) {
            (Ok(document), Some(NodeValue::Text(id))) => documents.push((id.to_string(), document)),
            (Ok(_), _) => errors.add(format!("/{list}/{index}"), format!("write its {id_field} as a text")),
            (Err(error), _) => errors.add(format!("/{list}/{index}{}", error.pointer), error.message),
        }
    }
    documents
}

/// The tenant file of these documents, as YAML. No text in it is a reference: [`from_tenant_file`] gives the same
/// documents, if they are written as it writes them. It holds all secrets.
///
/// # Errors
/// The first text that is not a document, with its place in the file.
pub fn to_tenant_file(documents: &TenantDocuments) -> Result<Zeroizing<String>, InvalidDocument> {
    let TenantDocuments { domain: _, tenant, clients, users } = documents;
    let mut file = members(DocumentKind::Tenant, tenant, "")?;
    for (list, kind, entries) in
        [("clients", DocumentKind::Client, clients), ("users", DocumentKind::User, users)]
    {
        let entry = |(index, (_, document)): (usize, &(String, Document))| {
            members(kind, document, &format!("/{list}/{index}")).map(Value::Object)
        };
        let items: Vec<Value> = entries.iter().enumerate().map(entry).collect::<Result<_, _>>()?;
        if !items.is_empty() {
            file.insert(list.to_owned(), items.into());
        }
    }
    Ok(Zeroizing::new(yaml_writer::write(&file)))
}

/// The members of a document, without a text that would be a reference in a file. `at` is the place of the document.
fn members(kind: DocumentKind, document: &Document, at: &str) -> Result<Map<String, Value>, InvalidDocument> {
    let invalid = |message: String| InvalidDocument { errors: vec![FieldError::new(at, message)] };
    // Strictly first: otherwise the last of two members of one name would win.
    json::read(kind, document.expose()).map_err(|error| invalid(error.message))?;
    let mut members: Map<String, Value> =
        serde_json::from_str(document.expose()).map_err(|error| invalid(error.to_string()))?;
    members.values_mut().for_each(escape);
    Ok(members)
}

fn escape(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Some(escaped) = tenant_file::escaped(text) {
                *text = escaped;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(members) => members.values_mut().for_each(escape),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
