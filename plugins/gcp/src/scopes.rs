//! The scopes that tokens may have, and those that a request chooses.

use locum_plugin::prelude::*;

use crate::names::is_scope;

/// The most scopes in the settings.
const SCOPES_MAX: usize = 64;

/// The scopes of the settings: what a token has at most.
pub(crate) struct Scopes(Vec<String>);

impl Scopes {
    pub(crate) fn new(scopes: Vec<String>) -> Result<Self, &'static str> {
        if scopes.is_empty() || scopes.len() > SCOPES_MAX {
            return Err("list 1 to 64 scopes");
        }
        if !scopes.iter().all(|scope| is_scope(scope)) {
            return Err("a scope is one word such as https://www.googleapis.com/auth/devstorage.read_only");
        }
        if has_duplicate(&scopes) {
            return Err("a scope is listed twice");
        }
        Ok(Self(scopes))
    }

    /// All scopes of the settings, or those that the request names.
    pub(crate) fn chosen<'a>(&'a self, named: Option<&'a str>) -> Result<Vec<&'a str>, Failure> {
        let Some(named) = named else { return Ok(self.0.iter().map(String::as_str).collect()) };
        let named: Vec<&str> = named.split(' ').collect();
        if !named.iter().all(|name| self.0.iter().any(|scope| scope == name)) {
            return Err(Failure::parameter(
                "gcp_scope",
                "a scope is not allowed; separate scopes by single spaces",
            ));
        }
        if has_duplicate(&named) {
            return Err(Failure::parameter("gcp_scope", "a scope is named twice"));
        }
        Ok(named)
    }
}

fn has_duplicate<T: PartialEq>(items: &[T]) -> bool {
    items.iter().enumerate().any(|(index, item)| items.iter().take(index).any(|earlier| earlier == item))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(scopes: &[&str]) -> Result<Scopes, &'static str> {
        Scopes::new(scopes.iter().map(|scope| (*scope).to_owned()).collect())
    }

    #[test]
    fn a_request_chooses_among_the_scopes_of_the_settings() {
        let scopes = scopes(&["a", "b", "c"]).unwrap();
        assert_eq!(scopes.chosen(None), Ok(vec!["a", "b", "c"]));
        assert_eq!(scopes.chosen(Some("c a")), Ok(vec!["c", "a"]));
        for bad in ["", " ", "d", "a d", "a  b", " a", "a ", "A", "a,b", "a a"] {
            assert!(scopes.chosen(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_list_each_scope_once() {
        for bad in [&[][..], &["a", "a"], &["a b"], &[""], &["a"; 65]] {
            assert!(scopes(bad).is_err(), "{bad:?}");
        }
        let many: Vec<String> = (0..64).map(|number| format!("s{number}")).collect();
        assert!(Scopes::new(many).is_ok());
    }
}
