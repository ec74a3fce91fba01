//! What an issuer has the host keep between requests.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use locum_abi::kept::Keep;
use locum_abi::secret::Secret;
use locum_abi::time::UnixTime;

/// Values that the host keeps for an add-on, such as the access token of the application itself, so that not every request
/// asks for one. Declare [`ApiType::keeps`](crate::ApiType::keeps).
///
/// Keep nothing that depends on the user, the client or the parameters: every other request to the add-on is given it. A
/// value may be gone at any time, so whoever reads one can do without.
///
/// ```
/// # use locum_plugin::prelude::*;
/// # use locum_plugin::percent::percent_encoded;
/// # use locum_plugin::upstream::{failure_for_reply, get, post_form, token_response};
/// # struct Gate;
/// # impl Gate {
/// fn issue(&self, grant: &Grant<NoParameters>, replies: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
///     let (token, replies) = match (grant.kept.get("token"), replies) {
///         (Some(token), replies) => (token.to_owned(), replies),
///         (None, []) => {
///             let request = post_form("https://gate.example.com/token", &[("grant_type", "client_credentials")]);
///             return Ok(IssueAnswer::Call { request });
///         }
///         (None, [first, rest @ ..]) => {
///             let answered = token_response(first)?;
///             let token = answered["access_token"].as_str().unwrap_or_default().to_owned();
///             grant.kept.keep("token", token.as_str(), grant.now + 300);
///             (token, rest)
///         }
///     };
///     match replies {
///         [] => {
///             let url = format!("https://gate.example.com/tickets/{}", percent_encoded(&grant.user_id));
///             Ok(IssueAnswer::Call { request: get(url).bearer(&token) })
///         }
///         [ticket, ..] if ticket.status == 401 => {
///             grant.kept.forget("token");
///             Err(Failure::upstream_nonsense("the gate no longer accepts its token"))
///         }
///         [ticket, ..] if ticket.status == 200 => Ok(grant.text(ticket.body.clone())),
///         [ticket, ..] => Err(failure_for_reply(ticket, None)),
///     }
/// }
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct Kept {
    values: BTreeMap<String, Secret>,
    orders: Arc<Mutex<Orders>>,
}

#[derive(Debug, Default)]
struct Orders {
    keep: Vec<Keep>,
    forget: Vec<String>,
}

impl Kept {
    /// These values. What is asked for is added to what was asked of this one.
    pub(crate) fn with(&self, values: BTreeMap<String, Secret>) -> Self {
        Self { values, orders: Arc::clone(&self.orders) }
    }

    /// The value of this key, as it was when the request began: [`keep`](Self::keep) and [`forget`](Self::forget) do not
    /// change it.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(Secret::expose)
    }

    /// Keeps a value for later requests, with a key of 64 bytes at most, until it expires or for a day.
    pub fn keep(&self, key: &str, value: impl Into<Secret>, expires_at: UnixTime) {
        let keep = Keep { key: key.to_owned(), value: value.into(), expires_at: expires_at.as_seconds() };
        self.orders().keep.push(keep);
    }

    /// Forgets the value of this key.
    pub fn forget(&self, key: &str) {
        self.orders().forget.push(key.to_owned());
    }

    /// What was asked for since the request began.
    pub(crate) fn take_orders(&self) -> (Vec<Keep>, Vec<String>) {
        let Orders { keep, forget } = std::mem::take(&mut *self.orders());
        (keep, forget)
    }

    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
