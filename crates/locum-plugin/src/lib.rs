//! For plugin authors: one trait with typed settings, one export macro, test support; signing helpers that several issuers share.
//!
//! A plugin is a `cdylib` crate that depends on `locum-plugin`, `serde` and `schemars`. It has a settings type, an
//! [`Issuer`] and one line that exports it:
//!
//! ```no_run
//! use locum_plugin::prelude::*;
//!
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     /// The greeting's first word.
//!     word: String,
//! }
//!
//! struct Greeting(Settings);
//!
//! impl Issuer for Greeting {
//!     type Settings = Settings;
//!     type Parameters = NoParameters;
//!
//!     fn api_types() -> Vec<ApiType> {
//!         vec![ApiType::text("greeting", "greeting").lifetime(Lifetime::up_to_seconds(60))]
//!     }
//!
//!     fn configure(_: &str, settings: Settings, _: &Tenant) -> Result<Self, Failure> {
//!         Ok(Self(settings))
//!     }
//!
//!     fn issue(&self, grant: &Grant<NoParameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
//!         Ok(grant.text(format!("{} {} until {}", self.0.word, grant.user_id, grant.expires_at())))
//!     }
//! }
//! ```
//!
//! followed, at the crate's root, by `locum_plugin::export_plugin! { name: "greeting", vendor: "Me", issuers: [Greeting] }`.
//!
//! `LOCUM_BLESS=1 cargo test` generates the manifest from the code into `manifest.json` beside `Cargo.toml`, and the
//! built file contains it. Whoever reviews the crate sees a changed promise as a changed line of that file.
//!
//! A panic in an issuer is caught and becomes a failure of that request. The macros of `log` write to the host's log.
//! No issuer is given a private key. The host holds it and signs, which looks like a call: [`Grant::sign_jwt`].
//!
//! An issuer must not open sockets or files, read the clock or the environment, or keep state between calls.

mod algorithm;
mod allowed_names;
mod api_type;
mod boundary;
mod capture;
mod export;
mod grant;
mod issuer;
mod kept;
mod linked;
pub mod percent;
mod presented_credential;
mod private_key;
#[cfg(feature = "saml")]
pub mod saml;
mod signatures;
#[cfg(feature = "signing")]
pub mod signing;
mod strict_json;
mod tenant;
pub mod testing;
mod typed_members;
pub mod upstream;
mod withheld;

pub use algorithm::Algorithm;
pub use allowed_names::AllowedNames;
pub use api_type::{ApiType, Lifetime};
pub use grant::{Grant, NoParameters};
pub use issuer::Issuer;
pub use kept::Kept;
pub use linked::linked_plugin;
pub use locum_abi as abi;
pub use locum_abi::answer::{Credential, Failure, IssueAnswer, RevokeAnswer};
pub use locum_abi::manifest::Upstream;
pub use locum_abi::secret::Secret;
pub use locum_abi::time::UnixTime;
pub use locum_abi::upstream::{UpstreamReply, UpstreamRequest};
pub use presented_credential::PresentedCredential;
pub use private_key::PrivateKey;
pub use tenant::Tenant;
pub use withheld::Withheld;

/// What [`export_plugin!`] expands to. It is not part of the public API.
#[doc(hidden)]
pub mod exported {
    pub use crate::boundary::{create, describe, unknown_api_type};
    pub use crate::export::{Identity, IssuerType, manifest};
}

/// What most issuers need: `use locum_plugin::prelude::*`.
pub mod prelude {
    pub use crate::{
        Algorithm, ApiType, Credential, Failure, Grant, IssueAnswer, Issuer, Lifetime, NoParameters,
        PresentedCredential, PrivateKey, RevokeAnswer, Secret, Tenant, UnixTime, Upstream, UpstreamReply,
        UpstreamRequest, Withheld,
    };
    pub use log;
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::{self, Map, Value, json};
}
