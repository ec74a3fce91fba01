//! The fixture: one case, as its file states it.

mod expectation;
mod request;
mod surroundings;
mod upstream;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::expectation::{ExpectedAnswer, ExpectedBody, ExpectedCredential, ExpectedRefusal, HeaderValue};
pub use self::request::{Encoding, FixtureRequest, Method, PresentedToken, Signer, Tampering};
pub use self::surroundings::{RateLimiterState, ServerChanges, TenantChanges};
pub use self::upstream::{BaseExchange, UpstreamExchange, UpstreamOutcome};
use crate::profile::{Feature, Profile};

/// One case of the suite. Its id is the name of its file: a sentence in kebab case.
///
/// Texts may hold variables, such as `${now+300}` or `${api_type}`. A file with `variants` stands for several cases.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Locum fixture")]
pub struct Fixture {
    /// Values by name, for cases that differ in little else. The file then stands for one case per variant, whose id is
    /// `file-name/variant-name`. `${variant}` takes the value, with its type where the text is nothing else, and
    /// `${variant.member}` takes a member of a value that is an object.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub variants: Map<String, Value>,
    /// One sentence that states what the case requires.
    pub description: String,
    /// What the case is about.
    pub profile: Profile,
    /// The features that an issuer must have for the case to concern it.
    #[serde(default)]
    pub needs: Vec<Feature>,
    /// Features that an issuer must not have.
    #[serde(default)]
    pub needs_not: Vec<Feature>,
    /// The id of the accepted case that this one differs from in one field, and is refused for. A refused case that
    /// expects no upstream call need not repeat the `upstream` of the accepted one.
    pub neighbour_of: Option<String>,
    /// The api_type of the plugin that it is for; all of them if absent.
    pub api_type: Option<String>,
    /// The state before the first step.
    #[serde(default)]
    pub given: Given,
    /// The JSON pointer of the setting for which the settings must be refused. Such a case has no steps.
    pub refused_setting: Option<String>,
    /// The requests, in order, and the expected responses.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// The state in which a case starts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Given {
    /// The time of the first step, RFC 3339; `2030-01-08T18:45:14Z` if absent.
    pub now: Option<String>,
    /// A merge patch (RFC 7396) over the plugin's valid settings: `null` removes a setting.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// The lifetime that the settings ask for, in seconds, written into the setting that the manifest names.
    pub asked_lifetime_seconds: Option<Value>,
    /// What differs in the tenant.
    #[serde(default)]
    pub tenant: TenantChanges,
    /// What differs in the server.
    #[serde(default)]
    pub server: ServerChanges,
}

/// One request and its response.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Seconds that pass before the request.
    #[serde(default)]
    pub after_seconds: u64,
    /// How many times the request is made; each time the same response is expected.
    #[serde(default = "once")]
    #[schemars(range(min = 1))]
    pub times: u32,
    /// The request; if absent, a delegation that every issuer grants.
    #[serde(default)]
    pub request: FixtureRequest,
    /// The upstream exchanges, in order. If absent: those of the plugin's `plugin.yaml` where 200 is expected, and none
    /// where a refusal is expected.
    pub upstream: Option<Vec<UpstreamExchange>>,
    /// The expected response.
    pub expect: ExpectedAnswer,
}

fn once() -> u32 {
    1
}

impl Fixture {
    /// Whether every answer that it expects is a success.
    pub fn accepts(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.expect.status < 400)
    }
}
