//! Failures with one cause: a fault of a plugin fails many cases in the same way.

use crate::report::model::FailureReport;

/// What a difference is called that shows why the server refused. All others of the same response follow from it.
const REASON: &str = "reason in the audit event";

/// The failures by the reason that the server gave inside, or else by their differences, in the order of the first of each.
/// Texts count as equal if they differ only in words with a digit, such as times and ids.
pub(super) fn by_cause(failures: &[FailureReport]) -> Vec<Vec<&FailureReport>> {
    let mut groups: Vec<(Vec<[String; 3]>, Vec<&FailureReport>)> = Vec::new();
    for failure in failures {
        let reason = failure.differences.iter().find(|difference| difference.what == REASON);
        let differences =
            failure.differences.iter().filter(|found| reason.is_none_or(|reason| *found == reason));
        let cause: Vec<[String; 3]> = differences
            .map(|difference| {
                [&difference.what, &difference.expected, &difference.got].map(|text| normal(text))
            })
            .collect();
        match groups.iter_mut().find(|(known, _)| *known == cause) {
            Some((_, group)) => group.push(failure),
            None => groups.push((cause, vec![failure])),
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

/// The text with `#` in place of each word that has a digit, except for a status, whose digits are its meaning.
fn normal(text: &str) -> String {
    let is_status = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_status {
        return text.to_owned();
    }
    let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let mut normal = String::with_capacity(text.len());
    for part in text.split_inclusive(|letter: char| !is_letter(letter)) {
        let word = part.trim_end_matches(|letter: char| !is_letter(letter));
        let has_digit = word.bytes().any(|byte| byte.is_ascii_digit());
        normal.push_str(if has_digit { "#" } else { word });
        normal.push_str(part.get(word.len()..).unwrap_or_default());
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;
    use crate::report::difference::Difference;

    fn failure(case: &str, got: &str) -> FailureReport {
        FailureReport {
            case: case.to_owned(),
            profile: Profile::Errors,
            description: String::new(),
            step: 1,
            differences: vec![Difference::new("status", "200", got)],
            exchange: None,
            reproduce: String::new(),
        }
    }

    #[test]
    fn failures_with_the_same_differences_are_one_group() {
        let failures = [
            failure("a", "the token expires at 1894128314"),
            failure("b", "500"),
            failure("c", "the token expires at 1894128999"),
            failure("d", "502"),
        ];
        let groups: Vec<Vec<&str>> = by_cause(&failures)
            .into_iter()
            .map(|group| group.into_iter().map(|failure| failure.case.as_str()).collect())
            .collect();
        assert_eq!(groups, [vec!["a", "c"], vec!["b"], vec!["d"]]);
    }

    #[test]
    fn what_follows_from_the_same_reason_is_one_group() {
        let because = |case: &str, reason: &str, status: &str| {
            let mut failure = failure(case, status);
            failure.differences.push(Difference::new(REASON, "none", reason));
            failure
        };
        let failures = [
            because("a", "parking: it is required", "500"),
            because("b", "parking: it is required", "502"),
            because("c", "parking: it is too long", "500"),
        ];
        let sizes: Vec<usize> = by_cause(&failures).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1]);
    }

    #[test]
    fn only_words_with_a_digit_are_left_out() {
        assert_eq!(normal("<jwt 440 bytes>, id a1-b2: x"), "<jwt # bytes>, id #: x");
        assert_eq!(normal("404"), "404");
        assert_eq!(normal(""), "");
    }
}
