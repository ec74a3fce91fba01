//! The issuers besides a tenant whose tokens it accepts, with their parsed keys.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::model::{
    Audiences, FormerIssuer, IssuerKeySource, RemoteKeys, Tenant, TokenType, TrustedIssuer, UserIdRule,
};
use crate::subject_token::{InvalidKeySet, KeySet, is_of_the_token};

/// The former and the trusted issuers of a tenant.
#[derive(Debug, Default)]
pub(crate) struct OtherIssuers(Vec<OtherIssuer>);

/// An issuer besides the tenant.
#[derive(Debug)]
pub(crate) struct OtherIssuer {
    pub(crate) issuer: String,
    pub(crate) keys: OtherKeys,
    /// `None` if its tokens count as the tenant's own.
    pub(crate) trusted: Option<TrustedIssuer>,
}

/// The keys of an issuer.
#[derive(Debug)]
pub(crate) enum OtherKeys {
    /// They are in the tenant's data.
    Held(KeySet),
    /// A port fetches them.
    Remote(RemoteIssuer),
}

/// An issuer whose keys are fetched.
#[derive(Debug, Clone)]
pub struct RemoteIssuer {
    issuer: String,
    keys: RemoteKeys,
    id: [u8; 32],
}

impl RemoteIssuer {
    /// An issuer that publishes its keys there.
    pub fn new(issuer: impl Into<String>, keys: RemoteKeys) -> Self {
        let issuer = issuer.into();
        let mut id = Context::new(&SHA256);
        for part in
            [&issuer, &format!("{:?}", keys.location), keys.authorities_pem.as_deref().unwrap_or_default()]
        {
            id.update(&part.len().to_be_bytes());
            id.update(part.as_bytes());
        }
        let id = <[u8; 32]>::try_from(id.finish().as_ref()).unwrap_or_default();
        Self { issuer, keys, id }
    }

    /// The `iss` of its tokens.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Where its keys are.
    pub fn keys(&self) -> &RemoteKeys {
        &self.keys
    }

    /// Equal for two that have one issuer, one location and the same authorities, so that their keys are fetched once.
    pub fn id(&self) -> [u8; 32] {
        self.id
    }
}

/// An issuer that cannot be trusted so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidIssuer {
    /// Which one.
    pub place: IssuerPlace,
    /// What is wrong with it.
    pub problem: IssuerProblem,
}

/// The place of an issuer in a [`Tenant`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IssuerPlace {
    /// The index in [`Tenant::former_issuers`].
    Former(usize),
    /// The index in [`Tenant::trusted_issuers`].
    Trusted(usize),
}

impl fmt::Display for IssuerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Former(index) => write!(f, "former issuer {index}"),
            Self::Trusted(index) => write!(f, "trusted issuer {index}"),
        }
    }
}

impl fmt::Display for InvalidIssuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.problem)
    }
}

impl std::error::Error for InvalidIssuer {}

/// Why an issuer cannot be trusted as the tenant says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerProblem {
    /// Its `iss` is that of the tenant or of an earlier issuer.
    #[error("the issuer `{0}` is there twice; a token could be meant for either")]
    Twice(String),
    /// The keys cannot be used.
    #[error("its keys cannot be used: {0}")]
    Keys(#[from] InvalidKeySet),
    /// Its users could not be told from those of the tenant.
    #[error(
        "its `user_id` has no prefix, so its users could be taken for the tenant's; write one, such as `corp|{{sub}}`, or set `shares_users` if they are the same"
    )]
    NoPrefix,
    /// Its users could not be told from those of another issuer.
    #[error(
        "its users could be taken for those of `{0}`: one prefix of `user_id` begins with the other; change one, or set `shares_users` if they are the same"
    )]
    SamePrefix(String),
    /// Its access tokens would be accepted whomever they are for.
    #[error("its access tokens are for APIs, not for clients: list the `audiences` that they may have")]
    NoAudiences,
    /// A claim about the token itself would be read from elsewhere.
    #[error("`claims` renames `{0}`, which is about the token and not about the user; remove it")]
    ClaimOfTheToken(String),
    /// Its keys would be fetched from Locum itself.
    #[error("its keys are at the tenant's own domain, which is this server: it would ask itself")]
    OwnDomain,
}

impl OtherIssuers {
    /// Reads the keys, and checks that the users of no issuer can be taken for those of another. An issuer with a problem is
    /// left out.
    pub(super) fn read(tenant: &Tenant) -> (Self, Vec<InvalidIssuer>) {
        let mut issuers = Self::default();
        let mut invalid = Vec::new();
        let mut add = |place, issuer: &str, keys, trusted| {
            let added = issuers.add(tenant, issuer, keys, trusted);
            invalid.extend(added.err().map(|problem| InvalidIssuer { place, problem }));
        };
        for (index, FormerIssuer { issuer, keys }) in tenant.former_issuers.iter().enumerate() {
            add(IssuerPlace::Former(index), issuer, keys.as_ref(), None);
        }
        for (index, trusted) in tenant.trusted_issuers.iter().enumerate() {
            add(IssuerPlace::Trusted(index), &trusted.issuer, Some(&trusted.keys), Some(trusted));
        }
        (issuers, invalid)
    }

    fn add(
        &mut self,
        tenant: &Tenant,
        issuer: &str,
        keys: Option<&IssuerKeySource>,
        trusted: Option<&TrustedIssuer>,
    ) -> Result<(), IssuerProblem> {
        if issuer == tenant.issuer() || self.find(issuer).is_some() {
            return Err(IssuerProblem::Twice(issuer.to_owned()));
        }
        if let Some(TrustedIssuer { user_id, .. }) = trusted.filter(|trusted| !trusted.user_id.shares_users) {
            if user_id.prefix.is_empty() {
                return Err(IssuerProblem::NoPrefix);
            }
            let is_alike = |(_, other): &(&str, &UserIdRule)| {
                user_id.prefix.starts_with(&other.prefix) || other.prefix.starts_with(&user_id.prefix)
            };
            if let Some((other, _)) = self.prefixes().find(is_alike) {
                return Err(IssuerProblem::SamePrefix(other.to_owned()));
            }
        }
        if let Some(TrustedIssuer { token_types, audiences, claims, .. }) = trusted {
            if token_types.contains(&TokenType::AccessToken) && *audiences == Audiences::CallingClient {
                return Err(IssuerProblem::NoAudiences);
            }
            if let Some(ours) = claims.keys().find(|ours| *ours != "scope" && is_of_the_token(ours)) {
                return Err(IssuerProblem::ClaimOfTheToken(ours.clone()));
            }
        }
        let keys = match keys {
            None => OtherKeys::Held(KeySet::default()),
            Some(IssuerKeySource::Set(json)) => OtherKeys::Held(KeySet::from_json(json)?),
            Some(IssuerKeySource::Remote(keys)) if keys.location.url().host() == tenant.domain => {
                return Err(IssuerProblem::OwnDomain);
            }
            Some(IssuerKeySource::Remote(keys)) => OtherKeys::Remote(RemoteIssuer::new(issuer, keys.clone())),
        };
        self.0.push(OtherIssuer { issuer: issuer.to_owned(), keys, trusted: trusted.cloned() });
        Ok(())
    }

    /// The issuer with this `iss`, to the letter.
    pub(crate) fn find(&self, issuer: &str) -> Option<&OtherIssuer> {
        self.0.iter().find(|other| other.issuer == issuer)
    }

    /// The issuers whose keys are fetched.
    pub(super) fn remote(&self) -> impl Iterator<Item = &RemoteIssuer> {
        self.0.iter().filter_map(|other| match &other.keys {
            OtherKeys::Remote(issuer) => Some(issuer),
            OtherKeys::Held(_) => None,
        })
    }

    /// Whether a user of this issuer, or of the tenant if `None`, has an id that only another issuer's users have.
    pub(crate) fn reserve(&self, user_id: &str, issuer: Option<&OtherIssuer>) -> bool {
        let own = issuer.map(|issuer| issuer.issuer.as_str());
        self.prefixes().any(|(issuer, rule)| Some(issuer) != own && user_id.starts_with(&rule.prefix))
    }

    /// The issuers whose users are told from all others by a prefix.
    fn prefixes(&self) -> impl Iterator<Item = (&str, &UserIdRule)> {
        let rules =
            self.0.iter().filter_map(|other| Some((other.issuer.as_str(), &other.trusted.as_ref()?.user_id)));
        rules.filter(|(_, rule)| !rule.shares_users)
    }
}
