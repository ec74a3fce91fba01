//! Name, source identity and tags of a session, each in AWS's grammar.

use locum_plugin::prelude::*;
use locum_plugin::signing::sha256;
use unicode_general_category::GeneralCategory::{
    DecimalNumber, LetterNumber, LineSeparator, LowercaseLetter, ModifierLetter, OtherLetter, OtherNumber,
    ParagraphSeparator, SpaceSeparator, TitlecaseLetter, UppercaseLetter,
};
use unicode_general_category::get_general_category;

/// Longest name of a session, and longest source identity.
const NAME_BYTES_MAX: usize = 64;
/// Longest value of a session tag.
const TAG_CHARS_MAX: usize = 256;

/// The profile attributes that a session is made of.
pub(crate) struct SessionSettings {
    pub(crate) name_attribute: String,
    pub(crate) source_identity_attribute: Option<String>,
    /// Keys of tags, and the attributes that are their values.
    pub(crate) tags: Vec<(String, String)>,
}

/// The user's part of a session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) name: String,
    pub(crate) source_identity: Option<String>,
    /// Keys and values, in the order of the settings.
    pub(crate) tags: Vec<(String, String)>,
}

impl Session {
    /// Takes the values from the profile attributes that the settings name.
    pub(crate) fn of<P>(settings: &SessionSettings, grant: &Grant<P>) -> Result<Self, Failure> {
        let named =
            grant.identifying_attribute(&settings.name_attribute).ok().filter(|name| is_session_name(name));
        let source_identity = match &settings.source_identity_attribute {
            None => None,
            Some(attribute) => Some(source_identity(attribute, grant.identifying_attribute(attribute)?)?),
        };
        let tags =
            settings.tags.iter().map(|(key, attribute)| Ok((key.clone(), tag_value(attribute, grant)?)));
        Ok(Self {
            name: named.map_or_else(|| name_of(&grant.user_id), str::to_owned),
            source_identity,
            tags: tags.collect::<Result<_, Failure>>()?,
        })
    }
}

/// The value of a tag: a text, which may be empty, a number or a Boolean.
///
/// Where a policy denies by tag, a missing tag means more rights, so a user without the attribute gets no session.
fn tag_value<P>(attribute: &str, grant: &Grant<P>) -> Result<String, Failure> {
    let refused = |why| Err(Failure::attribute_unusable(attribute, why));
    let value = match grant.profile.get(attribute) {
        _ if attribute == "user_id" => grant.user_id.clone(),
        None | Some(Value::Null) => return Err(Failure::attribute_missing(attribute)),
        Some(Value::String(text)) if text.is_empty() => String::new(),
        // Policies decide by tags, so a tag must not hold an address that is not verified.
        Some(Value::String(_)) => grant.identifying_attribute(attribute)?.to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Bool(boolean)) => boolean.to_string(),
        Some(Value::Array(_) | Value::Object(_)) => {
            return refused("a session tag is a text, a number or a Boolean");
        }
    };
    if value.chars().count() > TAG_CHARS_MAX {
        return refused("a session tag has at most 256 characters");
    }
    if !value.chars().all(is_tag_char) {
        return refused("a session tag has letters, digits, spaces and _.:/=+-@ only");
    }
    Ok(value)
}

fn source_identity(attribute: &str, value: &str) -> Result<String, Failure> {
    if is_session_name(value) {
        Ok(value.to_owned())
    } else {
        Err(Failure::attribute_unusable(
            attribute,
            "a source identity has 2 to 64 letters, digits and _+=,.@-",
        ))
    }
}

/// A session name for any user id. No two ids have the same name. A byte that AWS does not accept becomes `=` and two hex
/// digits; a name that would be too long becomes `=sha256-` and a digest.
fn name_of(user_id: &str) -> String {
    let name: String = user_id
        .bytes()
        .map(|byte| match byte {
            b'=' => "=3D".to_owned(),
            byte if is_name_byte(byte) => char::from(byte).to_string(),
            byte => format!("={byte:02X}"),
        })
        .collect();
    if is_session_name(&name) {
        return name;
    }
    let mut digest = hex::encode(sha256(user_id.as_bytes()));
    digest.truncate(48);
    format!("=sha256-{digest}")
}

fn is_session_name(text: &str) -> bool {
    (2..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_name_byte)
}

const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'+' | b'=' | b',' | b'.' | b'@' | b'-')
}

/// `[\p{L}\p{Z}\p{N}_.:/=+\-@]`, as AWS writes it.
pub(crate) fn is_tag_char(character: char) -> bool {
    // `char::is_alphanumeric` is wider than `\p{L}` and `\p{N}`: it has vowel signs and circled letters.
    match get_general_category(character) {
        UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter => true,
        DecimalNumber | LetterNumber | OtherNumber => true,
        SpaceSeparator | LineSeparator | ParagraphSeparator => true,
        _ => "_.:/=+-@".contains(character),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_user_id_has_a_session_name_that_aws_accepts() {
        let names = [
            ("auth0|alice", "auth0=7Calice"),
            ("auth0=7Calice", "auth0=3D7Calice"),
            ("google-oauth2|113", "google-oauth2=7C113"),
            ("ä", "=C3=A4"),
        ];
        for (user_id, name) in names {
            assert_eq!(name_of(user_id), name);
        }
        for long in [&"x".repeat(65), "x", "", &"|".repeat(22)] {
            assert!(name_of(long).starts_with("=sha256-"), "{long}");
            assert!(is_session_name(&name_of(long)), "{long}");
        }
        assert_eq!(name_of(&"x".repeat(64)), "x".repeat(64));
        assert_ne!(name_of(&"x".repeat(65)), name_of(&"x".repeat(66)));
    }

    #[test]
    fn tag_characters_are_those_of_awss_pattern() {
        for good in "Sä字ǅʰ7Ⅷ½ \u{a0}\u{2028}\u{2029}_.:/=+-@".chars() {
            assert!(is_tag_char(good), "{good:?}");
        }
        // A vowel sign, a circled letter and a combining mark are not letters; a tab and NEL are not separators.
        for bad in "\u{93e}Ⓐ\u{308}\t\n\u{85}\u{200b}&,<*%'\"".chars() {
            assert!(!is_tag_char(bad), "{bad:?}");
        }
    }
}
