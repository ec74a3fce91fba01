//! The entities that a request may name: a stored one is a bound, unless the settings allow others.

use locum_plugin::AllowedNames;
use locum_plugin::prelude::*;

use crate::sas::EntityPath;

/// What of the namespace requests may be given access to.
pub(crate) struct Entities {
    pub(crate) stored: Option<EntityPath>,
    pub(crate) allowed: AllowedNames,
}

impl Entities {
    /// The stored entity, or the one that the request names and may name.
    pub(crate) fn chosen(&self, named: Option<&str>) -> Result<EntityPath, Failure> {
        let refused = |why: &str| Failure::parameter("entityPath", why);
        let Some(named) = named else {
            return self
                .stored
                .clone()
                .ok_or_else(|| refused("name a queue, topic or hub: none is configured"));
        };
        let named = EntityPath::parse(named).map_err(refused)?;
        let is_unbounded = self.stored.is_none() && self.allowed.is_empty();
        if is_unbounded || self.stored.as_ref() == Some(&named) || self.allowed.allows(named.as_str()) {
            Ok(named)
        } else {
            Err(refused("this entity may not be asked for"))
        }
    }
}
