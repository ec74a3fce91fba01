//! The name of a new plugin, and its spellings.

use crate::scaffold::error::ScaffoldError;

/// Maximum length of a name, in bytes.
const NAME_BYTES_MAX: usize = 40;

/// A name that is valid for a plugin, a crate, an api_type and a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PluginName {
    kebab: String,
    snake: String,
}

impl PluginName {
    /// Words of lower-case letters and digits, joined by `-` or `_`; the first character is a letter.
    pub(crate) fn parse(name: &str) -> Result<Self, ScaffoldError> {
        let is_word = |word: &str| {
            !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        };
        let why = match name {
            _ if name.len() > NAME_BYTES_MAX => "it has more than 40 characters",
            _ if !name.starts_with(|first: char| first.is_ascii_lowercase()) => {
                "it must start with a lower-case letter"
            }
            _ if !name.split(['-', '_']).all(is_word) => {
                "it must be lower-case letters and digits, in words joined by single hyphens"
            }
            _ => return Ok(Self { kebab: name.replace('_', "-"), snake: name.replace('-', "_") }),
        };
        Err(ScaffoldError::InvalidName { name: name.to_owned(), why })
    }

    /// The spelling of crates: `car-park` in `locum-plugin-car-park`.
    pub(crate) fn kebab(&self) -> &str {
        &self.kebab
    }

    /// The spelling of plugins, api_types and folders: `car_park`.
    pub(crate) fn snake(&self) -> &str {
        &self.snake
    }

    /// The spelling of types: `CarPark`.
    pub(crate) fn pascal(&self) -> String {
        let mut pascal = String::new();
        for word in self.kebab.split('-') {
            let mut letters = word.chars();
            pascal.extend(letters.next().map(|first| first.to_ascii_uppercase()));
            pascal.push_str(letters.as_str());
        }
        pascal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_three_spellings() {
        for given in ["car-park-2", "car_park_2"] {
            let name = PluginName::parse(given).unwrap();
            assert_eq!(
                (name.kebab(), name.snake(), name.pascal().as_str()),
                ("car-park-2", "car_park_2", "CarPark2")
            );
        }
    }

    #[test]
    fn a_name_that_cargo_or_the_host_refuses_is_invalid() {
        let long = "a".repeat(41);
        for name in ["", "Parking", "2fast", "-a", "a-", "a--b", "a b", "a/b", "..", "ä", "a.b", &long] {
            assert!(
                matches!(PluginName::parse(name), Err(ScaffoldError::InvalidName { .. })),
                "{name:?} was taken"
            );
        }
        assert!(PluginName::parse(&"a".repeat(40)).is_ok());
    }
}
