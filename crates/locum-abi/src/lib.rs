//! The contract between host and plugin: a frozen surface in one file, and the JSON messages that cross it.
//!
//! ```text
//!            manifest ─────────────►  who the plugin is, what it issues and promises  [manifest]
//!  host      Configuration ────────►  an issuer, or Failure                           [configuration]
//!            Grant + replies ──────►  Issued | Call(UpstreamRequest) | Sign(SigningRequest) | Failure
//!                                                                    [grant], [answer], [upstream], [signing]
//! ```
//!
//! An issuer is a pure function. All that it may depend on is its settings, the [`grant::Grant`], the time and 32 bytes
//! of entropy: the same input gives the same output. It opens no socket and reads neither a clock nor the environment.
//! To reach an upstream it answers with an [`upstream::UpstreamRequest`], and to sign with a private key with a
//! [`signing::SigningRequest`]; the host calls it again with the reply or the signature.
//!
//! ```
//! use locum_abi::answer::{IssueAnswer, Reply};
//!
//! // What a host reads after it called an issuer.
//! let bytes = br#"{"kind":"issued","credential":{"text":"sig=1"},"issued_at":1900000000,"expires_at":1900000300}"#;
//! let reply: Reply<IssueAnswer> = serde_json::from_slice(bytes)?;
//! let IssueAnswer::Issued(issued) = reply.answer else { panic!("a credential") };
//! assert_eq!(issued.expires_at, Some(1_900_000_300));
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! # What may change
//!
//! Operations, failure codes, and members of any message or of the manifest may be added at any time. Readers skip
//! members that they do not know, and every enum that is read across the boundary has an `Unknown` variant. The meaning
//! of a member never changes. The binary surface ([`ffi`]) never changes at all: a second generation would be another
//! crate beside this one.

pub mod answer;
#[cfg(feature = "ffi")]
pub mod boundary;
pub mod configuration;
#[cfg(feature = "ffi")]
pub mod ffi;
pub mod grant;
pub mod kept;
pub mod manifest;
pub mod note;
pub mod object_writer;
pub mod operation;
pub mod secret;
pub mod signing;
pub mod time;
pub mod upstream;
