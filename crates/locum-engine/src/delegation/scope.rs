//! Scopes: the claims about a user that a request selects.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::delegation::private_attributes::is_private;
use crate::model::{AttributePattern, User};
use crate::refusal::{Refusal, RefusalKind};
use crate::strict_json::{Members, Node};
use crate::subject_token::{Subject, is_of_the_token};

/// The claims of the scope `profile` (OpenID Connect Core section 5.4).
const PROFILE: [&str; 14] = [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];

/// The claims of the scope `email` (OpenID Connect Core section 5.4).
const EMAIL: [&str; 2] = ["email", "email_verified"];

/// Checks that no more is requested than the subject token has: if it has a scope, that bounds what it can be exchanged for.
///
/// # Errors
/// A requested scope is none of the token's. `openid` always is.
pub(crate) fn check_bound(
    requested: &[String],
    bound: Option<&[String]>,
    parameter: &str,
) -> Result<(), Refusal> {
    let Some(bound) = bound else { return Ok(()) };
    if requested.iter().all(|word| word == "openid" || bound.contains(word)) {
        return Ok(());
    }
    let description = format!("more scopes are requested than {parameter} has");
    Err(Refusal::new(RefusalKind::InvalidScope, description))
}

/// The attributes of the user. Claims of the subject token override the stored profile, except that `email` and
/// `email_verified` are taken together from one of the two.
pub(crate) struct KnownUser<'a> {
    pub(crate) user_id: &'a str,
    pub(crate) stored: Option<&'a Map<String, Value>>,
    pub(crate) presented: &'a Members<'a>,
}

impl<'a> KnownUser<'a> {
    /// What is known of the user of a token. What the user told one client is not for the next one in the chain to extend: then
    /// only a token with a scope reads the stored profile.
    pub(crate) fn of(subject: &'a Subject<'_>, user: Option<&'a User>, is_chain: bool) -> Self {
        Self {
            user_id: &subject.user_id,
            stored: user.filter(|_| !is_chain || subject.scope.is_some()).map(|user| &user.profile),
            presented: &subject.claims,
        }
    }

    /// The attribute of this name; `user_id` is always the subject.
    pub(crate) fn attribute(&self, name: &str) -> Option<Value> {
        if is_of_the_token(name) {
            return None;
        }
        match name {
            "user_id" => Some(self.user_id.into()),
            "email_verified" => self.email_verified(),
            _ => match self.presented.get(name) {
                Some(presented) => Some(presented.to_value()),
                None => self.stored?.get(name).cloned(),
            },
        }
    }

    /// `email_verified` of the source that `email` comes from: a flag about one address says nothing about another. It is
    /// `true` only for the boolean, because some readers take `"false"` for true.
    fn email_verified(&self) -> Option<Value> {
        let is_true = if self.presented.get("email").is_some() {
            *self.presented.get("email_verified")? == Node::Bool(true)
        } else {
            let stored = self.stored.filter(|stored| stored.contains_key("email"))?;
            *stored.get("email_verified")? == Value::Bool(true)
        };
        Some(is_true.into())
    }

    /// The claims that these scopes select, without private attributes. A scope that selects nothing is ignored, as
    /// Auth0 did.
    pub(crate) fn select(
        &self,
        scopes: &[String],
        aliases: &HashMap<String, Vec<String>>,
        private: &[AttributePattern],
    ) -> Map<String, Value> {
        let mut claims = Map::new();
        for scope in scopes {
            match scope.as_str() {
                "openid" | "offline_access" => {}
                "profile" => self.add(&mut claims, PROFILE),
                "email" => self.add(&mut claims, EMAIL),
                "passthrough" => {
                    let presented = KnownUser { stored: None, ..*self };
                    presented.add(&mut claims, self.presented.iter().map(|(name, _)| name));
                }
                word => match aliases.get(word) {
                    Some(names) => self.add(&mut claims, names.iter().map(String::as_str)),
                    None => self.add(&mut claims, [word]),
                },
            }
        }
        claims.retain(|name, _| !is_private(name, private));
        claims
    }

    /// The scopes that were granted, without those that had no effect: `openid`, those of the subject token, and those that
    /// select a claim. Without any, it is `openid`, which says no more about the user than who it is.
    pub(crate) fn granted(
        &self,
        requested: &[String],
        bound: Option<&[String]>,
        aliases: &HashMap<String, Vec<String>>,
        private: &[AttributePattern],
    ) -> Vec<String> {
        let is_granted = |word: &&String| self.is_granted(word, bound, aliases, private);
        let granted: Vec<String> = requested.iter().filter(is_granted).cloned().collect();
        if granted.is_empty() { vec!["openid".to_owned()] } else { granted }
    }

    /// Whether this scope is one of those.
    pub(crate) fn is_granted(
        &self,
        word: &String,
        bound: Option<&[String]>,
        aliases: &HashMap<String, Vec<String>>,
        private: &[AttributePattern],
    ) -> bool {
        word == "openid"
            || bound.is_some_and(|bound| bound.contains(word))
            || !self.select(std::slice::from_ref(word), aliases, private).is_empty()
    }

    fn add<'n>(&self, claims: &mut Map<String, Value>, names: impl IntoIterator<Item = &'n str>) {
        for name in names {
            if let Some(value) = self.attribute(name) {
                claims.insert(name.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selected(scope: &str) -> Value {
        let stored =
            json!({"name": "Alice", "email": "old@example.com", "email_verified": true, "favourite": "plum"});
        let presented =
            json!({"sub": "auth0|alice", "email": "new@example.com", "persistent": {"a": 1}, "nonce": "n"});
        let aliases = HashMap::from([("pictures".to_owned(), vec!["picture".to_owned(), "name".to_owned()])]);
        let scopes: Vec<String> = scope.split(' ').map(str::to_owned).collect();
        let user = KnownUser {
            user_id: "auth0|alice",
            stored: stored.as_object(),
            presented: &presented.as_object().unwrap().into(),
        };
        Value::Object(user.select(&scopes, &aliases, &[]))
    }

    #[test]
    fn openid_alone_selects_nothing() {
        assert_eq!(selected("openid"), json!({}));
    }

    #[test]
    fn profile_and_email_select_their_lists() {
        assert_eq!(selected("openid profile"), json!({"name": "Alice"}));
        assert_eq!(selected("email"), json!({"email": "new@example.com"}));
    }

    #[test]
    fn a_scope_selects_the_attribute_of_its_name_and_an_unknown_scope_nothing() {
        assert_eq!(selected("favourite missing"), json!({"favourite": "plum"}));
    }

    #[test]
    fn passthrough_selects_the_claims_of_the_token_but_none_about_the_token() {
        assert_eq!(selected("passthrough"), json!({"email": "new@example.com", "persistent": {"a": 1}}));
    }

    #[test]
    fn an_alias_selects_its_claims() {
        assert_eq!(selected("pictures"), json!({"name": "Alice"}));
    }

    #[test]
    fn no_scope_selects_a_claim_about_the_token() {
        assert_eq!(selected("sub iss aud exp nonce azp"), json!({}));
    }
}
