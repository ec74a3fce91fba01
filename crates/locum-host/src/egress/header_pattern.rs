//! Names of headers, as manifests declare them for an upstream.

/// The headers that every issuer may set.
const USUAL_HEADERS: [&str; 3] = ["accept", "authorization", "content-type"];

/// Headers that decide where a request goes, how it is framed or on whose behalf it seems to be sent, and those that open a
/// cloud's metadata service to whoever can reach it: <https://cloud.google.com/compute/docs/metadata/querying-metadata>,
/// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>,
/// <https://learn.microsoft.com/azure/virtual-machines/instance-metadata-service>.
const FORBIDDEN_HEADERS: [&str; 24] = [
    "connection",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "http2-settings",
    "keep-alive",
    "metadata",
    "metadata-flavor",
    "set-cookie",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "via",
    "x-google-metadata-request",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-url",
    "x-real-ip",
    "x-rewrite-url",
];

const FORBIDDEN_PREFIXES: [&str; 3] = ["proxy-", "x-aws-ec2-metadata-", "x-forwarded-"];

/// A header's name, or the prefix of a vendor's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderPattern {
    Name(String),
    Prefix(String),
}

impl HeaderPattern {
    /// Parses a name in lower case, or a prefix of the form `x-vendor-*`.
    ///
    /// # Errors
    /// A text that names the pattern and the rule.
    pub(crate) fn parse(pattern: &str) -> Result<Self, String> {
        let is_name = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte))
        };
        let parsed = match pattern.strip_suffix('*') {
            Some(prefix) => is_vendor_prefix(prefix).then(|| Self::Prefix(prefix.to_owned())),
            None => Some(Self::Name(pattern.to_owned())),
        };
        let parsed = parsed.filter(|_| is_name(pattern.trim_end_matches('*'))).ok_or_else(|| {
            format!("`{pattern}` is not a header: use a name in lower case, or a vendor's prefix as in `x-vendor-*`")
        })?;
        let (Self::Name(text) | Self::Prefix(text)) = &parsed;
        if is_forbidden(text) {
            return Err(format!("no plugin may set the header `{pattern}`"));
        }
        Ok(parsed)
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => own == name,
            Self::Prefix(prefix) => name.len() > prefix.len() && name.starts_with(prefix.as_str()),
        }
    }
}

/// Whether requests may have the header of this name, in lower case, if these are declared for their upstream.
pub(crate) fn is_allowed(name: &str, declared: &[HeaderPattern]) -> bool {
    let is_declared = USUAL_HEADERS.contains(&name) || declared.iter().any(|pattern| pattern.matches(name));
    is_declared && !is_forbidden(name)
}

fn is_forbidden(name: &str) -> bool {
    FORBIDDEN_HEADERS.contains(&name) || FORBIDDEN_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// `x-`, a vendor's name of at least two characters, and `-`.
fn is_vendor_prefix(prefix: &str) -> bool {
    let vendor = prefix.strip_prefix("x-").and_then(|rest| rest.strip_suffix('-'));
    vendor.is_some_and(|vendor| vendor.len() >= 2 && !vendor.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_declaration_is_a_name_or_a_vendors_prefix() {
        for valid in ["x-github-api-version", "x-amz-*", "if-match", "x-goog-user-project", "dpop", "x-aws-*"]
        {
            assert!(HeaderPattern::parse(valid).is_ok(), "{valid}");
        }
        for invalid in [
            "",
            "*",
            "x-*",
            "x--*",
            "x-a-*",
            "a-*",
            "X-Amz-Date",
            "x-amz-*-y",
            "x amz",
            "x-amz*",
            "x-amz-**",
            "a:b",
            "ä",
        ] {
            let refused = HeaderPattern::parse(invalid).unwrap_err();
            assert!(refused.contains("is not a header"), "{invalid}: {refused}");
        }
    }

    #[test]
    fn no_declaration_gives_a_header_that_decides_where_a_request_goes() {
        for forbidden in [
            "host",
            "cookie",
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-*",
            "proxy-authorization",
            "connection",
            "metadata-flavor",
            "x-aws-ec2-metadata-token",
            "x-http-method-override",
            "transfer-encoding",
        ] {
            let refused = HeaderPattern::parse(forbidden).unwrap_err();
            assert!(refused.starts_with("no plugin may set"), "{forbidden}: {refused}");
        }
    }

    #[test]
    fn a_prefix_gives_the_names_that_it_begins_and_none_that_is_forbidden() {
        let declared = |pattern: &str| [HeaderPattern::parse(pattern).unwrap()];
        assert!(is_allowed("x-amz-date", &declared("x-amz-*")));
        assert!(!is_allowed("x-amz-", &declared("x-amz-*")));
        assert!(!is_allowed("x-amzn", &declared("x-amz-*")));
        assert!(is_allowed("x-google-region", &declared("x-google-*")));
        assert!(!is_allowed("x-google-metadata-request", &declared("x-google-*")));
        assert!(
            is_allowed("if-match", &declared("if-match"))
                && !is_allowed("if-none-match", &declared("if-match"))
        );
        assert!(is_allowed("accept", &[]) && !is_allowed("x-amz-date", &[]));
    }
}
