//! Which cases a run is asked for: by id, by group, or by a pattern of ids.

/// Whether a name selects a case: it is its id, or a group of ids before this separator, or a pattern that fits the id, in
/// which `*` stands for any characters and `?` for one.
pub(crate) fn selects(name: &str, id: &str, separator: char) -> bool {
    let is_group = id.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(separator));
    is_group || fits(name, id)
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut pattern = pattern.chars();
    match pattern.next() {
        None => text.is_empty(),
        Some('*') => {
            let mut rests = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            rests.any(|at| fits(pattern.as_str(), text.get(at..).unwrap_or_default()))
        }
        Some(letter) => {
            let mut text = text.chars();
            text.next().is_some_and(|own| letter == '?' || letter == own)
                && fits(pattern.as_str(), text.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_selected_by_its_id_its_group_or_a_pattern() {
        for name in [
            "a-token-is-refused/expired",
            "a-token-is-refused",
            "a-token-*",
            "*",
            "*/expired",
            "a-*-is-refused/*",
            "a-token-is-refused/expire?",
        ] {
            assert!(selects(name, "a-token-is-refused/expired", '/'), "{name}");
        }
        for name in [
            "",
            "a-token",
            "a-token-is-refused/",
            "A-token-*",
            "token-*",
            "*/expire",
            "a-token-is-refused/expire??",
        ] {
            assert!(!selects(name, "a-token-is-refused/expired", '/'), "{name}");
        }
        assert!(selects("tx.scope", "tx.scope.granted", '.') && !selects("tx.sco", "tx.scope.granted", '.'));
    }
}
