//! The one trait of an author.

use locum_abi::answer::{Failure, IssueAnswer, RevokeAnswer};
use locum_abi::configuration::Tenant;
use locum_abi::upstream::UpstreamReply;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::api_type::ApiType;
use crate::grant::Grant;

/// Issues credentials of one family. A value of this type is ready to issue: there is no unconfigured state.
pub trait Issuer: Sized + Send + Sync + 'static {
    /// The stored settings of the add-on. Put `#[serde(deny_unknown_fields)]` on it and
    /// [`Secret`](crate::Secret) where a value is one: both show in the schema that operators are held to.
    type Settings: DeserializeOwned + JsonSchema;

    /// The free-form request parameters that this issuer understands; [`NoParameters`](crate::NoParameters) for none.
    /// Unknown ones are skipped, so do not deny them here.
    type Parameters: DeserializeOwned + JsonSchema;

    /// The api_types that this issuer serves, with what it promises for each.
    fn api_types() -> Vec<ApiType>;

    /// Makes an issuer ready. Keys are parsed here, once, never in [`issue`](Issuer::issue).
    ///
    /// # Errors
    /// [`Failure::setting`] with the name of the setting that cannot work.
    fn configure(api_type: &str, settings: Self::Settings, tenant: &Tenant) -> Result<Self, Failure>;

    /// Issues the credential that the grant allows, or asks for an upstream call.
    ///
    /// A pure function of its arguments and of `self`: `replies` holds the answers to the calls it asked for so far,
    /// none at first, and each call starts from the beginning.
    ///
    /// # Errors
    /// [`Failure::parameter`], [`Failure::attribute_missing`], [`Failure::upstream_refused`],
    /// [`Failure::upstream_nonsense`] or [`Failure::internal`], by who is at fault.
    fn issue(
        &self,
        grant: &Grant<Self::Parameters>,
        replies: &[UpstreamReply],
    ) -> Result<IssueAnswer, Failure>;

    /// Takes a credential back at the upstream. Called only if [`ApiType::revoked_upstream`] was promised.
    ///
    /// # Errors
    /// As [`issue`](Issuer::issue).
    fn revoke(&self, credential: &str, replies: &[UpstreamReply]) -> Result<RevokeAnswer, Failure> {
        let _ = (credential, replies);
        Ok(RevokeAnswer::NotRevocable)
    }
}
