//! The engine's answer to a request for a profile.

use serde_json::{Map, Value};

use crate::bucket::BucketDecision;
use crate::delegation::Caller;
use crate::engine::{Engine, not_audited};
use crate::observation::Observation;
use crate::observer::{Endpoint, Outcome, Step};
use crate::ports::Found;
use crate::prepared::PreparedTenant;
use crate::profiles::{self, ProfileRequest};
use crate::recorder::Recorder;
use crate::refusal::Refusal;

/// The answer to a request for a profile.
#[derive(Debug)]
pub struct ProfileResponse {
    /// The members of the profile, or the refusal.
    pub outcome: Result<Map<String, Value>, Refusal>,
    /// The values of the rate-limit headers; absent if the request was not counted.
    pub rate: Option<BucketDecision>,
}

impl Engine {
    /// Answers a request for a profile, where the tenant allows it. Records an audit event if it refuses: whoever has the token knows
    /// whose it is. `tenant` is what the directory found for [`Caller::host`].
    pub async fn read_profile(
        &self,
        tenant: Found<PreparedTenant>,
        request: ProfileRequest,
        caller: &Caller,
    ) -> ProfileResponse {
        let mut observation = Observation::begin(self.ports.observer.as_ref());
        let mut recorder = Recorder::open(&self.ports, self.references.next(), caller);
        recorder.found(tenant.as_ref().ok().and_then(Option::as_deref));
        recorder.presented(request.token());
        let outcome = profiles::read(&self.ports, tenant, &request, caller, &mut recorder).await;
        let rate = recorder.rate;
        let outcome = match outcome {
            Ok(profile) => Ok(profile),
            Err(refusal) => {
                observation.enter(Step::Audit);
                let recorded = self.ports.audit.record(recorder.profile_event(&refusal)).wait().await;
                Err(recorded.err().map_or(refusal, not_audited))
            }
        };
        let counted = outcome.as_ref().map_or_else(Outcome::from, |_| Outcome::ProfileRead);
        let api_type = observation.api_type(None);
        observation.end(request.endpoint(), api_type, counted);
        ProfileResponse { outcome, rate }
    }

    /// Refuses a request for a profile that could not be read.
    pub fn refuse_unread_profile(
        &self,
        endpoint: Endpoint,
        refusal: Refusal,
        tenant: Option<&PreparedTenant>,
        caller: &Caller,
    ) -> ProfileResponse {
        self.record_unread(endpoint, &refusal, tenant, caller);
        ProfileResponse { outcome: Err(refusal), rate: None }
    }
}
