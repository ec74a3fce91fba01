//! What a new plugin shall do, parsed.

use url::{Host, Url};

use crate::scaffold::error::ScaffoldError;
use crate::scaffold::name::PluginName;

/// The upstream of a plugin that is revocable, if none is named.
const EXAMPLE_URL: &str = "https://login.example.com/token";

/// The plugin that a scaffold starts.
#[derive(Debug, Clone, Default)]
pub struct NewPlugin {
    /// Its name, such as `car-park`.
    pub name: String,
    /// The upstream that issues its tokens: a host, which is the same for all operators, or an example of the URL that an
    /// operator sets. If absent, it issues its tokens itself, unless it is revocable.
    pub upstream: Option<String>,
    /// Whether its upstream revokes tokens.
    pub revocable: bool,
    /// Whether the host signs for it with a private key of its settings, RS256. Otherwise it signs itself, HS256.
    pub rs256: bool,
}

impl NewPlugin {
    /// A plugin that signs its tokens with a secret of its settings.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// A plugin with a valid name and a valid upstream.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) name: PluginName,
    pub(crate) upstream: Option<NewUpstream>,
    pub(crate) revocable: bool,
    pub(crate) rs256: bool,
}

/// Where a new plugin gets its tokens from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NewUpstream {
    /// A host of the manifest.
    Host(String),
    /// The URL in a setting.
    Setting(String),
}

impl Plan {
    pub(crate) fn parse(new: &NewPlugin) -> Result<Self, ScaffoldError> {
        let upstream = match (&new.upstream, new.revocable) {
            (Some(upstream), _) => Some(NewUpstream::parse(upstream)?),
            (None, true) => Some(NewUpstream::Setting(EXAMPLE_URL.to_owned())),
            (None, false) => None,
        };
        Ok(Self { name: PluginName::parse(&new.name)?, upstream, revocable: new.revocable, rs256: new.rs256 })
    }
}

impl NewUpstream {
    fn parse(upstream: &str) -> Result<Self, ScaffoldError> {
        let parsed = if upstream.contains("://") { token_url(upstream) } else { host(upstream) };
        parsed.map_err(|why| ScaffoldError::InvalidUpstream { upstream: upstream.to_owned(), why })
    }

    /// The URL at which it issues tokens.
    pub(crate) fn token_url(&self) -> String {
        match self {
            Self::Host(host) => format!("https://{host}/token"),
            Self::Setting(url) => url.clone(),
        }
    }

    /// The URL beside it, at which it revokes them.
    pub(crate) fn revocation_url(&self) -> String {
        let token_url = self.token_url();
        let folder = token_url.rsplit_once('/').map_or(token_url.as_str(), |(folder, _)| folder);
        format!("{folder}/revoke")
    }
}

fn host(host: &str) -> Result<NewUpstream, &'static str> {
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if host.contains('.') && host.split('.').all(is_label) {
        Ok(NewUpstream::Host(host.to_owned()))
    } else {
        Err("name a host, such as `login.example.com`, or a URL that starts with https://")
    }
}

/// The texts of the new plugin hold it in quotes of Rust, JSON and YAML, so its characters are few.
fn token_url(text: &str) -> Result<NewUpstream, &'static str> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~:/%[]".contains(&byte));
    let url = Url::parse(text).ok().filter(|url| is_plain && url.username().is_empty());
    let Some(url) = url else {
        return Err("it must be a URL without spaces, user info, query and fragment");
    };
    let is_local = match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => {}
        "http" if is_local => {}
        _ => return Err("it must start with https://, or with http:// on this machine"),
    }
    let path = match url.path() {
        "/" => "/token",
        path => path.trim_end_matches('/'),
    };
    Ok(NewUpstream::Setting(format!("{}{path}", url.origin().ascii_serialization())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(upstream: &str) -> Option<(String, String)> {
        let upstream = NewUpstream::parse(upstream).ok()?;
        Some((upstream.token_url(), upstream.revocation_url()))
    }

    #[test]
    fn a_host_is_fixed_and_a_url_is_a_setting() {
        assert_eq!(
            NewUpstream::parse("login.example.com").unwrap(),
            NewUpstream::Host("login.example.com".to_owned())
        );
        for (upstream, token, revocation) in [
            ("login.example.com", "https://login.example.com/token", "https://login.example.com/revoke"),
            ("https://a.example.com", "https://a.example.com/token", "https://a.example.com/revoke"),
            (
                "https://a.example.com:8443/o/t/",
                "https://a.example.com:8443/o/t",
                "https://a.example.com:8443/o/revoke",
            ),
            ("http://127.0.0.1:9000/token", "http://127.0.0.1:9000/token", "http://127.0.0.1:9000/revoke"),
        ] {
            assert_eq!(urls(upstream), Some((token.to_owned(), revocation.to_owned())), "{upstream}");
        }
    }

    #[test]
    fn what_is_neither_a_host_nor_a_url_is_refused() {
        for upstream in [
            "",
            "login",
            "-a.example.com",
            "Login.example.com",
            "login.example.com/token",
            "http://login.example.com/token",
            "ftp://login.example.com",
            "https://",
            "https://a@login.example.com/",
            "https://login.example.com/?a=b",
            "https://login.example.com/#a",
            "https://login.example.com/\"",
            "https://login.example.com/a b",
            "https://login.example.com/@name@",
        ] {
            assert_eq!(urls(upstream), None, "{upstream}");
        }
    }

    #[test]
    fn a_revocable_plugin_has_an_upstream() {
        let plan = |revocable| Plan::parse(&NewPlugin { revocable, ..NewPlugin::named("a") }).unwrap();
        assert_eq!(plan(true).upstream, Some(NewUpstream::Setting(EXAMPLE_URL.to_owned())));
        assert_eq!(plan(false).upstream, None);
    }
}
