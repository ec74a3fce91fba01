//! The fields of clients that no tenant file has, found out by the tenant file's own reader.

use std::collections::{BTreeMap, HashMap};

use locum_store::tenant_file::{self, References};
use locum_store::yaml_writer;

use crate::export::ExportedClient;
use crate::report::Counted;

/// The names of the fields that are dropped and that somebody may miss, each with the number of clients that have it.
pub(crate) fn dropped(clients: &[ExportedClient]) -> Vec<Counted> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for client in clients {
        for (field, _) in client.fields.iter().filter(|(_, value)| !value.is_null()) {
            *counts.entry(field).or_default() += 1;
        }
    }
    let mut known = HashMap::new();
    counts.retain(|field, _| !*known.entry(*field).or_insert_with(|| is_known(field)));
    counts.into_iter().map(|(field, count)| Counted { name: field.to_owned(), clients: count }).collect()
}

/// Whether a tenant file may have the field.
fn is_known(field: &str) -> bool {
    let text = format!("domain: example.com\nclients: [{{{}: null}}]\n", yaml_writer::quoted(field));
    let read = tenant_file::read(&text, "", &References::new(&|_| None, ""));
    let errors = read.err().map(|error| error.errors).unwrap_or_default();
    !errors.iter().any(|error| error.message.starts_with("unknown field"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_named_once_with_its_count_if_no_tenant_file_has_it() {
        let client = |fields: serde_json::Value| ExportedClient {
            file: String::new(),
            fields: fields.as_object().unwrap().clone(),
        };
        let clients = [
            client(json!({"client_id": "a", "new_feature": {}, "sso": true, "refresh_token": {}})),
            client(json!({"client_id": "b", "new_feature": 1, "logo_uri": "x", "other": null})),
        ];
        let found: Vec<_> =
            dropped(&clients).into_iter().map(|counted| (counted.name, counted.clients)).collect();
        assert_eq!(found, [("new_feature".to_owned(), 2)]);
    }
}
