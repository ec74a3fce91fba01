//! What a request may name instead of a stored value: a list of names, prefixes or everything.

/// The names that the settings allow besides the stored one.
///
/// A stored value is a bound: a request may name another one only if an operator allowed it. An entry of the list is a
/// whole name, or the start of names if it ends with `*`.
///
/// ```
/// use locum_plugin::AllowedNames;
///
/// # fn main() -> Result<(), &'static str> {
/// let allowed = AllowedNames::new(&["news".to_owned(), "reports-*".to_owned()], false)?;
/// assert!(allowed.allows("reports-2026") && !allowed.allows("news-2026"));
/// assert!(allowed.lists("news") && !allowed.lists("reports-2026"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct AllowedNames {
    any: bool,
    names: Vec<String>,
    prefixes: Vec<String>,
}

impl AllowedNames {
    /// The names of a setting, and whether another setting allows any name.
    ///
    /// # Errors
    /// If an entry is empty, is `*` alone or ends with more than one `*`.
    pub fn new(entries: &[String], any: bool) -> Result<Self, &'static str> {
        let mut allowed = Self { any, ..Self::default() };
        for entry in entries {
            match entry.strip_suffix('*') {
                _ if entry.is_empty() => return Err("an entry is empty"),
                Some("") => return Err("an entry is * alone; use the setting that allows any"),
                Some(prefix) if prefix.ends_with('*') => return Err("an entry ends with more than one *"),
                Some(prefix) => allowed.prefixes.push(prefix.to_owned()),
                None => allowed.names.push(entry.clone()),
            }
        }
        Ok(allowed)
    }

    /// The entries that are whole names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    /// The entries that end with `*`, without it.
    pub fn prefixes(&self) -> impl Iterator<Item = &str> {
        self.prefixes.iter().map(String::as_str)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.prefixes.is_empty()
    }

    /// Whether a request may name any value.
    pub fn allows_any(&self) -> bool {
        self.any
    }

    /// Whether a request may name this value.
    pub fn allows(&self, name: &str) -> bool {
        self.any || self.lists(name) || self.prefixes().any(|prefix| name.starts_with(prefix))
    }

    /// Whether the list has this name as a whole, and not only by a `*`.
    pub fn lists(&self, name: &str) -> bool {
        self.names().any(|listed| listed == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(entries: &[&str], any: bool) -> Result<AllowedNames, &'static str> {
        AllowedNames::new(&entries.iter().map(|&entry| entry.to_owned()).collect::<Vec<_>>(), any)
    }

    #[test]
    fn a_whole_name_allows_itself_and_no_longer_one() {
        let allowed = allowed(&["news"], false).unwrap();
        assert!(allowed.allows("news"));
        for other in ["", "new", "news2", "News", "news*"] {
            assert!(!allowed.allows(other), "{other}");
        }
    }

    #[test]
    fn a_prefix_allows_what_starts_with_it_and_lists_nothing() {
        let allowed = allowed(&["a*b-*"], false).unwrap();
        for name in ["a*b-", "a*b-c", "a*b-*"] {
            assert!(allowed.allows(name) && !allowed.lists(name), "{name}");
        }
        for other in ["a*b", "axb-c", "xa*b-"] {
            assert!(!allowed.allows(other), "{other}");
        }
    }

    #[test]
    fn any_name_is_allowed_only_where_that_is_set() {
        assert!(allowed(&[], true).unwrap().allows("x"));
        assert!(!allowed(&[], true).unwrap().lists("x"));
        assert!(!allowed(&[], false).unwrap().allows("x"));
    }

    #[test]
    fn entries_that_allow_more_than_they_seem_to_are_refused() {
        for bad in ["", "*", "a**"] {
            assert!(allowed(&["good", bad], false).is_err(), "{bad:?}");
        }
    }
}
