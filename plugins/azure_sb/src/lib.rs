//! Issues shared access signatures for queues, topics and hubs of Azure Service Bus.

mod entities;
mod sas;
mod settings;

use locum_plugin::prelude::*;

use crate::entities::Entities;
use crate::sas::Policy;
use crate::settings::Settings;

locum_plugin::export_plugin! { name: "azure_sb", vendor: "Locum", issuers: [AzureServiceBus] }

/// An issuer for one namespace, with the key of a shared access policy.
struct AzureServiceBus {
    policy: Policy,
    entities: Entities,
}

/// Parameters that replace settings, as far as the settings allow it.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    /// The queue, topic or hub, such as `orders` or `news/subscriptions/mine`.
    entity_path: Option<String>,
}

impl Issuer for AzureServiceBus {
    type Settings = Settings;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        let lifetime =
            Lifetime::up_to_seconds(2_592_000).default_seconds(300).setting_in_minutes("expiration");
        vec![
            ApiType::text("azure_sb", "azure_sb_sas")
                .lifetime(lifetime)
                .parameter_overrides("entityPath")
                .revoked_by_key_rotation(
                    "Regenerate the key of the shared access policy, which invalidates every signature made with it.",
                ),
        ]
    }

    fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
        Ok(Self { entities: settings.entities()?, policy: settings.policy()? })
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let entity = self.entities.chosen(grant.parameters.entity_path.as_deref())?;
        Ok(grant.text(self.policy.sign(&entity, grant.expires_at())))
    }
}

#[cfg(test)]
mod tests;
