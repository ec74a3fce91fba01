//! The exchanges that are measured: what each sends, and what of it depends on the algorithms.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// An exchange of an id_token for a credential, named after the algorithms of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Exchange {
    /// An id_token of the client's secret for an app token of the target's secret.
    Hs256Hs256,
    /// An id_token of the tenant's key for an app token of the target's secret.
    Rs256Hs256,
    /// An id_token of the client's secret for an app token of the tenant's key.
    Hs256Rs256,
    /// An id_token of the client's secret for a shared access signature of Azure Storage.
    Hs256Sas,
}

impl Exchange {
    pub(crate) const ALL: [Self; 4] = [Self::Hs256Hs256, Self::Rs256Hs256, Self::Hs256Rs256, Self::Hs256Sas];

    /// Its name on the command line and in JSON.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hs256Hs256 => "hs256-hs256",
            Self::Rs256Hs256 => "rs256-hs256",
            Self::Hs256Rs256 => "hs256-rs256",
            Self::Hs256Sas => "hs256-sas",
        }
    }

    /// Its name in tables.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Hs256Hs256 => "HS256→HS256",
            Self::Rs256Hs256 => "RS256→HS256",
            Self::Hs256Rs256 => "HS256→RS256",
            Self::Hs256Sas => "HS256→SAS",
        }
    }

    /// The calling client.
    pub(crate) const fn client(self) -> &'static str {
        match self {
            Self::Rs256Hs256 => "rs-spa",
            Self::Hs256Hs256 | Self::Hs256Rs256 | Self::Hs256Sas => "spa",
        }
    }

    /// The client whose app or add-on is requested.
    pub(crate) const fn target(self) -> &'static str {
        match self {
            Self::Hs256Hs256 | Self::Rs256Hs256 => "orders-api",
            Self::Hs256Rs256 => "reports-api",
            Self::Hs256Sas => "spa",
        }
    }

    pub(crate) const fn api_type(self) -> &'static str {
        match self {
            Self::Hs256Sas => "azure_blob",
            Self::Hs256Hs256 | Self::Rs256Hs256 | Self::Hs256Rs256 => "app",
        }
    }

    /// Whether the id_token is signed with RSA.
    pub(crate) const fn presents_rsa(self) -> bool {
        matches!(self, Self::Rs256Hs256)
    }

    /// Whether the credential is signed with RSA.
    pub(crate) const fn signs_rsa(self) -> bool {
        matches!(self, Self::Hs256Rs256)
    }
}
