//! The grammars of what an operator copies from Entra: a directory, an application, a scope, an audience.

/// Longest name of a directory: that of a domain.
const DIRECTORY_BYTES_MAX: usize = 253;
/// Longest scope.
const SCOPE_BYTES_MAX: usize = 1024;
/// Longest audience of a federated credential.
const AUDIENCE_CHARS_MAX: usize = 600;
/// Names of no single directory. An application's own tokens belong to one.
const MANY_DIRECTORIES: [&str; 3] = ["common", "consumers", "organizations"];

/// The id of a directory (tenant), or one of its domains. It becomes a segment of a path.
pub(crate) fn is_directory(name: &str) -> bool {
    name.len() <= DIRECTORY_BYTES_MAX
        && !MANY_DIRECTORIES.iter().any(|many| name.eq_ignore_ascii_case(many))
        && name.split('.').all(|label| {
            !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
}

/// The id of an application: a GUID.
pub(crate) fn is_application_id(id: &str) -> bool {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && id.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// All permissions that the application was given on one resource. Other scopes are a user's, and no application has them.
pub(crate) fn is_default_scope(scope: &str) -> bool {
    scope.len() <= SCOPE_BYTES_MAX
        && scope.strip_suffix("/.default").is_some_and(|resource| !resource.is_empty())
        && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// An audience as a federated credential can have it.
pub(crate) fn is_audience(audience: &str) -> bool {
    (1..=AUDIENCE_CHARS_MAX).contains(&audience.chars().count())
        && audience.trim() == audience
        && !audience.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_segment_and_not_many_directories() {
        for good in ["9188040d-6c67-4c5b-b112-36a304b66dad", "acme.onmicrosoft.com", "acme.example.com"] {
            assert!(is_directory(good), "{good}");
        }
        let long = "a".repeat(254);
        for bad in [
            "",
            "common",
            "Organizations",
            "consumers",
            "a/b",
            "..",
            "a..b",
            "a?b",
            "a#b",
            "a b",
            "a%2fb",
            "ä",
            &long,
        ] {
            assert!(!is_directory(bad), "{bad}");
        }
    }

    #[test]
    fn an_application_is_named_by_a_guid() {
        assert!(is_application_id("11111111-2222-3333-4444-55555555ABcd"));
        for bad in [
            "",
            "acme",
            "11111111222233334444555555555555",
            "{11111111-2222-3333-4444-555555555555}",
            "11111111-2222-3333-4444-55555555555",
            "11111111-2222-3333-4444-55555555555g",
            "11111111-2222-3333-4444-555555555555-6666",
        ] {
            assert!(!is_application_id(bad), "{bad}");
        }
    }

    #[test]
    fn a_scope_is_the_default_one_of_one_resource() {
        for good in [
            "https://graph.microsoft.com/.default",
            "api://acme/.default",
            "https://management.azure.com//.default",
        ] {
            assert!(is_default_scope(good), "{good}");
        }
        let long = format!("{}/.default", "a".repeat(1016));
        for bad in [
            "",
            "/.default",
            ".default",
            "https://graph.microsoft.com/User.Read",
            "a/.default b/.default",
            "a\"/.default",
            "ä/.default",
            &long,
        ] {
            assert!(!is_default_scope(bad), "{bad}");
        }
    }

    #[test]
    fn an_audience_is_a_text_that_entra_takes() {
        assert!(is_audience("api://AzureADTokenExchange"));
        assert!(is_audience(&"ä".repeat(600)));
        for bad in ["", " ", "a ", "a\n", &"a".repeat(601)] {
            assert!(!is_audience(bad), "{bad}");
        }
    }
}
