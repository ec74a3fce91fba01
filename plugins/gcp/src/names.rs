//! The grammars of what an operator copies from Google: a provider, a service account, a scope, an audience.

/// Longest name of any kind.
const NAME_BYTES_MAX: usize = 1024;
/// Longest address of a service account.
const EMAIL_BYTES_MAX: usize = 256;

/// The full resource name of a provider of a workload identity pool, as Google writes it.
pub(crate) fn is_provider(name: &str) -> bool {
    let Some(path) = name.strip_prefix("//iam.googleapis.com/") else { return false };
    let segments: Vec<&str> = path.split('/').collect();
    let [projects, number, locations, global, pools, pool, providers, provider] = segments.as_slice() else {
        return false;
    };
    (*projects, *locations, *global, *pools, *providers)
        == ("projects", "locations", "global", "workloadIdentityPools", "providers")
        && (1..=20).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && is_pool_id(pool)
        && is_pool_id(provider)
}

/// The id of a pool or of a provider.
fn is_pool_id(id: &str) -> bool {
    (4..=32).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The address of a service account. It becomes a segment of a path, so its grammar permits letters, digits, hyphens and
/// dots.
pub(crate) fn is_service_account(email: &str) -> bool {
    let Some((name, domain)) = email.split_once('@') else { return false };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    email.len() <= EMAIL_BYTES_MAX
        && name.split('.').all(is_label)
        && domain.split('.').all(is_label)
        && domain.ends_with(".gserviceaccount.com")
}

/// A scope token of OAuth 2.0 (RFC 6749 section 3.3).
pub(crate) fn is_scope(scope: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&scope.len())
        && scope.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

/// An audience: any text that can be told from another by reading it.
pub(crate) fn is_audience(audience: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&audience.len())
        && audience.trim() == audience
        && !audience.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROVIDER: &str = "//iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/my-pool/providers/locum-1";

    #[test]
    fn a_provider_is_its_full_resource_name() {
        assert!(is_provider(PROVIDER));
        for (part, other) in [
            ("//iam", "https://iam"),
            ("//iam", "iam"),
            ("iam.googleapis.com", "iam.example.com"),
            ("123456789012", "my-project"),
            ("123456789012", ""),
            ("global", "eu"),
            ("workloadIdentityPools", "workforcePools"),
            ("my-pool", "abc"),
            ("my-pool", "My-pool"),
            ("my-pool", "my/pool"),
            ("locum-1", "locum 1"),
            ("locum-1", "locum-1/"),
            ("locum-1", "locum-1?x"),
            ("/providers/locum-1", ""),
        ] {
            let name = PROVIDER.replace(part, other);
            assert!(!is_provider(&name), "{name}");
        }
        assert!(is_provider(&PROVIDER.replace("my-pool", &"a".repeat(32))));
        assert!(!is_provider(&PROVIDER.replace("my-pool", &"a".repeat(33))));
    }

    #[test]
    fn a_service_account_is_an_address_that_needs_no_escapes_in_a_path() {
        for good in [
            "reader@my-project.iam.gserviceaccount.com",
            "reader@my-project.example.com.iam.gserviceaccount.com",
            "123456789012-compute@developer.gserviceaccount.com",
            "my-project@appspot.gserviceaccount.com",
        ] {
            assert!(is_service_account(good), "{good}");
        }
        for bad in [
            "",
            "reader",
            "reader@",
            "@my-project.iam.gserviceaccount.com",
            "reader@my-project.iam.example.com",
            "reader@evil-gserviceaccount.com",
            "reader@x@my-project.iam.gserviceaccount.com",
            "a/b@my-project.iam.gserviceaccount.com",
            "a:b@my-project.iam.gserviceaccount.com",
            "a?b@my-project.iam.gserviceaccount.com",
            "a%2fb@my-project.iam.gserviceaccount.com",
            "..@my-project.iam.gserviceaccount.com",
            "a@..gserviceaccount.com",
            "A@my-project.iam.gserviceaccount.com",
            "a b@my-project.iam.gserviceaccount.com",
            &format!("{}@my-project.iam.gserviceaccount.com", "a".repeat(256)),
        ] {
            assert!(!is_service_account(bad), "{bad}");
        }
    }

    #[test]
    fn scopes_and_audiences_are_one_word_and_one_text() {
        assert!(is_scope("https://www.googleapis.com/auth/devstorage.read_only"));
        for bad in ["", "a b", "a\"", "a\\", "ä", "a\n", &"a".repeat(1025)] {
            assert!(!is_scope(bad), "{bad}");
        }
        assert!(is_audience("https://service-1234.a.run.app/a path"));
        for bad in ["", " ", "a ", "a\nb", &"a".repeat(1025)] {
            assert!(!is_audience(bad), "{bad}");
        }
    }
}
