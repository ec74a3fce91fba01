//! The line and column of a value, found by its JSON pointer, for errors that are found after parsing.

use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::tenant_file::yaml;

/// A YAML value reduced to where its members are.
enum Node {
    Mapping(HashMap<String, Spanned<Node>>),
    Sequence(Vec<Spanned<Node>>),
    Scalar,
}

/// Line and column, counted from one, of the value at a JSON pointer; of the nearest value around it if it is absent.
pub(super) fn of_pointer(text: &str, pointer: &str) -> Option<(u64, u64)> {
    let mut node: Spanned<Node> = yaml::parse(text).ok()?;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        let member = match &mut node.value {
            Node::Mapping(members) => members.remove(&name),
            Node::Sequence(items) => {
                name.parse().ok().filter(|index| *index < items.len()).map(|index| items.swap_remove(index))
            }
            Node::Scalar => None,
        };
        match member {
            Some(member) => node = member,
            None => break,
        }
    }
    Some((node.referenced.line(), node.referenced.column()))
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = HashMap::new();
        while let Some((name, value)) = map.next_entry()? {
            members.insert(name, value);
        }
        Ok(Node::Mapping(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Node::Sequence(items))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Node, E> {
        Ok(Node::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_line_and_column_of_its_value() {
        let text = "domain: a\nclients:\n  - client_id: x\n  - client_id: y\n    a/b: {c: [1.5, true, null, ~, 99999999999999999999, 'x']}\n";
        assert_eq!(of_pointer(text, "/domain"), Some((1, 9)));
        assert_eq!(of_pointer(text, "/clients/1/client_id"), Some((4, 16)));
        assert_eq!(of_pointer(text, "/clients/1/a~1b/c/2"), Some((5, 26)));
    }

    #[test]
    fn an_absent_value_has_the_position_of_the_value_around_it() {
        assert_eq!(of_pointer("a:\n  b: 1\n", "/a/c/d"), of_pointer("a:\n  b: 1\n", "/a"));
        assert_eq!(of_pointer("a: [1]\n", "/a/7"), Some((1, 4)));
    }
}
