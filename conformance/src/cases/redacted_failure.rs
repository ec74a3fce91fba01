//! What a report shows of a failed step: differences and exchange, without tokens and secrets.

use crate::exchange::message::{Request, Transcript};
use crate::exchange::redaction::redacted;
use crate::report::{Difference, ShownExchange};

/// The differences without tokens and these secrets.
pub(crate) fn redacted_differences(
    differences: Vec<Difference>,
    secrets: &[(String, String)],
) -> Vec<Difference> {
    let shown = |text: &str| redacted(text, secrets);
    differences
        .into_iter()
        .map(|Difference { what, expected, got }| Difference {
            what,
            expected: shown(&expected),
            got: shown(&got),
        })
        .collect()
}

/// The request and its response without tokens and these secrets.
pub(crate) fn shown_exchange(
    request: &Request,
    transcript: &Transcript,
    secrets: &[(String, String)],
) -> ShownExchange {
    let shown = |text: &str| redacted(text, secrets);
    let lines = |headers: &[(String, String)]| {
        headers.iter().map(|(name, value)| format!("{name}: {}", shown(value))).collect()
    };
    let response = &transcript.response;
    ShownExchange {
        request: format!("{} {}", request.method, shown(&request.target)),
        request_headers: std::iter::once(format!("host: {}", request.host))
            .chain(lines(&request.headers))
            .collect(),
        request_body: shown(&request.body),
        status: response.status,
        response_headers: lines(&response.headers),
        response_body: shown(&response.body),
    }
}
