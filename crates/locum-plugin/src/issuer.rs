//! The trait that an author implements.

use locum_abi::answer::{Failure, IssueAnswer, RevokeAnswer};
use locum_abi::upstream::UpstreamReply;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::api_type::ApiType;
use crate::grant::Grant;
use crate::presented_credential::PresentedCredential;
use crate::tenant::Tenant;

/// Issues credentials of one family. A value of this type is configured: there is no other state.
///
/// The crate's [first page](crate) shows a whole implementation.
pub trait Issuer: Sized + Send + Sync + 'static {
    /// The stored settings of the add-on. Give the type `#[serde(deny_unknown_fields)]`, and each secret the type
    /// [`Secret`](crate::Secret): both are part of the schema that the host checks an operator's settings against.
    type Settings: DeserializeOwned + JsonSchema;

    /// The free-form request parameters that this issuer understands; [`NoParameters`](crate::NoParameters) if it takes
    /// none. Requests may hold other parameters too, so do not deny unknown fields here.
    type Parameters: DeserializeOwned + JsonSchema;

    /// The api_types that this issuer serves, with what it promises for each.
    fn api_types() -> Vec<ApiType>;

    /// Creates an issuer from settings. Check keys here, once, and never in [`issue`](Issuer::issue).
    ///
    /// # Errors
    /// [`Failure::setting`] with the name of the setting that cannot be used.
    fn configure(api_type: &str, settings: Self::Settings, tenant: &Tenant) -> Result<Self, Failure>;

    /// Issues the credential that the grant allows, or asks for an upstream call.
    ///
    /// This is a pure function of its arguments and of `self`. `replies` holds the replies to the upstream calls that it
    /// has asked for in this request: none in the first call, one in the second. Each call starts from the beginning, and
    /// so it does after [`Grant::sign_jwt`] has asked the host to sign.
    ///
    /// # Errors
    /// By who is at fault: [`Failure::parameter`], [`Failure::attribute_missing`], [`Failure::upstream_refused`],
    /// [`Failure::upstream_nonsense`] or [`Failure::internal`].
    fn issue(
        &self,
        grant: &Grant<Self::Parameters>,
        replies: &[UpstreamReply],
    ) -> Result<IssueAnswer, Failure>;

    /// Revokes a credential at the upstream. The host calls it only if [`ApiType::revoked_upstream`] was promised.
    ///
    /// What was presented may be anything that somebody sent. If it is not one of this issuer's credentials, answer
    /// [`RevokeAnswer::AlreadyGone`] and send it nowhere.
    ///
    /// # Errors
    /// As [`issue`](Issuer::issue).
    fn revoke(
        &self,
        presented: &PresentedCredential,
        replies: &[UpstreamReply],
    ) -> Result<RevokeAnswer, Failure> {
        let _ = (presented, replies);
        Ok(RevokeAnswer::NotRevocable)
    }
}
