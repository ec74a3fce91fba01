//! Takes the secrets out of the tenant file, into a file for each.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::ImportError;
use crate::document::Document;
use crate::limits::SECRET_BYTES_MAX;

/// The folder of secrets, within the folder that is written.
const FOLDER: &str = "secrets";

/// Longest name of a file without its ending, in bytes.
const NAME_BYTES_MAX: usize = 120;

/// A file that is written.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct OutputFile {
    /// Relative to the folder that is written.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Names of files that are in use.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    /// A name of letters, digits, `-` and `_`, which no other file has.
    fn safe(&mut self, parts: &[&str]) -> String {
        let part = |part: &&str| {
            let safe = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '_' };
            part.chars().map(safe).collect::<String>()
        };
        let mut name = parts.iter().map(part).collect::<Vec<_>>().join(".");
        name.truncate(NAME_BYTES_MAX);
        let mut unique = name.clone();
        let mut count = 1;
        // Compared in lower case: the folder may be copied to a file system that ignores case.
        while !self.0.insert(unique.to_ascii_lowercase()) {
            count += 1;
            unique = format!("{name}.{count}");
        }
        format!("{FOLDER}/{unique}")
    }
}

/// The JSON pointers of the secrets among the settings of an add-on, by its api_type.
pub(crate) type SecretsOf<'a> = &'a dyn Fn(&str, &Map<String, Value>) -> Vec<String>;

/// The members of the tenant file with references in place of secrets, and the files with the secrets.
pub(crate) fn extract(
    document: &Document,
    secrets_of: SecretsOf<'_>,
) -> Result<(Map<String, Value>, Vec<OutputFile>), ImportError> {
    let mut members = document.members();
    let mut files = Vec::new();
    let mut names = Names::default();
    if let Some(Value::Array(keys)) = members.get_mut("signing_keys") {
        for key in keys {
            move_out(key.get_mut("private_key"), names.safe(&["tenant", "key"]), &mut files)?;
            move_out(key.get_mut("certificate"), names.safe(&["tenant", "crt"]), &mut files)?;
        }
    }
    let Some(Value::Array(clients)) = members.get_mut("clients") else { return Ok((members, files)) };
    for (client, draft) in clients.iter_mut().zip(&document.clients) {
        let id = draft.client_id.as_str();
        if client.get("client_secret").is_some() {
            move_out(client.get_mut("client_secret"), names.safe(&[id, "client_secret"]), &mut files)?;
        }
        let Some(Value::Object(add_ons)) = client.get_mut("addons") else { continue };
        for (api_type, settings) in add_ons {
            let Value::Object(of_add_on) = &*settings else { continue };
            for pointer in secrets_of(api_type, of_add_on) {
                let name = names.safe(&[id, api_type, pointer.trim_start_matches('/')]);
                move_out(settings.pointer_mut(&pointer), name, &mut files)?;
            }
        }
    }
    Ok((members, files))
}

fn move_out(value: Option<&mut Value>, path: String, files: &mut Vec<OutputFile>) -> Result<(), ImportError> {
    let Some(Value::String(secret)) = value else { return Ok(()) };
    let mut text = std::mem::replace(secret, format!("${{file:{path}}}"));
    // The reader takes one newline from the end, which editors add: this one is for it.
    text.push('\n');
    if text.len() > SECRET_BYTES_MAX {
        return Err(ImportError::Refused(format!(
            "the secret for {path} has more than {SECRET_BYTES_MAX} bytes; shorten it at Auth0 and export again"
        )));
    }
    files.push(OutputFile { path, text });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_short_and_of_one_file_each() {
        let mut names = Names::default();
        assert_eq!(names.safe(&["a b/../${x}", "client_secret"]), "secrets/a_b______x_.client_secret");
        assert_eq!(names.safe(&["Abc", "k"]), "secrets/Abc.k");
        assert_eq!(names.safe(&["abc", "k"]), "secrets/abc.k.2");
        assert_eq!(names.safe(&[".."]), "secrets/__");
        assert!(names.safe(&[&"x".repeat(1000), "y"]).len() < 140);
        assert!(names.safe(&[&"\u{1f600}".repeat(1000)]).is_ascii());
    }
}
