//! All cases, in the order of the documentation. One file per group.

mod actor;
mod answer;
mod client;
mod endpoint;
mod metadata;
mod refusal;
mod request;
mod scope;
mod subject;
mod target;

use crate::token_exchange::answer::Answer;
use crate::token_exchange::case::Case;
pub(crate) use crate::token_exchange::catalogue::request::EXCHANGE;
use crate::token_exchange::finding::Finding;
use crate::token_exchange::inputs::Inputs;

/// Every case.
pub(crate) fn cases() -> impl Iterator<Item = &'static Case> {
    let groups: [&'static [Case]; 10] = [
        request::CASES,
        answer::CASES,
        refusal::CASES,
        subject::CASES,
        actor::CASES,
        target::CASES,
        scope::CASES,
        client::CASES,
        endpoint::CASES,
        metadata::CASES,
    ];
    groups.into_iter().flatten()
}

/// The answer grants a token.
fn is_granted(answer: &Answer, _: &Inputs<'_>) -> Finding {
    match answer.granted() {
        Ok(()) => Finding::AsRequired,
        Err(difference) => Finding::Differs(difference),
    }
}

/// The answer grants no token, and its status says that the client is at fault.
fn is_refused(answer: &Answer, _: &Inputs<'_>) -> Finding {
    let refused = (400..500).contains(&answer.response.status) && answer.member("access_token").is_none();
    Finding::of(refused, "answer", "a refusal with status 4xx", answer.summary())
}

/// The settings of a case that needs them; empty if they are not there.
fn given(setting: &Option<String>) -> &str {
    setting.as_deref().unwrap_or_default()
}
