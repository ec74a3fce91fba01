//! A case: what the RFCs require, the request that shows it, and what the answer must be.

use std::fmt;

use serde_json::{Map, Value};
use url::Url;

use crate::token_exchange::answer::Answer;
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;
use crate::token_exchange::need::Need;
use crate::token_exchange::refusal::Refusal;
use crate::token_exchange::request::TokenRequest;
use crate::token_exchange::session::Session;

/// One requirement.
pub(crate) struct Case {
    /// Stable. The part before the last dot names the group.
    pub(crate) id: &'static str,
    /// What the server must do, in one sentence.
    pub(crate) title: &'static str,
    /// The paragraphs that say so.
    pub(crate) requirement: &'static str,
    pub(crate) strength: Strength,
    /// What a server may do instead, and the paragraph that allows it; empty if nothing.
    pub(crate) otherwise: &'static str,
    /// Without which the case cannot run.
    pub(crate) needs: &'static [Need],
    pub(crate) check: Check,
}

/// How strongly something is required, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    /// A server that deviates fails.
    Must,
    /// A server that deviates gets a warning.
    Should,
    /// A server may deviate; the report says so.
    May,
}

/// How a case is checked.
pub(crate) enum Check {
    /// By the metadata of the server.
    Metadata(fn(&Map<String, Value>, &Session) -> Finding),
    /// By the URL of the endpoint.
    Endpoint(fn(&Url) -> Finding),
    /// By the answer to the exchange that the settings describe.
    Granted(Reading),
    /// By the answer to that request with this change.
    Changed(Change, Reading),
    /// By the second of two answers to that request.
    Repeated(Reading),
    /// With this change, the request is refused.
    Refused(Change, Refusal),
}

/// Makes the request of a case from one that succeeds.
pub(crate) type Change = fn(TokenRequest, &Inputs<'_>) -> TokenRequest;

/// Compares an answer with what it must be.
pub(crate) type Reading = fn(&Answer, &Inputs<'_>) -> Finding;

impl fmt::Display for Strength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
        })
    }
}
