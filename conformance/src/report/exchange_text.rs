//! An exchange as lines of text.

use std::fmt::{self, Write};

use crate::report::escaped::visible;
use crate::report::outcome::{ShownExchange, ShownUpstreamExchange};

/// The request and the response, what the plugin asked upstreams in between, and what it logged.
pub(super) fn write_exchange(out: &mut impl Write, indent: &str, exchange: &ShownExchange) -> fmt::Result {
    writeln!(out, "{indent}> {} {}", exchange.request, exchange.request_body)?;
    for upstream in &exchange.upstream {
        write_upstream(out, &format!("{indent}  "), upstream)?;
    }
    for line in &exchange.log {
        writeln!(out, "{indent}  log {line}")?;
    }
    writeln!(out, "{indent}< {} {}", exchange.status, exchange.response_body)
}

/// What the plugin asked an upstream, and what it got.
pub(crate) fn upstream_text(upstream: &ShownUpstreamExchange) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write_upstream(&mut text, "", upstream);
    visible(&text)
}

fn write_upstream(out: &mut impl Write, indent: &str, upstream: &ShownUpstreamExchange) -> fmt::Result {
    let ShownUpstreamExchange { request, request_headers, request_body, status, reply } = upstream;
    writeln!(out, "{indent}upstream > {request} {request_body}")?;
    for header in request_headers.iter().filter(|header| !header.starts_with("content-type")) {
        writeln!(out, "{indent}upstream > {header}")?;
    }
    match status {
        Some(status) => writeln!(out, "{indent}upstream < {status} {reply}"),
        None => writeln!(out, "{indent}upstream < {reply}"),
    }
}
