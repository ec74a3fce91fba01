//! The contract between host and plugin: a frozen surface in one file, and the JSON messages that cross it.
//!
//! ```text
//!            manifest ─────────────►  who I am, what I issue, what I promise        [manifest]
//!  host      Configuration ────────►  a ready issuer, or Failure                     [configuration]
//!            Grant + replies ──────►  Issued | Call(UpstreamRequest) | Failure       [grant], [answer], [upstream]
//! ```
//!
//! An issuer is a pure function: what it may depend on stands in the [`grant::Grant`], in `now` and in 32 bytes of
//! entropy; same input, same output. It opens no socket, reads no clock and no environment: to talk to somebody
//! it answers with an [`upstream::UpstreamRequest`] and is called again with the reply.
//!
//! # What may change
//!
//! Members may be added to any message, and operations, error codes and manifest members may be added, at any
//! time. Readers skip what they do not know, and every enum read across the border has an `Unknown`. A member's
//! meaning never changes. The binary surface ([`ffi`]) never changes at all: a second generation would be another
//! crate beside this one.

pub mod answer;
pub mod configuration;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod grant;
pub mod manifest;
pub mod note;
pub mod operation;
pub mod secret;
pub mod upstream;
