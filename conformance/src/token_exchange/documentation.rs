//! The table of cases for the documentation.

use std::fmt::Write as _;

use crate::token_exchange::case::{Case, Check};
use crate::token_exchange::catalogue::cases;

/// The cases of the profile `token-exchange` as a Markdown table.
pub fn case_table() -> String {
    let mut table = String::from(
        "| case | requirement | paragraph | needs | allowed otherwise |\n|---|---|---|---|---|\n",
    );
    for case in cases() {
        let Case { id, title, requirement, strength, needs, .. } = case;
        let needs: Vec<&str> = needs.iter().map(|need| need.name()).collect();
        // Writing to a String does not fail.
        let _ = writeln!(
            table,
            "| `{id}` | {title} | {strength}: {requirement} | {} | {} |",
            needs.join(", "),
            allowed(case)
        );
    }
    table
}

/// What a server may do instead, with its error codes if it is a refusal.
fn allowed(case: &Case) -> String {
    match &case.check {
        Check::Refused(_, refusal) if !refusal.other_codes.is_empty() => {
            let codes: Vec<String> = refusal.other_codes.iter().map(|code| format!("`{code}`")).collect();
            format!("{}: {}", codes.join(", "), case.otherwise)
        }
        _ => case.otherwise.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token_exchange::case::Strength;

    #[test]
    fn every_case_has_an_id_of_its_own_a_sentence_and_a_paragraph() {
        let mut ids: Vec<&str> = cases().map(|case| case.id).collect();
        let number = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), number);
        for case in cases() {
            let allowed = |c: char| c.is_ascii_lowercase() || c == '-' || c == '.';
            assert!(case.id.starts_with("tx.") && case.id.chars().all(allowed), "{}", case.id);
            assert!(case.title.ends_with('.'), "{}", case.id);
            assert!(case.requirement.starts_with("RFC "), "{}", case.id);
            let names_paragraph = case.otherwise.is_empty() || case.otherwise.contains("RFC ");
            assert!(names_paragraph, "{}: what is allowed otherwise names no paragraph", case.id);
        }
    }

    #[test]
    fn an_error_code_that_is_allowed_otherwise_has_its_paragraph() {
        for case in cases() {
            if let Check::Refused(_, refusal) = &case.check {
                assert_eq!(refusal.other_codes.is_empty(), case.otherwise.is_empty(), "{}", case.id);
            }
        }
    }

    #[test]
    fn what_a_server_may_do_anyway_lists_nothing_else_as_allowed() {
        for case in cases().filter(|case| case.strength == Strength::May) {
            assert!(case.otherwise.is_empty(), "{}", case.id);
        }
    }
}
