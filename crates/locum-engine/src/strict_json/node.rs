//! JSON values that borrow their texts from the text that they were read from.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

/// A JSON value. A text without escapes is not copied.
#[derive(Debug, Clone, PartialEq)]
pub enum Node<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// An array.
    List(Vec<Node<'a>>),
    /// An object.
    Object(Members<'a>),
}

/// The members of a JSON object in their order. Each name is there once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Members<'a>(Vec<(Cow<'a, str>, Node<'a>)>);

impl<'a> Node<'a> {
    /// The text, if the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The number, if the value is an integer that fits.
    pub(crate) fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Number(number) => number.as_i64(),
            _ => None,
        }
    }

    /// A copy that borrows nothing.
    pub fn to_value(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => Value::Number(number.clone()),
            Self::Text(text) => Value::String(text.as_ref().to_owned()),
            Self::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Self::Object(members) => {
                let copied = |(name, value): (&str, &Self)| (name.to_owned(), value.to_value());
                Value::Object(members.iter().map(copied).collect())
            }
        }
    }
}

impl<'a> From<&'a Value> for Node<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.clone()),
            Value::String(text) => Self::Text(Cow::Borrowed(text)),
            Value::Array(items) => Self::List(items.iter().map(Self::from).collect()),
            Value::Object(members) => Self::Object(members.into()),
        }
    }
}

impl<'a> Members<'a> {
    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&Node<'a>> {
        self.iter().find(|(own, _)| *own == name).map(|(_, value)| value)
    }

    /// The value of this name, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Node<'a>> {
        self.0.iter_mut().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// Adds a member at the end.
    ///
    /// # Errors
    /// The name is there already. It is given back, and nothing changes.
    pub fn add(&mut self, name: impl Into<Cow<'a, str>>, value: Node<'a>) -> Result<(), Cow<'a, str>> {
        let name = name.into();
        if self.get(&name).is_some() {
            return Err(name);
        }
        self.0.push((name, value));
        Ok(())
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Node<'a>> {
        let index = self.0.iter().position(|(own, _)| own == name)?;
        Some(self.0.remove(index).1)
    }

    /// Names and values, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Node<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The members of an object that was just read. The first name that is there twice is the error.
    pub(super) fn unique(members: Vec<(Cow<'a, str>, Node<'a>)>) -> Result<Self, Cow<'a, str>> {
        match repeated(&members) {
            Some(index) => Err(members.into_iter().nth(index).map(|(name, _)| name).unwrap_or_default()),
            None => Ok(Self(members)),
        }
    }
}

/// Up to so many names are compared with each other, which is faster than sorting them.
const COMPARED_PAIRWISE_MAX: usize = 16;

/// The index of a name that is also further to the front.
fn repeated(members: &[(Cow<'_, str>, Node<'_>)]) -> Option<usize> {
    if members.len() <= COMPARED_PAIRWISE_MAX {
        let is_repeated = |(index, (name, _)): &(usize, &(Cow<'_, str>, Node<'_>))| {
            members.get(..*index).is_some_and(|before| before.iter().any(|(earlier, _)| earlier == name))
        };
        return members.iter().enumerate().find(is_repeated).map(|(index, _)| index);
    }
    // The names of an object may be many: nobody should be able to have all of them compared with all others.
    let mut sorted: Vec<_> = members.iter().enumerate().map(|(index, (name, _))| (name, index)).collect();
    sorted.sort_unstable();
    let repeated = sorted.windows(2).filter_map(|pair| match pair {
        [(first, _), (second, index)] if first == second => Some(*index),
        _ => None,
    });
    repeated.min()
}

impl<'a> From<&'a Map<String, Value>> for Members<'a> {
    fn from(members: &'a Map<String, Value>) -> Self {
        Self(members.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), value.into())).collect())
    }
}

impl<'a> IntoIterator for Members<'a> {
    type Item = (Cow<'a, str>, Node<'a>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn named(names: &[String]) -> Result<usize, String> {
        let members = names.iter().map(|name| (Cow::Borrowed(name.as_str()), Node::Null)).collect();
        Members::unique(members).map(|members| members.len()).map_err(Cow::into_owned)
    }

    #[test]
    fn a_copy_has_the_values_that_it_was_made_from() {
        let value = json!({"a": null, "b": [true, 1, -2, 1.5, "x"], "c": {"d": {}, "e": []}});
        assert_eq!(Node::from(&value).to_value(), value);
    }

    #[test]
    fn a_name_is_added_once_and_can_be_taken_out() {
        let mut members = Members::default();
        assert_eq!(members.add("a", Node::Bool(true)), Ok(()));
        assert_eq!(members.add("a", Node::Bool(false)), Err("a".into()));
        assert_eq!(members.add("b", Node::Null), Ok(()));
        assert_eq!((members.len(), members.get("a")), (2, Some(&Node::Bool(true))));
        assert_eq!(members.remove("a"), Some(Node::Bool(true)));
        assert_eq!(members.remove("a"), None);
        assert_eq!(members.iter().collect::<Vec<_>>(), [("b", &Node::Null)]);
    }

    #[test]
    fn few_and_many_names_are_compared_alike() {
        for length in [2, COMPARED_PAIRWISE_MAX, COMPARED_PAIRWISE_MAX + 1, 1000] {
            let mut names: Vec<String> = (0..length).map(|number| format!("n{number}")).collect();
            assert_eq!(named(&names), Ok(length));
            names[length - 1] = "n0".to_owned();
            assert_eq!(named(&names), Err("n0".to_owned()), "{length}");
        }
    }

    proptest! {
        #[test]
        fn a_repeated_name_is_found_wherever_it_is(names in proptest::collection::vec("[ab]{1,4}", 0..40)) {
            let distinct: std::collections::HashSet<_> = names.iter().collect();
            prop_assert_eq!(named(&names).is_ok(), distinct.len() == names.len());
        }
    }
}
