//! An issuer that is linked into the program of its host, without a plugin file.

use locum_abi::boundary::{BorrowedBytes, CallResult, IssuerBox, LinkedPlugin};

use crate::boundary;
use crate::export::{Identity, IssuerType, manifest};
use crate::issuer::Issuer;

/// A plugin with this name that consists of one type, for a host that is linked with it: `locum_host::LinkedPlugins` makes it
/// the engine's port.
///
/// The type needs no [`export_plugin!`](crate::export_plugin), and its crate is not a `cdylib`. Its log lines go to the
/// program's own logger.
///
/// ```
/// # use locum_plugin::prelude::*;
/// # #[derive(Deserialize, JsonSchema)]
/// # #[serde(deny_unknown_fields)]
/// # struct Settings {}
/// # struct Greeting;
/// # impl Issuer for Greeting {
/// #     type Settings = Settings;
/// #     type Parameters = NoParameters;
/// #     fn api_types() -> Vec<ApiType> { vec![ApiType::text("greeting", "greeting")] }
/// #     fn configure(_: &str, _: Settings, _: &Tenant) -> Result<Self, Failure> { Ok(Self) }
/// #     fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
/// #         Ok(grant.text("hello".to_owned()))
/// #     }
/// # }
/// let plugin = locum_plugin::linked_plugin::<Greeting>("greeting");
/// assert_eq!(plugin.manifest.issuers[0].api_type, "greeting");
/// ```
pub fn linked_plugin<T: Issuer>(name: &'static str) -> LinkedPlugin {
    // What a file's manifest says to the operators who pin it.
    let identity = Identity { name, version: "linked", vendor: "", description: "" };
    LinkedPlugin::new(manifest(identity, &[IssuerType::of::<T>()]), create::<T>)
}

extern "C" fn create<T: Issuer>(input: BorrowedBytes<'_>) -> CallResult<IssuerBox> {
    boundary::create_linked(input, boundary::configured::<T>)
}
