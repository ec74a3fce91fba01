//! The add-on's settings, and what the issuer uses of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;

use crate::bounds::Bounds;
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
    /// The container. A request may name another one only if `allowed_containers` lists it; without this setting the request
    /// must name one.
    #[serde(default)]
    containerName: Option<String>,
    /// Further containers that a request may name: whole names, or starts of names with a `*` at the end. `$web`, `$logs` and
    /// `$root` can be named only if they are listed as whole names.
    #[serde(default)]
    allowed_containers: Vec<String>,
    /// DANGEROUS: a request may name any container of the account, as with Auth0, except `$web`, `$logs` and `$root`.
    #[serde(default)]
    allow_any_container: bool,
    /// The blob. A request may name another one only if `allowed_blobs` lists it. If absent, the request may name any blob
    /// of the container, and gets the whole container if it names none.
    #[serde(default)]
    blobName: Option<String>,
    /// Further blobs that a request may name: whole names, or starts of names with a `*` at the end. With a list and without
    /// blobName, the request must name a blob.
    #[serde(default)]
    allowed_blobs: Vec<String>,
    /// A request may name any blob of the container, as with Auth0.
    #[serde(default)]
    allow_any_blob: bool,
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
    pub(crate) bounds: Bounds,
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
        let bounds = self.bounds()?;
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
        Ok(Sharing { account, bounds, policy, blob_permissions, container_permissions })
    }

    fn bounds(&self) -> Result<Bounds, Failure> {
        let filled = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let container = filled(&self.containerName).map(|name| ContainerName::parse(&name)).transpose();
        let blob = filled(&self.blobName).map(|name| BlobName::parse(&name)).transpose();
        let allowed_containers = AllowedNames::new(&self.allowed_containers, self.allow_any_container);
        let allowed_containers = allowed_containers.and_then(|allowed| {
            allowed.names().try_for_each(|name| ContainerName::parse(name).map(drop))?;
            // What a prefix allows is a name if the prefix with one more letter can be one.
            allowed
                .prefixes()
                .try_for_each(|prefix| ContainerName::parse(&format!("{prefix:a<3}a")).map(drop))?;
            Ok(allowed)
        });
        let allowed_blobs = AllowedNames::new(&self.allowed_blobs, self.allow_any_blob).and_then(|allowed| {
            allowed.names().try_for_each(|name| BlobName::parse(name).map(drop))?;
            allowed.prefixes().try_for_each(|prefix| BlobName::parse(&format!("{prefix}a")).map(drop))?;
            Ok(allowed)
        });
        Ok(Bounds {
            container: container.map_err(|why| Failure::setting("containerName", why))?,
            allowed_containers: allowed_containers
                .map_err(|why| Failure::setting("allowed_containers", why))?,
            blob: blob.map_err(|why| Failure::setting("blobName", why))?,
            allowed_blobs: allowed_blobs.map_err(|why| Failure::setting("allowed_blobs", why))?,
        })
    }
}

fn letters<const N: usize>(permissions: [(char, bool); N]) -> String {
    permissions.into_iter().filter(|(_, on)| *on).map(|(letter, _)| letter).collect()
}
