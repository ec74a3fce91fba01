//! The profile `token-exchange`: whether a token endpoint of any authorization server follows RFC 8693 and RFC 6749.
//!
//! ```text
//! settings file ─► TokenExchangeSettings ─► Session ── each Case of the catalogue ──► requests ──► Finding ──► Verdict
//! ```
//!
//! A case is an entry of a table: what the RFCs require, the change that makes the request from one that succeeds, and
//! what the answer must be. Nothing here knows Locum.

mod answer;
mod case;
mod catalogue;
mod discovery;
mod documentation;
mod finding;
mod inputs;
mod jwt;
mod need;
mod refusal;
mod request;
mod run;
mod session;
mod settings;
mod settings_file;
mod token_source;

pub use self::documentation::case_table;
pub(crate) use self::run::{Selection, run_cases};
pub(crate) use self::session::Session;
pub use self::settings::TokenExchangeSettings;
pub(crate) use self::settings_file::SettingsFile;
