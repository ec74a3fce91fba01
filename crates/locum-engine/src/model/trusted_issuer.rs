//! Issuers other than the tenant whose tokens it accepts.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::model::{InvalidIssuerUrl, IssuerUrl, PublicKeyAlgorithm};

/// An OpenID provider whose tokens are accepted as subject tokens, besides the tenant's own.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TrustedIssuer {
    /// The `iss` of its tokens, which is compared to the letter.
    pub issuer: String,
    /// Where its public keys are.
    pub keys: IssuerKeySource,
    /// The types of its tokens that are accepted.
    pub token_types: Vec<TokenType>,
    /// For whom its tokens must have been issued.
    pub audiences: Audiences,
    /// The algorithms that its tokens may be signed with.
    pub algorithms: Vec<PublicKeyAlgorithm>,
    /// How a token names the user.
    pub user_id: UserIdRule,
    /// Claims that it calls by other names: our name, and its own.
    pub claims: BTreeMap<String, String>,
}

impl TrustedIssuer {
    /// An issuer whose id_tokens must be for the calling client, signed with one of
    /// [the usual algorithms](PublicKeyAlgorithm::DEFAULT).
    pub fn new(issuer: impl Into<String>, keys: IssuerKeySource, user_id: UserIdRule) -> Self {
        Self {
            issuer: issuer.into(),
            keys,
            token_types: vec![TokenType::IdToken],
            audiences: Audiences::CallingClient,
            algorithms: PublicKeyAlgorithm::DEFAULT.to_vec(),
            user_id,
            claims: BTreeMap::new(),
        }
    }
}

/// The type of a token, as its header states it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenType {
    /// An id_token (OpenID Connect Core section 2): `typ` is `JWT` or absent.
    IdToken,
    /// An access token (RFC 9068 section 2.1): `typ` is `at+jwt`.
    AccessToken,
}

/// An issuer that the tenant had before, such as its domain at Auth0. Its tokens count as the tenant's own: they are for the
/// same users and the same clients.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FormerIssuer {
    /// The `iss` of its tokens, which is compared to the letter.
    pub issuer: String,
    /// Its public keys, for clients whose id_tokens are signed with RS256. Those of the others are signed with the client's
    /// secret.
    pub keys: Option<IssuerKeySource>,
}

impl FormerIssuer {
    /// A former issuer, with the keys that it signs RS256 tokens with.
    pub fn new(issuer: impl Into<String>, keys: Option<IssuerKeySource>) -> Self {
        Self { issuer: issuer.into(), keys }
    }
}

/// Where the public keys of an issuer are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum IssuerKeySource {
    /// A JWK Set (RFC 7517 section 5), as JSON.
    Set(String),
    /// A JWK Set that is fetched from the issuer.
    Remote(RemoteKeys),
}

/// Where an issuer publishes its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteKeys {
    /// What is fetched.
    pub location: KeyLocation,
    /// The authorities (PEM) whose certificates the issuer's servers have; those that the system trusts if absent.
    pub authorities_pem: Option<String>,
    /// For how long after they expired the keys are used while they cannot be fetched again.
    pub stale_if_error: Duration,
}

impl RemoteKeys {
    /// Keys that are used for a day while they cannot be fetched, from servers that the system trusts.
    pub fn new(location: KeyLocation) -> Self {
        Self { location, authorities_pem: None, stale_if_error: Duration::from_secs(24 * 3600) }
    }
}

/// What is fetched for the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyLocation {
    /// The JWK Set.
    JwkSet(IssuerUrl),
    /// The issuer's OpenID configuration, which names the JWK Set (OpenID Connect Discovery 1.0 section 4).
    Discovery(IssuerUrl),
}

impl KeyLocation {
    /// The OpenID configuration of this issuer.
    ///
    /// # Errors
    /// The issuer is not a URL that documents are fetched from.
    pub fn discovery(issuer: &str) -> Result<Self, InvalidIssuerUrl> {
        let base = issuer.strip_suffix('/').unwrap_or(issuer);
        format!("{base}/.well-known/openid-configuration").parse().map(Self::Discovery)
    }

    /// The URL.
    pub fn url(&self) -> &IssuerUrl {
        match self {
            Self::JwkSet(url) | Self::Discovery(url) => url,
        }
    }
}

/// Whom a token must have been issued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audiences {
    /// The client that presents it.
    CallingClient,
    /// One of these, whichever client presents it.
    Listed(Vec<String>),
}

/// How a token of a trusted issuer names the user: the value of a claim, with a prefix that tells its users from those of
/// other issuers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserIdRule {
    /// What is put before the value.
    pub prefix: String,
    /// The name of the claim.
    pub claim: String,
    /// Whether ids of this issuer may be those of users of the tenant, or of other issuers.
    pub shares_users: bool,
}

/// The text does not say how a token names the user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write a prefix and the name of a claim in braces, such as `corp|{{sub}}`")]
pub struct InvalidUserIdRule;

impl FromStr for UserIdRule {
    type Err = InvalidUserIdRule;

    /// Reads a rule such as `corp|{sub}`, which shares no users.
    fn from_str(text: &str) -> Result<Self, InvalidUserIdRule> {
        let (prefix, claim) = text.split_once('{').ok_or(InvalidUserIdRule)?;
        let claim = claim.strip_suffix('}').ok_or(InvalidUserIdRule)?;
        let is_usable = !claim.is_empty()
            && !claim.contains(['{', '}'])
            && !prefix.contains('}')
            && !text.chars().any(char::is_control);
        is_usable
            .then(|| Self { prefix: prefix.to_owned(), claim: claim.to_owned(), shares_users: false })
            .ok_or(InvalidUserIdRule)
    }
}

impl fmt::Display for UserIdRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{{{}}}", self.prefix, self.claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_a_prefix_and_a_claim() {
        for (text, prefix, claim) in
            [("corp|{sub}", "corp|", "sub"), ("{oid}", "", "oid"), ("a b{x y}", "a b", "x y")]
        {
            let rule: UserIdRule = text.parse().unwrap();
            assert_eq!(
                (rule.prefix.as_str(), rule.claim.as_str(), rule.shares_users),
                (prefix, claim, false)
            );
            assert_eq!(rule.to_string(), text);
        }
        for text in [
            "",
            "sub",
            "corp|{}",
            "corp|{sub",
            "corp|sub}",
            "{sub}x",
            "{a}{b}",
            "{{sub}}",
            "}{sub}",
            "a\n{sub}",
        ] {
            assert_eq!(text.parse::<UserIdRule>(), Err(InvalidUserIdRule), "{text}");
        }
    }
}
