//! The add-on's settings, and the app and the access that they give.

use std::collections::BTreeMap;

use locum_plugin::prelude::*;
use locum_plugin::signing::{JwsSigner, SignatureKey};
use locum_plugin::upstream::checked_endpoint;

use crate::access::{Level, Permissions, Repositories};
use crate::app::{API, App};

/// Longest id of an app.
const ID_BYTES_MAX: usize = 64;

/// The installation to issue for, and what its tokens may do.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The app's client id, such as `Iv23liAbCdEfGhIjKlMn`; or its app id.
    client_id: String,
    /// The app's private key, PEM, as GitHub gives it.
    private_key: PrivateKey,
    /// The id of the installation: the number at the end of the URL of its settings.
    #[schemars(range(min = 1))]
    installation_id: u64,
    /// The permissions that tokens have, with their levels: `{contents: read}`. A request may choose fewer.
    permissions: BTreeMap<String, Level>,
    /// The repositories that tokens are for: names without their owner. A request may choose some of them.
    #[serde(default)]
    repositories: Vec<String>,
    /// Tokens are for all repositories of the installation, also for those that are added later, unless the request names some.
    #[serde(default)]
    all_repositories: bool,
    /// The URL of another API, such as `https://github.example.com/api/v3` of GitHub Enterprise Server: https, or http on this machine.
    endpoint: Option<String>,
}

impl Settings {
    pub(crate) fn app(&self) -> Result<App, Failure> {
        let is_id = (1..=ID_BYTES_MAX).contains(&self.client_id.len())
            && self.client_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
        if !is_id {
            return Err(Failure::setting("client_id", "it is not the client id or the id of an app"));
        }
        let api = self.endpoint.as_deref().map(checked_endpoint).transpose();
        let api = api.map_err(|why| Failure::setting("endpoint", why))?;
        let key = SignatureKey::private(&self.private_key, Algorithm::RS256)
            .map_err(|error| Failure::setting("private_key", error.to_string()))?;
        Ok(App {
            api: api.as_deref().unwrap_or(API).trim_end_matches('/').to_owned(),
            client_id: self.client_id.clone(),
            installation_id: self.installation_id,
            signer: JwsSigner::new(key, Map::new()),
        })
    }

    pub(crate) fn repositories(&self) -> Result<Repositories, Failure> {
        match (self.repositories.as_slice(), self.all_repositories) {
            ([], true) => Ok(Repositories::All),
            ([], false) => Err(Failure::setting(
                "repositories",
                "list the repositories that tokens are for, or set all_repositories",
            )),
            (_, true) => Err(Failure::setting(
                "all_repositories",
                "repositories are listed too; remove one of the two",
            )),
            (names, false) => {
                Repositories::listed(names.to_vec()).map_err(|why| Failure::setting("repositories", why))
            }
        }
    }

    pub(crate) fn permissions(self) -> Result<Permissions, Failure> {
        Permissions::new(self.permissions).map_err(|why| Failure::setting("permissions", why))
    }
}
