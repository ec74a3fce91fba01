//! Deserializes a tree of nodes. Its errors know the position, the field and which value to leave out to read on.

use std::collections::HashSet;
use std::fmt::{self, Display};

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, Visitor,
};
use serde::forward_to_deserialize_any;

use crate::tenant_file::node::{Member, Node, NodeId, NodeValue, Position};
use crate::tenant_file::yaml;

/// The values of a tree that are read as if they were absent, because each has an error.
pub(super) type LeftOut = HashSet<NodeId>;

/// Reads the tree as a `T`, without the members of mappings that are left out.
fn read<'de, T: Deserialize<'de>>(node: &'de Node, left_out: &'de LeftOut) -> Result<T, ReadError> {
    T::deserialize(Reader { node, left_out }).map_err(|error| error.at(node.position))
}

/// After this many values of a wrong type or unknown keys, the rest is not read.
const ERRORS_MAX: usize = 100;

/// Reads the tree as a `T` and leaves out each value with an error, so that all errors are found. Without a `T`, the rest
/// cannot be read.
pub(super) fn read_all<T: DeserializeOwned>(
    root: &Node,
    mut left_out: LeftOut,
) -> (Option<T>, Vec<ReadError>) {
    let mut errors = Vec::new();
    for _ in 0..ERRORS_MAX {
        let error = match read::<T>(root, &left_out) {
            Ok(read) => return (Some(read), errors),
            Err(error) => error,
        };
        let member = error.member;
        errors.push(error);
        match member {
            Some(member) if left_out.insert(member) => {}
            _ => break,
        }
    }
    (None, errors)
}

/// A value that does not have the type of its field. It never shows the value, which may be a secret.
#[derive(Debug)]
pub(super) struct ReadError {
    pub(super) message: String,
    pub(super) position: Option<Position>,
    /// The names on the way to the value, innermost first.
    path: Vec<String>,
    /// The innermost member of a mapping that contains the value.
    member: Option<NodeId>,
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NodeId")
    }
}

impl ReadError {
    fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), position: None, path: Vec::new(), member: None }
    }

    fn at(mut self, position: Position) -> Self {
        self.position.get_or_insert(position);
        self
    }

    fn below_member(mut self, name: &str, node: &Node) -> Self {
        self.path.push(name.replace('~', "~0").replace('/', "~1"));
        self.member.get_or_insert(node.id());
        self
    }

    fn below_item(mut self, index: usize) -> Self {
        self.path.push(index.to_string());
        self
    }

    /// The JSON pointer of the value.
    pub(super) fn pointer(&self) -> String {
        self.path.iter().rev().flat_map(|name| ["/", name]).collect()
    }
}

impl Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl serde::de::Error for ReadError {
    /// The message is dropped: those of serde's own types show values.
    fn custom<T: Display>(_: T) -> Self {
        Self::new("the value does not have the form of this field")
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let is_plain_scalar = matches!(
            found,
            Unexpected::Bool(_)
                | Unexpected::Unsigned(_)
                | Unexpected::Signed(_)
                | Unexpected::Float(_)
                | Unexpected::Unit
        );
        if is_plain_scalar && expected.to_string() == "a string" {
            return Self::new(yaml::QUOTES_NEEDED);
        }
        Self::new(yaml::must_be(&expected.to_string()))
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(yaml::must_be(&expected.to_string()))
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Self::new(yaml::must_be(&expected.to_string()))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("write one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(yaml::unknown_field(field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the field `{field}` is missing; add it"))
    }
}

struct Reader<'de> {
    node: &'de Node,
    left_out: &'de LeftOut,
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let read = match &self.node.value {
            NodeValue::Null => visitor.visit_unit(),
            NodeValue::Bool(value) => visitor.visit_bool(*value),
            NodeValue::Unsigned(value) => visitor.visit_u64(*value),
            NodeValue::Signed(value) => visitor.visit_i64(*value),
            NodeValue::Float(value) => visitor.visit_f64(*value),
            NodeValue::Text(text) => visitor.visit_borrowed_str(text),
            NodeValue::Sequence(items) => {
                visitor.visit_seq(Items { items: items.iter().enumerate(), left_out: self.left_out })
            }
            NodeValue::Mapping(members) => {
                visitor.visit_map(Members { members: members.iter(), current: None, left_out: self.left_out })
            }
        };
        read.map_err(|error| error.at(self.node.position))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.node.value {
            NodeValue::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// A list is not one, which serde would read by the order of the fields.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.node.value {
            NodeValue::Sequence(_) => Err(ReadError::new(yaml::must_be("a map")).at(self.node.position)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let at = |error: ReadError| error.at(self.node.position);
        match &self.node.value {
            NodeValue::Text(text) => {
                let name: StrDeserializer<'_, ReadError> = text.as_str().into_deserializer();
                visitor.visit_enum(name).map_err(at)
            }
            _ => Err(at(ReadError::new(yaml::must_be("a string")))),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier
    }
}

struct Members<'de> {
    members: std::slice::Iter<'de, Member>,
    current: Option<&'de Member>,
    left_out: &'de LeftOut,
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        self.current = self.members.find(|member| !self.left_out.contains(&member.node.id()));
        let Some(member) = self.current else { return Ok(None) };
        let name = BorrowedStrDeserializer::new(&member.name);
        let refused =
            |error: ReadError| error.at(member.name_position).below_member(&member.name, &member.node);
        seed.deserialize(name).map(Some).map_err(refused)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let Some(member) = self.current.take() else {
            return Err(ReadError::new("a value without a name"));
        };
        seed.deserialize(Reader { node: &member.node, left_out: self.left_out })
            .map_err(|error| error.at(member.node.position).below_member(&member.name, &member.node))
    }
}

struct Items<'de> {
    items: std::iter::Enumerate<std::slice::Iter<'de, Node>>,
    left_out: &'de LeftOut,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(Reader { node, left_out: self.left_out })
            .map(Some)
            .map_err(|error| error.at(node.position).below_item(index))
    }
}
