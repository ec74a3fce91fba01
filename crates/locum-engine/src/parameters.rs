//! The parameters of a request by who reads them: the endpoint those that it knows, and the issuer all others.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::refusal::Refusal;
use crate::strict_json::{Members, Node};

/// The parameters of an endpoint that knows `N` of them.
pub(crate) struct Parameters<'a, const N: usize> {
    names: &'static [&'static str; N],
    known: [Option<Cow<'a, str>>; N],
    pub(crate) extras: Map<String, Value>,
}

impl<'a, const N: usize> Parameters<'a, N> {
    /// Sorts parameters. An empty string counts as an absent parameter, and so does a JSON `null`.
    ///
    /// # Errors
    /// A parameter of the endpoint is not a string.
    pub(crate) fn sort(
        parameters: Members<'a>,
        names: &'static [&'static str; N],
        dropped: &[&str],
    ) -> Result<Self, Refusal> {
        let mut sorted = Self { names, known: [const { None }; N], extras: Map::new() };
        for (name, value) in parameters {
            if dropped.contains(&&*name) || value == Node::Null || value.as_text() == Some("") {
                continue;
            }
            let known = names.iter().zip(&mut sorted.known).find(|(known, _)| **known == name);
            match (known, value) {
                (None, value) => {
                    sorted.extras.insert(name.into_owned(), value.to_value());
                }
                (Some((_, place)), Node::Text(text)) => *place = Some(text),
                (Some(_), _) => {
                    return Err(Refusal::invalid_request(format!("{name} parameter must be a string")));
                }
            }
        }
        Ok(sorted)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let (_, text) = self.names.iter().zip(&mut self.known).find(|(known, _)| **known == name)?;
        text.take()
    }

    /// The name of a parameter of the endpoint that was not taken.
    pub(crate) fn left(&self) -> Option<&'static str> {
        self.names.iter().zip(&self.known).find(|(_, text)| text.is_some()).map(|(name, _)| *name)
    }

    pub(crate) fn required(&mut self, name: &str) -> Result<Cow<'a, str>, Refusal> {
        self.take(name).ok_or_else(|| Refusal::missing_parameter(name))
    }
}
