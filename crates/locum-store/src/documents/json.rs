//! Strict JSON: an object, without a name twice, of bounded size and depth. Texts are overwritten when they are dropped.

use std::collections::HashSet;
use std::fmt;
use std::io;

use locum_abi::secret::Secret;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};
use zeroize::Zeroizing;

use crate::documents::kind::{DEPTH_MAX, DocumentKind};
use crate::tenant_file::{FieldError, Member, Node, NodeValue};

/// Where a value of a document is: it has no lines.
const NO_POSITION: (u64, u64) = (0, 0);

/// The object as a tree.
pub(super) fn read(kind: DocumentKind, text: &str) -> Result<Node, FieldError> {
    check_size(kind, text.len())?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let read = Value { depth: 0 }.deserialize(&mut deserializer);
    let value = read.and_then(|value| deserializer.end().map(|()| value));
    // What serde_json says names a line and a column, and a name that appears twice, but no value.
    match value.map_err(|error| FieldError::new("", format!("the document cannot be read: {error}")))? {
        value @ NodeValue::Mapping(_) => Ok(Node { position: NO_POSITION, value }),
        _ => Err(FieldError::new("", "the document must be a JSON object")),
    }
}

/// The text of the object that has the members of this mapping but those to leave out.
pub(super) fn write(kind: DocumentKind, mapping: &Node, left_out: &[&str]) -> Result<Secret, FieldError> {
    let NodeValue::Mapping(members) = &mapping.value else {
        return Err(FieldError::new("", "the document must be a JSON object"));
    };
    let members = Members { members, left_out };
    if members.kept().any(|member| !is_within(&member.node, DEPTH_MAX - 1)) {
        return Err(FieldError::new("", too_deep()));
    }
    // At once in its full size: a text that grows leaves copies of its beginning in memory.
    let mut length = ByteCount(0);
    serde_json::to_writer(&mut length, &members).map_err(not_written)?;
    check_size(kind, length.0)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *bytes, &members).map_err(not_written)?;
    String::from_utf8(std::mem::take(&mut *bytes)).map(Secret::from).map_err(not_written)
}

fn check_size(kind: DocumentKind, bytes: usize) -> Result<(), FieldError> {
    if bytes <= kind.bytes_max() {
        return Ok(());
    }
    let max = kind.bytes_max() >> 20;
    Err(FieldError::new("", format!("the {kind} has more than {max} MiB as JSON; shorten it")))
}

fn too_deep() -> String {
    format!("the values are nested more than {DEPTH_MAX} deep; make them flatter")
}

fn not_written(error: impl fmt::Display) -> FieldError {
    FieldError::new("", format!("the document cannot be written as JSON: {error}"))
}

/// Whether the value is nested at most this deep.
fn is_within(node: &Node, depth: usize) -> bool {
    match &node.value {
        NodeValue::Sequence(items) => depth > 0 && items.iter().all(|item| is_within(item, depth - 1)),
        NodeValue::Mapping(members) => {
            depth > 0 && members.iter().all(|member| is_within(&member.node, depth - 1))
        }
        _ => true,
    }
}

/// Reads a value inside this many others.
#[derive(Clone, Copy)]
struct Value {
    depth: usize,
}

impl Value {
    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth < DEPTH_MAX { Ok(Self { depth: self.depth + 1 }) } else { Err(E::custom(too_deep())) }
    }
}

impl<'de> DeserializeSeed<'de> for Value {
    type Value = NodeValue;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<NodeValue, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value {
    type Value = NodeValue;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<NodeValue, A::Error> {
        let inner = self.inner()?;
        let mut members = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            let node = Node { position: NO_POSITION, value: map.next_value_seed(inner)? };
            members.push(Member { name, name_position: NO_POSITION, node });
        }
        let mut names = HashSet::with_capacity(members.len());
        match members.iter().find(|member| !names.insert(member.name.as_str())) {
            None => Ok(NodeValue::Mapping(members)),
            Some(Member { name, .. }) => {
                Err(A::Error::custom(format!("the name `{name}` appears twice; remove one")))
            }
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<NodeValue, A::Error> {
        let inner = self.inner()?;
        let mut items = Vec::new();
        while let Some(value) = seq.next_element_seed(inner)? {
            items.push(Node { position: NO_POSITION, value });
        }
        Ok(NodeValue::Sequence(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<NodeValue, E> {
        Ok(NodeValue::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<NodeValue, E> {
        Ok(u64::try_from(value).map_or(NodeValue::Signed(value), NodeValue::Unsigned))
    }

    fn visit_u64<E>(self, value: u64) -> Result<NodeValue, E> {
        Ok(NodeValue::Unsigned(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<NodeValue, E> {
        Ok(NodeValue::Float(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<NodeValue, E> {
        Ok(NodeValue::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<NodeValue, E> {
        Ok(NodeValue::Null)
    }
}

/// The members of a mapping but those to leave out.
struct Members<'a> {
    members: &'a [Member],
    left_out: &'a [&'a str],
}

impl Members<'_> {
    fn kept(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| !self.left_out.contains(&member.name.as_str()))
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for Member { name, node, .. } in self.kept() {
            map.serialize_entry(name, node)?;
        }
        map.end()
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            NodeValue::Null => serializer.serialize_unit(),
            NodeValue::Bool(value) => serializer.serialize_bool(*value),
            NodeValue::Unsigned(value) => serializer.serialize_u64(*value),
            NodeValue::Signed(value) => serializer.serialize_i64(*value),
            NodeValue::Float(value) => serializer.serialize_f64(*value),
            NodeValue::Text(text) => serializer.serialize_str(text),
            NodeValue::Sequence(items) => serializer.collect_seq(items),
            NodeValue::Mapping(members) => Members { members, left_out: &[] }.serialize(serializer),
        }
    }
}

/// Counts what is written.
struct ByteCount(usize);

impl io::Write for ByteCount {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
