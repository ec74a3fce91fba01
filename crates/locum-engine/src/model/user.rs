//! A stored user. A user does not have to be stored, because a verified subject token is sufficient.

use serde_json::{Map, Value};

/// A stored user.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct User {
    /// Whether all requests for the user are refused.
    pub blocked: bool,
    /// The profile: `name`, `email`, `app_metadata` and any other attribute.
    pub profile: Map<String, Value>,
}

impl User {
    /// A user with this profile, not blocked.
    pub fn new(profile: Map<String, Value>) -> Self {
        Self { blocked: false, profile }
    }
}
