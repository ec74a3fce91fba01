//! What a report shows of a failed step: differences and exchange, without tokens and secrets.

use crate::exchange::message::{Request, Transcript, UpstreamTranscript};
use crate::exchange::redaction::redacted;
use crate::report::{Difference, ShownExchange, ShownUpstreamExchange};

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
    let upstream = transcript.internals.iter().flat_map(|internals| &internals.upstream_exchanges);
    ShownExchange {
        request: format!("{} {}", request.method, shown(&request.target)),
        request_headers: std::iter::once(format!("host: {}", request.host))
            .chain(lines(&request.headers))
            .collect(),
        request_body: shown(&request.body),
        status: response.status,
        response_headers: lines(&response.headers),
        response_body: shown(&response.body),
        upstream: upstream.map(|exchange| shown_upstream(exchange, &shown)).collect(),
        log: plugin_lines(transcript, &shown),
    }
}

/// The upstream exchange without tokens and secrets, which `shown` leaves out.
pub(crate) fn shown_upstream(
    exchange: &UpstreamTranscript,
    shown: &dyn Fn(&str) -> String,
) -> ShownUpstreamExchange {
    let (status, reply) = match &exchange.reply {
        Ok(reply) => (Some(reply.status), reply.body.as_str()),
        Err(why) => (None, why.as_str()),
    };
    let request = &exchange.request;
    ShownUpstreamExchange {
        request: shown(&format!("{} {}", request.method, request.url)),
        request_headers: request.headers.iter().map(|(name, value)| header(name, value, shown)).collect(),
        request_body: shown(&request.body),
        status,
        reply: shown(reply),
    }
}

/// A header line. Of credentials only the scheme is shown, because they may hold a secret in an encoding of their own.
fn header(name: &str, value: &str, shown: &dyn Fn(&str) -> String) -> String {
    const CREDENTIALS: [&str; 4] = ["authorization", "proxy-authorization", "cookie", "x-api-key"];
    if !CREDENTIALS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return format!("{name}: {}", shown(value));
    }
    let (scheme, credentials) = value.split_once(' ').unwrap_or(("", value));
    let separator = if scheme.is_empty() { "" } else { " " };
    format!("{name}: {}{separator}<{} bytes>", shown(scheme), credentials.len())
}

/// What the plugin itself logged, each line once: at both levels of isolation it logs the same.
fn plugin_lines(transcript: &Transcript, shown: &dyn Fn(&str) -> String) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in transcript.internals.iter().flat_map(|internals| &internals.log) {
        let Some((level, message)) = line.split_once(" plugin: message=") else { continue };
        let message = message.rsplit_once(" plugin=").map_or(message, |(message, _)| message);
        let line = format!("{level} {}", shown(message));
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_headers_are_shown_by_their_scheme_and_size() {
        let shown = |text: &str| text.to_owned();
        assert_eq!(header("Authorization", "Basic c2VjcmV0", &shown), "Authorization: Basic <8 bytes>");
        assert_eq!(header("x-api-key", "c2VjcmV0", &shown), "x-api-key: <8 bytes>");
        assert_eq!(header("accept", "text/xml", &shown), "accept: text/xml");
    }
}
