//! The add-on's settings, and the policy that they give.

use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;

use crate::sas::{EntityPath, Policy, is_namespace};

/// The namespace, and the shared access policy that signs.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(non_snake_case, reason = "the names that add-ons are exported with")]
pub(crate) struct Settings {
    /// The Service Bus namespace: the part before `.servicebus.windows.net`.
    namespace: String,
    /// The name of the shared access policy. A signature has the rights of the policy.
    sasKeyName: String,
    /// The policy's key, as Azure shows it.
    sasKey: Secret,
    /// The queue, topic or hub, unless the request chooses one.
    #[serde(default)]
    entityPath: Option<String>,
    /// The lifetime of signatures, in minutes; 5 if absent.
    #[expect(
        dead_code,
        reason = "the engine reads it, as the manifest says; the field is here for the schema"
    )]
    #[schemars(range(min = 1))]
    expiration: Option<u64>,
}

impl Settings {
    pub(crate) fn policy(self) -> Result<Policy, Failure> {
        if !is_namespace(&self.namespace) {
            let why = "a namespace has 6 to 50 letters, digits and hyphens, and starts with a letter";
            return Err(Failure::setting("namespace", why));
        }
        if self.sasKeyName.is_empty() {
            return Err(Failure::setting(
                "sasKeyName",
                "it is empty; set the name of the shared access policy",
            ));
        }
        // The text of the key is the HMAC key, although it looks like base64.
        let key = HmacKey::new(self.sasKey.expose().as_bytes())
            .map_err(|error| Failure::setting("sasKey", error.to_string()))?;
        Ok(Policy { namespace: self.namespace, name: self.sasKeyName, key })
    }

    pub(crate) fn entity(&self) -> Result<Option<EntityPath>, Failure> {
        self.entityPath
            .as_deref()
            .filter(|path| !path.is_empty())
            .map(EntityPath::parse)
            .transpose()
            .map_err(|why| Failure::setting("entityPath", why))
    }
}
