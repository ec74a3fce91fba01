//! What a token may do: its repositories and its permissions, and what a request chooses of them.

use std::collections::BTreeMap;

use locum_plugin::prelude::*;

/// The most repositories that GitHub takes in one request.
const REPOSITORIES_MAX: usize = 500;
/// Longest name of a repository.
const REPOSITORY_BYTES_MAX: usize = 100;
/// Longest name of a permission.
const PERMISSION_BYTES_MAX: usize = 64;

/// The repositories that tokens may be for.
pub(crate) enum Repositories {
    Listed(Vec<String>),
    /// All of the installation, also those that are added to it later.
    All,
}

impl Repositories {
    pub(crate) fn listed(names: Vec<String>) -> Result<Self, &'static str> {
        if names.len() > REPOSITORIES_MAX {
            return Err("GitHub takes at most 500 repositories");
        }
        if !names.iter().all(|name| is_repository(name)) {
            return Err(
                "the name of a repository has letters, digits, hyphens, underscores and dots; leave out its owner",
            );
        }
        Ok(Self::Listed(names))
    }

    /// The names to send: those that the request chooses, or those of the settings; `None` for all of the installation.
    pub(crate) fn chosen(&self, named: Option<&str>) -> Result<Option<Vec<String>>, Failure> {
        let refused = |why| Failure::parameter("github_repositories", why);
        let Some(named) = named else {
            return Ok(match self {
                Self::Listed(names) => Some(names.clone()),
                Self::All => None,
            });
        };
        let names: Vec<String> = named.split(' ').map(str::to_owned).collect();
        if names.len() > REPOSITORIES_MAX || !names.iter().all(|name| is_repository(name)) {
            return Err(refused(
                "send names of repositories, without their owner, separated by single spaces",
            ));
        }
        match self {
            Self::Listed(allowed) if !names.iter().all(|name| allowed.contains(name)) => {
                Err(refused("a repository is not allowed"))
            }
            _ => Ok(Some(names)),
        }
    }
}

fn is_repository(name: &str) -> bool {
    (1..=REPOSITORY_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        && ![".", ".."].contains(&name)
}

/// How much a permission allows. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    Read,
    Write,
    Admin,
}

impl Level {
    fn parse(text: &str) -> Option<Self> {
        [("read", Self::Read), ("write", Self::Write), ("admin", Self::Admin)]
            .into_iter()
            .find_map(|(name, level)| (name == text).then_some(level))
    }
}

/// The permissions that tokens may have.
pub(crate) struct Permissions(BTreeMap<String, Level>);

impl Permissions {
    pub(crate) fn new(permissions: BTreeMap<String, Level>) -> Result<Self, &'static str> {
        if permissions.is_empty() {
            return Err(
                "list the permissions that tokens have, such as {contents: read}; without any, GitHub would give all",
            );
        }
        let is_name = |name: &String| {
            (1..=PERMISSION_BYTES_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        if !permissions.keys().all(is_name) {
            return Err("the name of a permission has lower-case letters and underscores");
        }
        Ok(Self(permissions))
    }

    /// All permissions of the settings, or those that the request names, each at most at the level of the settings.
    pub(crate) fn chosen(&self, named: Option<&str>) -> Result<BTreeMap<String, Level>, Failure> {
        let refused = |why| Failure::parameter("github_permissions", why);
        let Some(named) = named else { return Ok(self.0.clone()) };
        let mut chosen = BTreeMap::new();
        for word in named.split(' ') {
            let permission =
                word.split_once(':').and_then(|(name, level)| Some((name, Level::parse(level)?)));
            let (name, level) = permission.ok_or_else(|| {
                refused("send permissions such as contents:read, separated by single spaces")
            })?;
            if self.0.get(name).is_none_or(|allowed| level > *allowed) {
                return Err(refused("a permission is not allowed"));
            }
            if chosen.insert(name.to_owned(), level).is_some() {
                return Err(refused("a permission is named twice"));
            }
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repositories(names: &[&str]) -> Result<Repositories, &'static str> {
        Repositories::listed(names.iter().map(|name| (*name).to_owned()).collect())
    }

    fn permissions(permissions: &[(&str, Level)]) -> Result<Permissions, &'static str> {
        Permissions::new(permissions.iter().map(|(name, level)| ((*name).to_owned(), *level)).collect())
    }

    #[test]
    fn a_request_chooses_among_the_listed_repositories() {
        let listed = repositories(&["web", "api"]).unwrap();
        let names = |names: &[&str]| Ok(Some(names.iter().map(|name| (*name).to_owned()).collect()));
        assert_eq!(listed.chosen(None), names(&["web", "api"]));
        assert_eq!(listed.chosen(Some("api")), names(&["api"]));
        for bad in ["", "other", "api other", "acme/api", "api  web", " api", "Api", "api,web"] {
            assert!(listed.chosen(Some(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(Repositories::All.chosen(None), Ok(None));
        assert_eq!(Repositories::All.chosen(Some("any one")), names(&["any", "one"]));
        for bad in ["", "a/b", "..", ".", "a\n", "ä", &"a".repeat(101), &"a ".repeat(500)] {
            assert!(Repositories::All.chosen(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_list_names_without_owners() {
        assert!(repositories(&["a.b-c_D9", ".github", &"a".repeat(100)]).is_ok());
        for bad in ["", ".", "..", "acme/web", "a b", "a\n", "ä", &"a".repeat(101)] {
            assert!(repositories(&["web", bad]).is_err(), "{bad:?}");
        }
        assert!(repositories(&["a"; 500]).is_ok());
        assert!(repositories(&["a"; 501]).is_err());
    }

    #[test]
    fn a_request_chooses_permissions_up_to_the_level_of_the_settings() {
        let allowed = permissions(&[("contents", Level::Write), ("issues", Level::Read)]).unwrap();
        let chosen = |named| allowed.chosen(named).map(|chosen| json!(chosen));
        assert_eq!(chosen(None), Ok(json!({ "contents": "write", "issues": "read" })));
        assert_eq!(chosen(Some("contents:read")), Ok(json!({ "contents": "read" })));
        assert_eq!(
            chosen(Some("issues:read contents:write")),
            Ok(json!({ "contents": "write", "issues": "read" }))
        );
        for bad in [
            "",
            "contents",
            "contents:",
            "contents:admin",
            "contents:Read",
            "issues:write",
            "secrets:read",
            "contents:read  issues:read",
            "contents:read contents:write",
            "contents:read,issues:read",
            "contents:read:write",
        ] {
            assert!(chosen(Some(bad)).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_name_at_least_one_permission() {
        assert!(permissions(&[]).is_err());
        for bad in ["", "Contents", "a b", "a-b", &"a".repeat(65)] {
            assert!(permissions(&[(bad, Level::Read)]).is_err(), "{bad:?}");
        }
    }
}
