//! The add-on's settings, and what the issuer uses of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;

use crate::name::{BlobName, ContainerName, is_account_name};
use crate::sas::{Account, ServiceVersion};

/// Longest id of a stored access policy.
const POLICY_CHARS_MAX: usize = 64;

/// The storage account, and what of it a signature may give access to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names that add-ons are exported with")]
pub(crate) struct Settings {
    /// The storage account's name.
    accountName: String,
    /// One of the account's two keys, base64 as Azure shows it.
    storageAccessKey: Secret,
    /// The container, unless the request chooses one.
    #[serde(default)]
    containerName: Option<String>,
    /// The blob, unless the request chooses one. If empty, the whole container.
    #[serde(default)]
    blobName: Option<String>,
    /// The lifetime of signatures, in minutes; 5 if absent.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 1))]
    expiration: Option<u64>,
    /// The id of a stored access policy of the container. The policy decides permissions and times; the settings for them are
    /// not used.
    #[serde(default)]
    signedIdentifier: Option<String>,
    /// Blobs can be read.
    #[serde(default)]
    blob_read: bool,
    /// Blobs can be created and overwritten.
    #[serde(default)]
    blob_write: bool,
    /// Blobs can be deleted.
    #[serde(default)]
    blob_delete: bool,
    /// All blobs of the container can be read.
    #[serde(default)]
    container_read: bool,
    /// Blobs can be created and overwritten anywhere in the container.
    #[serde(default)]
    container_write: bool,
    /// All blobs of the container can be deleted.
    #[serde(default)]
    container_delete: bool,
    /// The container's blobs can be listed.
    #[serde(default)]
    container_list: bool,
    /// The version of the storage service that defines the signature. Azure and Azurite support the default.
    #[serde(default)]
    sv: ServiceVersion,
}

/// The checked settings.
pub(crate) struct Sharing {
    pub(crate) account: Account,
    pub(crate) container: Option<ContainerName>,
    pub(crate) blob: Option<BlobName>,
    pub(crate) policy: Option<String>,
    /// Letters in the order that Azure demands; empty if nothing is permitted.
    pub(crate) blob_permissions: String,
    pub(crate) container_permissions: String,
}

impl Settings {
    pub(crate) fn sharing(self) -> Result<Sharing, Failure> {
        if !is_account_name(&self.accountName) {
            return Err(Failure::setting(
                "accountName",
                "an account name has 3 to 24 lower-case letters and digits",
            ));
        }
        let key = STANDARD.decode(self.storageAccessKey.expose()).map_err(|_| {
            Failure::setting("storageAccessKey", "it is not base64; copy the key as Azure shows it")
        })?;
        let key =
            HmacKey::new(&key).map_err(|error| Failure::setting("storageAccessKey", error.to_string()))?;
        let container = self
            .containerName
            .filter(|name| !name.is_empty())
            .map(|name| ContainerName::parse(&name))
            .transpose()
            .map_err(|why| Failure::setting("containerName", why))?;
        let blob = self
            .blobName
            .filter(|name| !name.is_empty())
            .map(|name| BlobName::parse(&name))
            .transpose()
            .map_err(|why| Failure::setting("blobName", why))?;
        let policy = self.signedIdentifier.filter(|policy| !policy.is_empty());
        if policy.as_ref().is_some_and(|policy| policy.chars().count() > POLICY_CHARS_MAX) {
            return Err(Failure::setting("signedIdentifier", "a policy's id has at most 64 characters"));
        }
        let blob_permissions =
            letters([('r', self.blob_read), ('w', self.blob_write), ('d', self.blob_delete)]);
        let container_permissions = letters([
            ('r', self.container_read),
            ('w', self.container_write),
            ('d', self.container_delete),
            ('l', self.container_list),
        ]);
        if policy.is_none() && blob_permissions.is_empty() && container_permissions.is_empty() {
            return Err(Failure::setting(
                "blob_read",
                "no permission is set; set one to true, or name a policy in signedIdentifier",
            ));
        }
        let account = Account { name: self.accountName, key, version: self.sv };
        Ok(Sharing { account, container, blob, policy, blob_permissions, container_permissions })
    }
}

fn letters<const N: usize>(permissions: [(char, bool); N]) -> String {
    permissions.into_iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect()
}
