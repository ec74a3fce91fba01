//! A YAML document as a tree that knows the line and column of each key and value.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;
use zeroize::Zeroizing;

/// Line and column, counted from one.
pub(crate) type Position = (u64, u64);

/// A value and where it is.
pub(crate) struct Node {
    pub(crate) position: Position,
    pub(crate) value: NodeValue,
}

/// The value of a node. Texts are overwritten when they are dropped: each may be a secret.
pub(crate) enum NodeValue {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Zeroizing<String>),
    Sequence(Vec<Node>),
    Mapping(Vec<Member>),
}

/// A key of a mapping with its value.
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) name_position: Position,
    pub(crate) node: Node,
}

/// Which node it is, among those of its tree.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct NodeId(usize);

impl Node {
    /// It stays the same as long as the tree's shape is not changed.
    pub(super) fn id(&self) -> NodeId {
        NodeId(std::ptr::from_ref(self).addr())
    }

    /// The position of the value at a JSON pointer; of the nearest value around it if it is absent.
    pub(super) fn position_of(&self, pointer: &str) -> Position {
        let mut node = self;
        for name in pointer.split('/').skip(1) {
            let name = name.replace("~1", "/").replace("~0", "~");
            match node.child(&name) {
                Some(child) => node = child,
                None => break,
            }
        }
        node.position
    }

    /// The value of a key, or the item with this number.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        match &self.value {
            NodeValue::Mapping(members) => {
                members.iter().find(|member| member.name == name).map(|member| &member.node)
            }
            NodeValue::Sequence(items) => items.get(name.parse::<usize>().ok()?),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value, referenced, .. } = Spanned::deserialize(deserializer)?;
        Ok(Self { position: (referenced.line(), referenced.column()), value })
    }
}

impl<'de> Deserialize<'de> for NodeValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = NodeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeValue, A::Error> {
        let mut members = Vec::new();
        while let Some((name, node)) = map.next_entry::<Spanned<String>, Node>()? {
            let name_position = (name.referenced.line(), name.referenced.column());
            members.push(Member { name: name.value, name_position, node });
        }
        Ok(NodeValue::Mapping(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NodeValue, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(NodeValue::Sequence(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(u64::try_from(value).map_or(NodeValue::Signed(value), NodeValue::Unsigned))
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<NodeValue, E> {
        Err(E::custom(NUMBER_TOO_LARGE))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeValue, E> {
        Ok(NodeValue::Unsigned(value))
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<NodeValue, E> {
        Err(E::custom(NUMBER_TOO_LARGE))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<NodeValue, E> {
        if value.is_finite() { Ok(NodeValue::Float(value)) } else { Err(E::custom(NUMBER_TOO_LARGE)) }
    }

    fn visit_str<E>(self, text: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(Zeroizing::new(text)))
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }

    fn visit_none<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }
}

const NUMBER_TOO_LARGE: &str = "the number is too large or is not a number; put it in quotes if it is a text";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tenant_file::yaml;

    fn position_of(text: &str, pointer: &str) -> Position {
        yaml::parse::<Node>(text).unwrap().position_of(pointer)
    }

    #[test]
    fn a_pointer_leads_to_the_line_and_column_of_its_value() {
        let text = "domain: a\nclients:\n  - client_id: x\n  - client_id: y\n    a/b: {c: [1.5, true, null, ~, 9999999999999999999, 'x']}\n";
        assert_eq!(position_of(text, "/domain"), (1, 9));
        assert_eq!(position_of(text, "/clients/1/client_id"), (4, 16));
        assert_eq!(position_of(text, "/clients/1/a~1b/c/2"), (5, 26));
    }

    #[test]
    fn an_absent_value_has_the_position_of_the_value_around_it() {
        assert_eq!(position_of("a:\n  b: 1\n", "/a/c/d"), position_of("a:\n  b: 1\n", "/a"));
        assert_eq!(position_of("a: [1]\n", "/a/7"), (1, 4));
    }
}
