//! A user or client of the load's own that the Management API switches off and on: exchanges are then refused or answered.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::cluster::http::Answer;
use crate::cluster::tenant::{KNOWN_USERS, LENIENT, SECRET};
use crate::cluster::tokens::Tokens;
use crate::id_token::user_id;

/// What a client may present where it is on.
const GRANT: &str = "http://auth0.com/oauth/legacy/grant-type/delegation/id_token";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Switched {
    /// Off is `blocked`.
    User,
    /// Off is to have no grant.
    Client,
}

#[derive(Debug, Clone)]
pub(super) struct Switch {
    pub(super) what: Switched,
    /// That of the user, or of the client.
    pub(super) number: usize,
    /// `None` before it was made.
    pub(super) is_on: Option<bool>,
}

impl Switched {
    /// Where the Management API has all of them, in pages: the path, and a query.
    pub(super) fn list(self) -> &'static str {
        match self {
            Self::User => "/users?fields=user_id,blocked",
            Self::Client => "/clients?fields=client_id,grant_types",
        }
    }

    /// Which entries of a page are on, by id.
    pub(super) fn read(self, page: &[Value]) -> Result<BTreeMap<String, bool>> {
        let (id, is_on): (&str, fn(&Value) -> bool) = match self {
            Self::User => ("user_id", |user| user.get("blocked") != Some(&Value::Bool(true))),
            Self::Client => ("client_id", |client| client.get("grant_types") != Some(&json!([]))),
        };
        let entry = |entry: &Value| {
            let id = entry.get(id).and_then(Value::as_str).context("an entry of a list has no id")?;
            Ok((id.to_owned(), is_on(entry)))
        };
        page.iter().map(entry).collect()
    }
}

impl Switch {
    pub(super) fn id(&self) -> String {
        match self.what {
            Switched::User => user_id(self.number),
            Switched::Client => format!("switched-{}", self.number),
        }
    }

    /// What it becomes by [`Self::call`]. It is made off: whoever does not know it does not refuse it by chance.
    pub(super) fn next(&self) -> bool {
        !self.is_on.unwrap_or(true)
    }

    /// The call that turns it over, or makes it, and its body.
    pub(super) fn call(&self) -> (String, Value) {
        let (id, is_on) = (self.id(), self.next());
        let grants = if is_on { vec![GRANT] } else { Vec::new() };
        match (self.what, self.is_on) {
            (Switched::User, None) => ("POST /users".to_owned(), json!({"user_id": id, "blocked": !is_on})),
            (Switched::User, Some(_)) => {
                (format!("PATCH /users/{}", id.replace('|', "%7C")), json!({"blocked": !is_on}))
            }
            (Switched::Client, None) => (
                "POST /clients".to_owned(),
                json!({
                    "client_id": id, "name": id, "client_secret": SECRET, "token_endpoint_auth_method": "none",
                    "grant_types": grants,
                }),
            ),
            (Switched::Client, Some(_)) => (format!("PATCH /clients/{id}"), json!({"grant_types": grants})),
        }
    }

    /// An exchange that is answered if it is on.
    pub(super) fn exchange(&self, tokens: &Tokens) -> Result<Value> {
        match self.what {
            Switched::User => tokens.exchange(LENIENT, self.number),
            Switched::Client => tokens.exchange(&self.id(), self.number % KNOWN_USERS),
        }
    }

    /// Whether a node that answers an exchange so knows what it is now; `None` if the answer is about something else, such as
    /// that the database is away.
    pub(super) fn is_followed(&self, answer: &Answer) -> Option<bool> {
        let is_on = self.is_on?;
        let off = match self.what {
            Switched::User => (401, "unauthorized"),
            Switched::Client => (403, "unauthorized_client"),
        };
        match answer.status {
            200 => Some(is_on),
            400 | 429 | 500.. => None,
            status => Some(!is_on && (status, answer.text("error").unwrap_or_default()) == off),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_is_made_off_and_turned_over() {
        let mut switch = Switch { what: Switched::User, number: 7, is_on: None };
        let id = "auth0|000000000000000000000007";
        assert_eq!(switch.call(), ("POST /users".to_owned(), json!({"user_id": id, "blocked": true})));
        switch.is_on = Some(switch.next());
        let path = "PATCH /users/auth0%7C000000000000000000000007".to_owned();
        assert_eq!(switch.call(), (path, json!({"blocked": false})));
    }

    #[test]
    fn only_an_answer_about_the_switch_says_whether_it_is_followed() {
        let answer = |status: u16, error: &str| Answer::new(status, json!({"error": error}));
        let switch = |is_on| Switch { what: Switched::Client, number: 7, is_on: Some(is_on) };
        for (status, error, on, off) in [
            (200, "", Some(true), Some(false)),
            (403, "unauthorized_client", Some(false), Some(true)),
            (403, "invalid_client", Some(false), Some(false)),
            (503, "temporarily_unavailable", None, None),
            (400, "invalid_grant", None, None),
        ] {
            assert_eq!(switch(true).is_followed(&answer(status, error)), on, "{status} {error}");
            assert_eq!(switch(false).is_followed(&answer(status, error)), off, "{status} {error}");
        }
    }

    #[test]
    fn a_list_says_what_is_on() {
        let users = [json!({"user_id": "a"}), json!({"user_id": "b", "blocked": true})];
        let read = Switched::User.read(&users).unwrap();
        assert_eq!((read["a"], read["b"]), (true, false));
        let clients = [json!({"client_id": "a", "grant_types": []}), json!({"client_id": "b"})];
        let read = Switched::Client.read(&clients).unwrap();
        assert_eq!((read["a"], read["b"]), (false, true));
        assert!(Switched::User.read(&clients).is_err());
    }
}
