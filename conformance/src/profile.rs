//! Profiles: the groups of cases. A report counts by profile.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A group of cases about one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The plugin loads, its manifest is correct, invalid settings are refused, and equal input gives equal output.
    Contract,
    /// Which attributes of the user a credential holds.
    Scopes,
    /// The lifetime of a credential, and whether the response states it correctly.
    Expiry,
    /// Revoking a credential that is not revocable is refused, and the credential stays valid.
    NonRevocability,
    /// Revoking a revocable credential revokes it.
    Revocation,
    /// Bursts, refill, and the rate limit headers.
    RateLimit,
    /// Every refusal has the right status, error code and description.
    Errors,
    /// A delegated token is exchanged for a new one.
    Renewal,
    /// The response to the client when an upstream fails.
    UpstreamFaults,
    /// Malicious requests.
    Hostile,
    /// No secret appears in a response, a log line or an audit event.
    Secrets,
    /// HTTP methods, origins and headers.
    Http,
    /// A token endpoint of any server follows RFC 8693 and RFC 6749. No fixture has this profile.
    #[serde(skip_deserializing)]
    TokenExchange,
}

/// Which issuers must pass a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Every issuer.
    Core,
    /// Issuers with the features that the profile's cases need.
    Extended,
}

impl Profile {
    /// All profiles of plugins and of servers that serve `/delegation`, in the order of the report.
    pub const ALL: [Self; 12] = [
        Self::Contract,
        Self::Scopes,
        Self::Expiry,
        Self::NonRevocability,
        Self::Revocation,
        Self::RateLimit,
        Self::Errors,
        Self::Renewal,
        Self::UpstreamFaults,
        Self::Hostile,
        Self::Secrets,
        Self::Http,
    ];

    /// The name in fixtures and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Scopes => "scopes",
            Self::Expiry => "expiry",
            Self::NonRevocability => "non-revocability",
            Self::Revocation => "revocation",
            Self::RateLimit => "rate-limit",
            Self::Errors => "errors",
            Self::Renewal => "renewal",
            Self::UpstreamFaults => "upstream-faults",
            Self::Hostile => "hostile",
            Self::Secrets => "secrets",
            Self::Http => "http",
            Self::TokenExchange => "token-exchange",
        }
    }

    /// Which issuers must pass it.
    pub const fn level(self) -> Level {
        match self {
            Self::NonRevocability
            | Self::Revocation
            | Self::Renewal
            | Self::UpstreamFaults
            | Self::Http
            | Self::TokenExchange => Level::Extended,
            _ => Level::Core,
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profiles_have_their_serialized_names() {
        for profile in Profile::ALL.into_iter().chain([Profile::TokenExchange]) {
            assert_eq!(serde_json::to_value(profile).unwrap(), profile.name());
        }
    }
}
