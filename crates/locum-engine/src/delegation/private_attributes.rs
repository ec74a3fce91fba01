//! The attributes that no scope selects, whatever is stored: credentials, and what Auth0 keeps for administrators.

use crate::delegation::snake_case::snake_case;
use crate::model::AttributePattern;

/// Names as Auth0 writes them, and what names of secrets end with.
const NAMES: [&str; 2] = ["identities", "app_metadata"];
const BEGINNING: &str = "password";
const ENDINGS: [&str; 4] = ["_hash", "_token", "_secret", "_key"];

/// Whether the attribute is private: one of the names above, in any case and in camel case too, or one that the tenant
/// adds.
pub(super) fn is_private(name: &str, added: &[AttributePattern]) -> bool {
    let listed = |name: &str| {
        NAMES.contains(&name)
            || name.starts_with(BEGINNING)
            || ENDINGS.iter().any(|ending| name.ends_with(ending))
            || added.iter().any(|pattern| pattern.matches(name))
    };
    if name.contains(|c: char| c.is_ascii_uppercase()) {
        listed(&name.to_ascii_lowercase()) || listed(&snake_case(name))
    } else {
        listed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_private_in_every_spelling() {
        for name in [
            "identities",
            "Identities",
            "app_metadata",
            "appMetadata",
            "password",
            "PasswordSalt",
            "password_set_date",
            "pin_hash",
            "access_token",
            "accessToken",
            "ACCESS_TOKEN",
            "client_secret",
            "api_key",
            "apiKey",
        ] {
            assert!(is_private(name, &[]), "{name}");
        }
    }

    #[test]
    fn other_attributes_are_not() {
        for name in
            ["name", "user_metadata", "tokens", "monkey", "keyboard", "hash", "secretary", "my_password"]
        {
            assert!(!is_private(name, &[]), "{name}");
        }
    }

    #[test]
    fn a_tenant_adds_names_and_patterns() {
        let added = ["Salary", "hr_*", "*_ssn"].map(|pattern| pattern.parse().unwrap());
        for name in ["salary", "hr_grade", "hrGrade", "us_ssn"] {
            assert!(is_private(name, &added), "{name}");
        }
        for name in ["salary_band", "xhr_grade", "ssn", "name"] {
            assert!(!is_private(name, &added), "{name}");
        }
    }
}
