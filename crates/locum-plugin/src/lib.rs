//! For plugin authors: one trait with typed settings, one export macro, a test kit; signing helpers that several issuers share.
//!
//! A plugin is a `cdylib` crate that depends on `locum-plugin`, `serde` and `schemars`, with a settings type, an [`Issuer`] and one line that exports it:
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
//!         vec![ApiType::text("greeting", "greeting").lives(Lifetime::up_to_seconds(60))]
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
//! The manifest is generated from the code into `manifest.json` beside `Cargo.toml`, by
//! `LOCUM_BLESS=1 cargo test`, and stands in the built file: a change of promises is a change of a file under review.
//!
//! A panic in any of this is caught and becomes an answer; `log` macros reach the host's log. What an issuer must
//! not do, because the host's contract says so: open sockets or files, read the clock or the environment, keep state
//! between calls.

mod api_type;
mod border;
mod capture;
mod export;
mod grant;
mod issuer;
pub mod percent;
#[cfg(feature = "saml")]
pub mod saml;
#[cfg(feature = "signing")]
pub mod signing;
mod strict_json;
pub mod testing;
pub mod upstream;

pub use api_type::{ApiType, Lifetime};
pub use grant::{Grant, NoParameters};
pub use issuer::Issuer;
pub use locum_abi as abi;
pub use locum_abi::answer::{Credential, Failure, IssueAnswer, RevokeAnswer};
pub use locum_abi::configuration::{SigningKey, Tenant};
pub use locum_abi::manifest::Upstream;
pub use locum_abi::secret::Secret;
pub use locum_abi::upstream::{UpstreamReply, UpstreamRequest};

/// What [`export_plugin!`] expands to; not for use by hand.
#[doc(hidden)]
pub mod exported {
    pub use crate::border::{create, describe, missing_api_type};
    pub use crate::export::{Identity, IssuerType, manifest};
}

/// Everything an issuer usually needs.
pub mod prelude {
    pub use crate::{
        ApiType, Credential, Failure, Grant, IssueAnswer, Issuer, Lifetime, NoParameters, RevokeAnswer,
        Secret, Tenant, Upstream, UpstreamReply, UpstreamRequest,
    };
    pub use log;
    pub use schemars::JsonSchema;
    pub use serde::{Deserialize, Serialize};
    pub use serde_json::{self, Map, Value, json};
}
