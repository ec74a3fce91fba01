//! Features: the properties of an issuer on which cases depend.

use std::fmt;

use locum_abi::manifest::{CredentialForm, IssuerManifest, Revocation};
use locum_host::secret_setting_names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::settings_schema::properties;

/// A property of an issuer on which cases depend.
///
/// Most features follow from the manifest. The plugin spec declares the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Serves api_type `app`.
    App,
    /// The credential is a JWT.
    Jwt,
    /// The credential is a text.
    Text,
    /// The credential is a JSON object.
    Object,
    /// A setting determines the lifetime.
    LifetimeSetting,
    /// The minimum lifetime is longer than two minutes.
    LongMinimum,
    /// The issuer reads attributes of the user, whatever the scope.
    ReadsProfile,
    /// The issuer has request parameters of its own.
    Parameters,
    /// The issuer has the host keep values between requests.
    Keeps,
    /// Some settings are secret.
    SecretSettings,
    /// The issuer calls an upstream.
    Upstream,
    /// An upstream revokes credentials.
    Revocable,
    /// A single credential cannot be revoked.
    NotRevocable,
    /// The credential holds the claims that the scope selects.
    ProfileClaims,
    /// The credential holds attributes of the user, whatever the scope.
    TellsAttributes,
    /// An upstream determines the expiry of the credential.
    EndSetUpstream,
    /// The credential can be presented as an id_token.
    Renewal,
    /// Two credentials for equal input differ, as with ECDSA and RSA-PSS.
    Random,
}

impl Feature {
    /// The name in fixtures and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::App => "app",
            Self::Jwt => "jwt",
            Self::Text => "text",
            Self::Object => "object",
            Self::LifetimeSetting => "lifetime-setting",
            Self::LongMinimum => "long-minimum",
            Self::ReadsProfile => "reads-profile",
            Self::Parameters => "parameters",
            Self::Keeps => "keeps",
            Self::SecretSettings => "secret-settings",
            Self::Upstream => "upstream",
            Self::Revocable => "revocable",
            Self::NotRevocable => "not-revocable",
            Self::ProfileClaims => "profile-claims",
            Self::TellsAttributes => "tells-attributes",
            Self::EndSetUpstream => "end-set-upstream",
            Self::Renewal => "renewal",
            Self::Random => "random",
        }
    }

    /// Whether a plugin spec may declare it; the others follow from the manifest.
    pub const fn is_declared(self) -> bool {
        matches!(
            self,
            Self::ProfileClaims | Self::TellsAttributes | Self::EndSetUpstream | Self::Renewal | Self::Random
        )
    }

    /// The features that follow from a manifest.
    pub fn of_manifest(manifest: &IssuerManifest) -> Vec<Self> {
        let form = match manifest.credential {
            CredentialForm::Jwt => Some(Self::Jwt),
            CredentialForm::Text { .. } => Some(Self::Text),
            CredentialForm::Object => Some(Self::Object),
            CredentialForm::Unknown => None,
        };
        let revocation = match manifest.revocation {
            Revocation::Upstream => Self::Revocable,
            Revocation::NotRevocable | Revocation::ByKeyRotation | Revocation::Unknown => Self::NotRevocable,
        };
        let has_secrets = !secret_setting_names(&manifest.settings_schema).is_empty();
        let stated = [
            (manifest.api_type == "app").then_some(Self::App),
            form,
            manifest.lifetime.setting.is_some().then_some(Self::LifetimeSetting),
            (manifest.lifetime.minimum_seconds > 120).then_some(Self::LongMinimum),
            (!manifest.reads.is_empty()).then_some(Self::ReadsProfile),
            properties(&manifest.parameters_schema).next().is_some().then_some(Self::Parameters),
            manifest.keeps.then_some(Self::Keeps),
            has_secrets.then_some(Self::SecretSettings),
            (!manifest.upstreams.is_empty()).then_some(Self::Upstream),
            Some(revocation),
        ];
        stated.into_iter().flatten().collect()
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_have_their_serialized_names() {
        for feature in [
            Feature::LifetimeSetting,
            Feature::LongMinimum,
            Feature::ReadsProfile,
            Feature::SecretSettings,
            Feature::NotRevocable,
            Feature::ProfileClaims,
            Feature::TellsAttributes,
            Feature::EndSetUpstream,
        ] {
            assert_eq!(serde_json::to_value(feature).unwrap(), feature.name());
        }
    }
}
