//! Every Rust file says its job in its first line, has a name that tells something, and holds no banned attribute.

use anyhow::Result;

use crate::tidy::texts;
use crate::workspace::Workspace;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: [&str; 6] = ["utils.rs", "util.rs", "common.rs", "helpers.rs", "helper.rs", "misc.rs"];

/// Texts that no file may hold, in two parts each so that this file does not hold them.
const BANNED: [(&str, &str, &str); 3] = [
    ("#[ign", "ore", "run the test, or delete it"),
    ("should", "_panic", "assert what is refused and how"),
    ("TO", "DO", "open an issue, or do it"),
];

/// Lines of a file above which it has more than one job.
const LINES_MAX: usize = 600;

pub fn check(workspace: &Workspace) -> Result<Vec<String>> {
    let texts = texts::listed(&workspace.root, &["rs"])?;
    Ok(texts.iter().flat_map(|text| faults_of(&text.path, &text.content)).collect())
}

fn faults_of(path: &str, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    if !text.starts_with("//! ") {
        faults.push(format!("{path}: its first line must be `//!` and say its job"));
    }
    if EMPTY_NAMES.iter().any(|name| path.rsplit('/').next() == Some(name)) {
        faults.push(format!("{path}: its name says nothing; name the thing"));
    }
    if text.lines().count() > LINES_MAX {
        faults.push(format!("{path}: more than {LINES_MAX} lines; it has more than one job"));
    }
    for (begin, end, why) in BANNED {
        if text.contains(&format!("{begin}{end}")) {
            faults.push(format!("{path}: holds `{begin}{end}`: {why}"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_file_has_no_faults() {
        assert!(faults_of("src/bucket.rs", "//! The token bucket.\n").is_empty());
    }

    #[test]
    fn each_bad_habit_is_a_fault() {
        assert_eq!(faults_of("src/bucket.rs", "fn main() {}\n").len(), 1);
        assert_eq!(faults_of("src/utils.rs", "//! Things.\n").len(), 1);
        assert_eq!(faults_of("src/a.rs", &format!("//! A.\n{}", "\n".repeat(LINES_MAX))).len(), 1);
        assert_eq!(faults_of("src/a.rs", &format!("//! A.\n// {}{}\n", "TO", "DO")).len(), 1);
    }
}
