//! The add-on's settings, and the signer that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};

use crate::token::{self, Version};

/// The mobile service to issue for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The service's master key, as Azure shows it.
    masterkey: Secret,
    /// The version of the token: 1 or 2 for Mobile Services (2 since November 2013), 3 for its .NET backend and
    /// Mobile Apps; 2 if absent.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 3))]
    ver: u8,
}

const fn two() -> u8 {
    2
}

impl Settings {
    pub(crate) fn version(&self) -> Result<Version, Failure> {
        match self.ver {
            1 => Ok(Version::V1),
            2 => Ok(Version::V2),
            3 => Ok(Version::V3),
            _ => Err(Failure::setting("ver", "the versions of the token are 1, 2 and 3")),
        }
    }

    pub(crate) fn signer(&self, version: Version) -> Result<JwsSigner, Failure> {
        if self.masterkey.expose().is_empty() {
            return Err(Failure::setting("masterkey", "it is empty; copy it from Azure's portal"));
        }
        let key = SignatureKey::hs256(&token::signing_key(self.masterkey.expose()))
            .map_err(|error| Failure::setting("masterkey", error.to_string()))?;
        let kid = token::key_id(version).map(|kid| ("kid".to_owned(), kid));
        Ok(JwsSigner::new(key, kid.into_iter().collect()))
    }
}
