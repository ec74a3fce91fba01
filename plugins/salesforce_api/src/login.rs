//! The URL that tokens are requested at, and the audience of the request.

/// Longest path of a community.
const SECTION_BYTES_MAX: usize = 64;

/// A login host.
#[derive(Debug)]
pub(crate) struct Login {
    /// Salesforce's login host, for production or for sandboxes.
    pub(crate) home: &'static str,
    /// Another host to send requests to.
    pub(crate) endpoint: Option<String>,
}

impl Login {
    /// The `aud` that Salesforce demands: the community, or the login host.
    pub(crate) fn audience(&self, community: Option<&Community>) -> String {
        community.map_or_else(|| self.home.to_owned(), Community::url)
    }

    /// The URL before `/services/oauth2/…`.
    pub(crate) fn base(&self, community: Option<&Community>) -> String {
        match &self.endpoint {
            Some(endpoint) => endpoint.trim_end_matches('/').to_owned(),
            None => self.audience(community),
        }
    }
}

/// A community (Experience Cloud site) on `force.com`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Community {
    name: String,
    section: Option<String>,
}

/// The part of a community that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Name,
    Section,
    NameMissing,
}

impl Wrong {
    /// The setting or parameter at fault, of the two that are given.
    pub(crate) const fn of(self, name: &'static str, section: &'static str) -> &'static str {
        match self {
            Self::Name | Self::NameMissing => name,
            Self::Section => section,
        }
    }

    pub(crate) const fn why(self) -> &'static str {
        match self {
            Self::Name => "a community's name is one DNS label: letters, digits and inner hyphens",
            Self::Section => "a community's path is 1 to 64 letters, digits, hyphens and underscores",
            Self::NameMissing => "a community's path needs its name",
        }
    }
}

impl Community {
    /// A community, if a name is given. Name and path become parts of a URL, so their grammar permits one DNS label and one
    /// path segment.
    pub(crate) fn parse(name: Option<&str>, section: Option<&str>) -> Result<Option<Self>, Wrong> {
        let Some(name) = name else {
            return if section.is_some() { Err(Wrong::NameMissing) } else { Ok(None) };
        };
        let is_label = (1..=63).contains(&name.len())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !name.starts_with('-')
            && !name.ends_with('-');
        if !is_label {
            return Err(Wrong::Name);
        }
        let is_section = |section: &str| {
            (1..=SECTION_BYTES_MAX).contains(&section.len())
                && section.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if section.is_some_and(|section| !is_section(section)) {
            return Err(Wrong::Section);
        }
        Ok(Some(Self { name: name.to_owned(), section: section.map(str::to_owned) }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn section(&self) -> Option<&str> {
        self.section.as_deref()
    }

    fn url(&self) -> String {
        match &self.section {
            Some(section) => format!("https://{}.force.com/{section}", self.name),
            None => format!("https://{}.force.com", self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_community_is_one_dns_label_and_one_path_segment() {
        let url = |name: &str, section: Option<&str>| {
            Community::parse(Some(name), section).map(|community| community.unwrap().url())
        };
        assert_eq!(url("acme", Some("customers")).as_deref(), Ok("https://acme.force.com/customers"));
        assert_eq!(url("acme-2", None).as_deref(), Ok("https://acme-2.force.com"));
        for bad in [
            "",
            "a.b",
            "a/b",
            "evil.example.com/",
            "a@b",
            "-a",
            "a-",
            "a b",
            "ä",
            "a#",
            "a:1",
            &"a".repeat(64),
        ] {
            assert_eq!(url(bad, None), Err(Wrong::Name), "{bad}");
        }
        for bad in ["", "a/b", "..", ".", "a?b", "a#b", "a b", "a%2f", "ä", &"a".repeat(65)] {
            assert_eq!(url("acme", Some(bad)), Err(Wrong::Section), "{bad}");
        }
    }

    #[test]
    fn a_path_without_a_name_is_refused() {
        assert_eq!(Community::parse(None, Some("customers")), Err(Wrong::NameMissing));
        assert_eq!(Community::parse(None, None), Ok(None));
    }
}
