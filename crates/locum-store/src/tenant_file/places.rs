//! Where the fields of a tenant file are, without their values.

use std::collections::HashMap;
use std::fmt;

use crate::tenant_file::finding::Finding;
use crate::tenant_file::node::{Node, NodeValue};

/// The lines of a tenant file's fields. Values are not kept: many are secrets.
pub struct Places {
    file: String,
    root: Node,
    /// The index of each client in the file, by id.
    clients: HashMap<String, usize>,
}

impl Places {
    pub(super) fn new(file: &str, mut root: Node) -> Self {
        let mut indices = HashMap::new();
        if let NodeValue::Mapping(members) = &mut root.value {
            // Nothing is found out about users later, and there may be many.
            members.retain(|member| member.name != "users");
        }
        if let Some(NodeValue::Sequence(clients)) = root.child("clients").map(|clients| &clients.value) {
            for (index, client) in clients.iter().enumerate() {
                if let Some(NodeValue::Text(id)) = client.child("client_id").map(|id| &id.value) {
                    indices.entry(id.to_string()).or_insert(index);
                }
            }
        }
        root.forget_values();
        Self { file: file.to_owned(), root, clients: indices }
    }

    /// A finding at a field of the file, by its JSON pointer.
    pub fn at(&self, pointer: impl Into<String>, message: impl Into<String>) -> Finding {
        let pointer = pointer.into();
        Finding {
            file: self.file.clone(),
            position: Some(self.root.position_of(&pointer)),
            pointer: Some(pointer),
            message: message.into(),
        }
    }

    /// The JSON pointer of a client. If no client has this id, that of the whole file.
    pub fn client(&self, client_id: &str) -> String {
        self.clients.get(client_id).map(|index| format!("/clients/{index}")).unwrap_or_default()
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("file", &self.file).finish_non_exhaustive()
    }
}
