//! Names of containers, blobs and accounts. A name outside the grammar is refused and never corrected.

/// Longest blob name.
const BLOB_CHARS_MAX: usize = 1024;
/// The largest number of segments in a blob name.
const BLOB_SEGMENTS_MAX: usize = 254;
/// Containers with names that Azure defines.
const SYSTEM_CONTAINERS: [&str; 3] = ["$root", "$web", "$logs"];

/// The name of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ContainerName(String);

impl ContainerName {
    /// 3 to 63 characters of `a-z`, `0-9` and single hyphens, without a hyphen at either end; or a system container.
    pub(crate) fn parse(name: &str) -> Result<Self, &'static str> {
        let good = (3..=63).contains(&name.len())
            && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && name.split('-').all(|part| !part.is_empty());
        if !good && !SYSTEM_CONTAINERS.contains(&name) {
            return Err("a container name has 3 to 63 lower-case letters, digits and single hyphens");
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether Azure defines what the container is for: a website, logs, or the root of the account.
    pub(crate) fn is_system(&self) -> bool {
        SYSTEM_CONTAINERS.contains(&self.as_str())
    }
}

/// The name of a blob.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BlobName(String);

impl BlobName {
    /// 1 to 1024 characters in at most 254 segments between `/`. The name is what Azure stores, not its percent-encoded
    /// form, so `a%20b`, `a//b`, `dir/` and `a.` are names of their own and are never corrected.
    ///
    /// Refused is what Azure or the client of a URL would read as another name: the segments `.` and `..`, control
    /// characters and `\`, which Azure reads as `/`.
    pub(crate) fn parse(name: &str) -> Result<Self, &'static str> {
        if name.is_empty() || name.chars().count() > BLOB_CHARS_MAX {
            return Err("a blob name has 1 to 1024 characters");
        }
        if name.split('/').count() > BLOB_SEGMENTS_MAX {
            return Err("a blob name has at most 254 segments");
        }
        if name.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err("no segment of a blob name is . or ..");
        }
        if name.chars().any(|character| character.is_control() || character == '\\') {
            return Err("a blob name has no control character and no backslash");
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether it can be a storage account's name: 3 to 24 characters of `a-z` and `0-9`.
pub(crate) fn is_account_name(name: &str) -> bool {
    (3..=24).contains(&name.len()) && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn container_names_follow_azures_grammar() {
        for good in ["abc", "my-container", "0-9", &"a".repeat(63), "$root", "$web", "$logs"] {
            assert!(ContainerName::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["", "ab", &"a".repeat(64), "My-container", "-abc", "abc-", "a--b", "a_b", "a/b", "a.b", "$me"]
        {
            assert!(ContainerName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_blob_name_that_azure_takes_is_taken_as_it_is() {
        let names = [
            "b",
            "dir/my blob.txt",
            "a.b/c",
            ".hidden",
            "...",
            "ä/+&?#'",
            "100%",
            "a%20b",
            "%2e%2e/a",
            "dir/",
            "a//b",
            "/a",
            "/",
            "a.",
            "a./b",
            "a*",
            &"x".repeat(1024),
            &"ä".repeat(1024),
        ];
        for name in names {
            assert_eq!(BlobName::parse(name).map(|parsed| parsed.0).as_deref(), Ok(name));
        }
        assert!(BlobName::parse(&vec!["s"; 254].join("/")).is_ok());
    }

    #[test]
    fn blob_names_that_would_be_read_as_another_name_are_refused() {
        for bad in ["", ".", "..", "../a", "a/../b", "a/.", "./a", "a\\b", "a\nb", "a\0", "a\u{81}"] {
            assert!(BlobName::parse(bad).is_err(), "{bad:?}");
        }
        assert!(BlobName::parse(&"x".repeat(1025)).is_err());
        assert!(BlobName::parse(&vec!["s"; 255].join("/")).is_err());
    }

    #[test]
    fn account_names_have_3_to_24_lower_case_letters_and_digits() {
        for good in ["abc", "devstoreaccount1", &"a".repeat(24)] {
            assert!(is_account_name(good), "{good}");
        }
        for bad in ["", "ab", &"a".repeat(25), "Acme", "ac-me", "ac/me"] {
            assert!(!is_account_name(bad), "{bad}");
        }
    }
}
