//! Issues shared access signatures for containers and blobs of Azure Storage.

mod bounds;
mod name;
mod sas;
mod settings;

use locum_plugin::prelude::*;

use crate::sas::Terms;
use crate::settings::{Settings, Sharing};

locum_plugin::export_plugin! { name: "azure_blob", vendor: "Locum", issuers: [AzureBlob] }

/// An issuer for one storage account, with the account's key.
struct AzureBlob(Sharing);

/// Parameters that replace settings, as far as the settings allow it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    /// The container: 3 to 63 of `a-z`, `0-9` and single hyphens, or `$root`, `$web`, `$logs`.
    container_name: Option<String>,
    /// The blob's name as Azure stores it, not percent-encoded. Without it and without a blob in the settings, the whole container.
    blob_name: Option<String>,
}

impl Issuer for AzureBlob {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime =
            Lifetime::up_to_seconds(2_592_000).default_seconds(300).setting_in_minutes("expiration");
        vec![
            ApiType::text("azure_blob", "azure_blob_sas")
                .lifetime(lifetime)
                .parameter_overrides("containerName")
                .parameter_overrides("blobName")
                .revoked_by_key_rotation(
                    "With a signedIdentifier, change or remove that stored access policy of the container; without one, regenerate the account key, which invalidates every signature made with it.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        settings.sharing().map(Self)
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let Self(sharing) = self;
        let resource = sharing.bounds.resource(&grant.parameters)?;
        if let Some(policy) = &sharing.policy {
            return Ok(grant.text_without_expiry(sharing.account.sign(&resource, &Terms::Policy(policy))));
        }
        let permissions = match &resource.blob {
            Some(_) if sharing.blob_permissions.is_empty() => {
                return Err(Failure::parameter("blobName", "no permission on blobs is configured"));
            }
            None if sharing.container_permissions.is_empty() => {
                return Err(Failure::parameter(
                    "blobName",
                    "name a blob: no permission on containers is configured",
                ));
            }
            Some(_) => &sharing.blob_permissions,
            None => &sharing.container_permissions,
        };
        let terms =
            Terms::Stated { permissions, starts: instant(grant.now)?, expires: instant(grant.expires_at())? };
        Ok(grant.text(sharing.account.sign(&resource, &terms)))
    }
}

fn instant(time: UnixTime) -> Result<String, Failure> {
    time.to_rfc3339().ok_or_else(|| Failure::internal(format!("{time} is beyond the year 9999")))
}

#[cfg(test)]
mod tests;
