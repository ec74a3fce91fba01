//! The answer of a token endpoint, and what cases read of it.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::exchange::message::Response;
use crate::report::Difference;
use crate::token_exchange::jwt;

/// An answer as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// When it arrived.
    pub(crate) unix_seconds: i64,
    /// The body, if it is a JSON object.
    body: Option<Map<String, Value>>,
}

impl Answer {
    pub(crate) fn new(response: Response, unix_seconds: i64) -> Self {
        let body = response.object();
        Self { response, unix_seconds, body }
    }

    /// A member of the body. An absent one is `None`, and so is one of a body that is not a JSON object.
    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.body.as_ref()?.get(name)
    }

    /// A member that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.member(name)?.as_str()
    }

    /// A member as a report shows it.
    pub(crate) fn shown(&self, name: &str) -> String {
        self.member(name).map_or_else(|| "absent".to_owned(), Value::to_string)
    }

    /// Whether it grants a token: its status is 200, and it has a member `access_token`.
    pub(crate) fn is_granted(&self) -> bool {
        self.response.status == 200 && self.member("access_token").is_some()
    }

    /// # Errors
    /// No token was granted.
    pub(crate) fn granted(&self) -> Result<(), Difference> {
        if self.is_granted() {
            return Ok(());
        }
        Err(Difference::new("answer", "200 with access_token", self.summary()))
    }

    /// Status and error code.
    pub(crate) fn summary(&self) -> String {
        match self.text("error") {
            Some(error) => format!("{} {error}", self.response.status),
            None if self.is_granted() => "200 with access_token".to_owned(),
            None => format!("{} without an error code", self.response.status),
        }
    }

    /// The claims of the issued token, if it is a JWT.
    pub(crate) fn claims(&self) -> Option<Map<String, Value>> {
        jwt::claims(self.text("access_token")?)
    }

    /// The elements of a header whose value is a list, in lower case.
    pub(crate) fn header_elements(&self, name: &str) -> Vec<String> {
        let values = self.response.header(name).flat_map(|value| value.split(','));
        values.map(|element| element.trim().to_ascii_lowercase()).collect()
    }

    /// The media type of the body, without parameters, in lower case.
    pub(crate) fn media_type(&self) -> String {
        let value = self.response.header("content-type").next().unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// A member that the body's object has twice.
    pub(crate) fn repeated_member(&self) -> Option<String> {
        let mut deserializer = serde_json::Deserializer::from_str(&self.response.body);
        RepeatedMember.deserialize(&mut deserializer).ok().flatten()
    }
}

/// Looks for a repeated name in an object.
struct RepeatedMember;

impl<'de> DeserializeSeed<'de> for RepeatedMember {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for RepeatedMember {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let (mut names, mut repeated) = (Vec::new(), None);
        while let Some((name, IgnoredAny)) = members.next_entry::<String, IgnoredAny>()? {
            if names.contains(&name) {
                repeated = Some(name);
            } else {
                names.push(name);
            }
        }
        Ok(repeated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Answer::new(Response { status, headers: headers.collect(), body: body.to_owned() }, 0)
    }

    #[test]
    fn a_token_is_granted_only_with_status_200() {
        let body = r#"{"access_token":"t"}"#;
        assert!(answer(200, &[], body).is_granted());
        assert!(!answer(400, &[], body).is_granted() && !answer(200, &[], "{}").is_granted());
        assert_eq!(answer(400, &[], r#"{"error":"invalid_grant"}"#).summary(), "400 invalid_grant");
        assert_eq!(answer(500, &[], "<html>").summary(), "500 without an error code");
    }

    #[test]
    fn headers_are_read_without_regard_to_case_and_white_space() {
        let answer = answer(
            200,
            &[("cache-control", "No-Store , private"), ("content-type", "Application/JSON; a=b")],
            "",
        );
        assert_eq!(answer.header_elements("cache-control"), ["no-store", "private"]);
        assert_eq!(answer.media_type(), "application/json");
    }

    #[test]
    fn a_repeated_member_is_found_at_the_top_only() {
        assert_eq!(answer(200, &[], r#"{"a":1,"b":2,"a":1}"#).repeated_member().as_deref(), Some("a"));
        assert_eq!(answer(200, &[], r#"{"a":{"b":1,"b":2}}"#).repeated_member(), None);
        assert_eq!(answer(200, &[], "[]").repeated_member(), None);
    }
}
