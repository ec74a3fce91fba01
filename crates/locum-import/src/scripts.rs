//! Finds the places in rules and actions that delegation may depend on: Locum runs no code of theirs.

use crate::export::Script;
use crate::limits::SCRIPT_FINDINGS_MAX;
use crate::report::ScriptFinding;

/// The places in all scripts, in their order.
pub(crate) fn findings(scripts: &[Script]) -> Vec<ScriptFinding> {
    let mut found = Vec::new();
    for script in scripts {
        for (index, line) in without_comments(&script.code).lines().enumerate() {
            let line_number = script.lines_before + index + 1;
            for what in in_line(line) {
                found.push(ScriptFinding { file: script.file.clone(), line: line_number, what });
                if found.len() == SCRIPT_FINDINGS_MAX {
                    return found;
                }
            }
        }
    }
    found
}

fn in_line(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    if line.contains("addonConfiguration") {
        found.push(
            "uses context.addonConfiguration: put the settings into the add-on, or send them with the request".to_owned(),
        );
    }
    found.extend(written_attributes(line).into_iter().map(|attribute| {
        format!("writes {attribute}: it must be in the id_token, or in `users` of the tenant file")
    }));
    found
}

/// The attributes of `user` that the line assigns, such as `user.firebase_data`.
fn written_attributes(line: &str) -> Vec<String> {
    let mut written = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find("user") {
        let before = rest.get(..at).and_then(|before| before.chars().next_back());
        let after = rest.get(at + "user".len()..).unwrap_or_default();
        if !before.is_some_and(|c| is_of_name(c) || c == '.')
            && let Some(path) = path_at(after)
            && let Some(behind) = after.get(path.len()..)
            && is_assignment(behind)
        {
            written.push(format!("user{path}"));
        }
        if after.trim_start().starts_with(',')
            && rest.get(..at).is_some_and(|text| text.ends_with("Object.assign("))
        {
            written.push("user".to_owned());
        }
        rest = after;
    }
    written
}

/// The members behind `user`, such as `.app_metadata.role` or `['role']`; `None` if there is none.
fn path_at(text: &str) -> Option<&str> {
    let mut end = 0;
    loop {
        let rest = text.get(end..)?;
        if let Some(name) = rest.strip_prefix('.') {
            let length = name.find(|c| !is_of_name(c)).unwrap_or(name.len());
            if length == 0 {
                break;
            }
            end += 1 + length;
        } else if rest.starts_with('[') {
            end += rest.find(']')? + 1;
        } else {
            break;
        }
    }
    (end > 0).then(|| text.get(..end)).flatten()
}

/// Whether a value is assigned: `=`, `+=`, `||=`, but not `==`, `=>`, `<=`.
fn is_assignment(text: &str) -> bool {
    let text = text.trim_start().trim_start_matches(['+', '-', '*', '/', '%', '|', '&', '?']);
    text.strip_prefix('=').is_some_and(|rest| !rest.starts_with(['=', '>']))
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// The code with blanks for its comments, and with its lines. A `//` in a text or a regular expression is no comment.
fn without_comments(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut chars = code.chars().peekable();
    let mut quote = None;
    while let Some(char) = chars.next() {
        match (quote, char) {
            (Some(_), '\\') => {
                out.push(char);
                out.extend(chars.next());
            }
            (Some(open), _) if open == char => {
                quote = None;
                out.push(char);
            }
            // A text in single or double quotes ends with its line, whatever a regular expression made of it.
            (Some('\'' | '"'), '\n') => {
                quote = None;
                out.push(char);
            }
            (Some(_), _) => out.push(char),
            (None, '\'' | '"' | '`') => {
                quote = Some(char);
                out.push(char);
            }
            (None, '/') if chars.peek() == Some(&'/') => {
                while chars.next_if(|char| *char != '\n').is_some() {}
            }
            (None, '/') if chars.peek() == Some(&'*') => {
                let mut last = ' ';
                for char in chars.by_ref() {
                    if char == '\n' {
                        out.push('\n');
                    }
                    if (last, char) == ('*', '/') {
                        break;
                    }
                    last = char;
                }
            }
            (None, _) => out.push(char),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(code: &str) -> Vec<(usize, String)> {
        let script = Script { file: "rules/a.js".to_owned(), lines_before: 0, code: code.to_owned() };
        findings(&[script]).into_iter().map(|found| (found.line, found.what)).collect()
    }

    fn written(line: &str) -> Vec<String> {
        written_attributes(line)
    }

    #[test]
    fn what_a_rule_gives_to_an_add_on_is_found_with_its_line() {
        let code = "function (user, context, callback) {\n  context.addonConfiguration = context.addonConfiguration || {};\n  user.firebase_data = {uid: 1};\n}";
        let found = found(code);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].0, found[1].0), (2, 3));
        assert!(
            found[0].1.contains("addonConfiguration") && found[1].1.starts_with("writes user.firebase_data:")
        );
    }

    #[test]
    fn assignments_to_members_of_user_are_found() {
        for (line, attribute) in [
            ("user.a = 1", "user.a"),
            ("user.app_metadata.roles= x", "user.app_metadata.roles"),
            ("user['https://x/y'] = 1", "user['https://x/y']"),
            ("if (x) user.count += 1;", "user.count"),
            ("user.a ||= b", "user.a"),
            ("Object.assign(user, {a: 1})", "user"),
        ] {
            assert_eq!(written(line), [attribute], "{line}");
        }
    }

    #[test]
    fn reading_a_member_of_user_is_no_finding() {
        for line in [
            "if (user.a == 1)",
            "user.a === b",
            "const x = user.a;",
            "event.user.a = 1",
            "superuser.a = 1",
            "user = {}",
            "user.list.map(x => x)",
            "users.a = 1",
        ] {
            assert!(written(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn comments_are_no_code_and_keep_their_lines() {
        assert!(found("// user.a = 1\n/* user.b = 1;\n user.c = 1 */").is_empty());
        assert_eq!(found("/*\n*/ user.a = 1")[0].0, 2);
        assert_eq!(found("const u = 'https://x'; user.a = 1").len(), 1);
        assert_eq!(found("const u = \"a\\\"// b\"; user.a = 1").len(), 1);
    }
}
