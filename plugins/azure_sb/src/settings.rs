//! The add-on's settings, and the policy that they give.

use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;

use crate::entities::Entities;
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
    /// The queue, topic or hub. A request may name another one only if `allowed_entities` lists it; without this setting the
    /// request must name one.
    #[serde(default)]
    entityPath: Option<String>,
    /// Further entities that a request may name: whole paths, or starts of paths with a `*` at the end.
    #[serde(default)]
    allowed_entities: Vec<String>,
    /// DANGEROUS: a request may name any entity of the namespace, as with Auth0.
    #[serde(default)]
    allow_any_entity: bool,
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

    pub(crate) fn entities(&self) -> Result<Entities, Failure> {
        let stored = self.entityPath.as_deref().filter(|path| !path.is_empty()).map(EntityPath::parse);
        let allowed = AllowedNames::new(&self.allowed_entities, self.allow_any_entity).and_then(|allowed| {
            allowed.names().try_for_each(|path| EntityPath::parse(path).map(drop))?;
            // What a prefix allows is a path if the prefix with one more letter can be one.
            allowed.prefixes().try_for_each(|prefix| EntityPath::parse(&format!("{prefix}a")).map(drop))?;
            Ok(allowed)
        });
        Ok(Entities {
            stored: stored.transpose().map_err(|why| Failure::setting("entityPath", why))?,
            allowed: allowed.map_err(|why| Failure::setting("allowed_entities", why))?,
        })
    }
}
