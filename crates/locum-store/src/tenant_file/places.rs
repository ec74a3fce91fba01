//! Where the fields of a tenant file are, without their values.

use std::collections::HashMap;
use std::fmt;

use crate::tenant_file::finding::Finding;
use crate::tenant_file::node::{Node, NodeValue, Position};

/// The lines of a tenant file's fields. Values are not kept: many are secrets.
pub struct Places {
    file: String,
    root: Place,
    /// The index of each name in `Field::name`. A file has few different ones.
    names: HashMap<String, u32>,
    /// The index of each client in the file, by id.
    clients: HashMap<String, usize>,
}

/// The place of a value, and of the values in it. It is small: all files' are kept until all tenants are prepared.
struct Place {
    /// Line and column, at most `u32::MAX`.
    position: (u32, u32),
    inner: Inner,
}

enum Inner {
    Nothing,
    Items(Box<[Place]>),
    Fields(Box<[Field]>),
}

struct Field {
    name: u32,
    place: Place,
}

impl Places {
    /// `root` is taken, so that its texts are overwritten.
    pub(super) fn new(file: &str, mut root: Node) -> Self {
        let mut clients = HashMap::new();
        if let NodeValue::Mapping(members) = &mut root.value {
            // Nothing is found out about users later, and there may be many.
            members.retain(|member| member.name != "users");
        }
        if let Some(NodeValue::Sequence(entries)) = root.child("clients").map(|clients| &clients.value) {
            for (index, client) in entries.iter().enumerate() {
                if let Some(NodeValue::Text(id)) = client.child("client_id").map(|id| &id.value) {
                    clients.entry(id.to_string()).or_insert(index);
                }
            }
        }
        let mut names = HashMap::new();
        let root = Place::of(root, &mut names);
        Self { file: file.to_owned(), root, names, clients }
    }

    /// A finding at a field of the file, by its JSON pointer.
    pub fn at(&self, pointer: impl Into<String>, message: impl Into<String>) -> Finding {
        let pointer = pointer.into();
        Finding {
            file: self.file.clone(),
            position: Some(self.position_of(&pointer)),
            pointer: Some(pointer),
            message: message.into(),
        }
    }

    /// The JSON pointer of a client. If no client has this id, that of the whole file.
    pub fn client(&self, client_id: &str) -> String {
        self.clients.get(client_id).map(|index| format!("/clients/{index}")).unwrap_or_default()
    }

    /// As [`Node::position_of`].
    fn position_of(&self, pointer: &str) -> Position {
        let mut place = &self.root;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match self.inside(place, &name) {
                Some(inner) => place = inner,
                None => break,
            }
        }
        (place.position.0.into(), place.position.1.into())
    }

    /// The place of a field's value, or of the item with this number.
    fn inside<'a>(&self, place: &'a Place, name: &str) -> Option<&'a Place> {
        match &place.inner {
            Inner::Nothing => None,
            Inner::Items(items) => items.get(name.parse::<usize>().ok()?),
            Inner::Fields(fields) => {
                let name = *self.names.get(name)?;
                fields.iter().find(|field| field.name == name).map(|field| &field.place)
            }
        }
    }
}

impl Place {
    fn of(node: Node, names: &mut HashMap<String, u32>) -> Self {
        let (line, column) = node.position;
        let at_most = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        let inner = match node.value {
            NodeValue::Sequence(items) => {
                Inner::Items(items.into_iter().map(|item| Self::of(item, names)).collect())
            }
            NodeValue::Mapping(members) => {
                let mut field = |name, node| {
                    let next = at_most(names.len() as u64);
                    let name = *names.entry(name).or_insert(next);
                    Field { name, place: Self::of(node, names) }
                };
                Inner::Fields(members.into_iter().map(|member| field(member.name, member.node)).collect())
            }
            NodeValue::Null
            | NodeValue::Bool(_)
            | NodeValue::Unsigned(_)
            | NodeValue::Signed(_)
            | NodeValue::Float(_)
            | NodeValue::Text(_) => Inner::Nothing,
        };
        Self { position: (at_most(line), at_most(column)), inner }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("file", &self.file).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant_file::yaml;

    #[test]
    fn a_field_has_the_position_that_its_value_had() {
        let text = "domain: a\nclients:\n  - client_id: one\n    b: [1, {c: hunter2}]\n  - client_id: two\n    a/b~c: {b: 1}\n";
        let parsed = || yaml::parse::<Node>(text).unwrap();
        let (node, places) = (parsed(), Places::new("tenant.yaml", parsed()));
        for pointer in [
            "",
            "/domain",
            "/clients",
            "/clients/0/b/1/c",
            "/clients/1",
            "/clients/1/a~1b~0c/b",
            "/clients/1/a~1b~0c/absent",
            "/clients/7",
            "/domain/b",
        ] {
            assert_eq!(places.at(pointer, "").position, Some(node.position_of(pointer)), "{pointer}");
        }
        assert_eq!(places.client("two"), "/clients/1");
        assert_eq!(places.client("three"), "");
    }
}
