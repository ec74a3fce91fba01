//! An exchange as lines of text.

use std::fmt::{self, Write};

use crate::report::outcome::{ShownExchange, ShownUpstreamExchange};

/// The request and the response, what the plugin asked upstreams in between, and what it logged.
pub(super) fn write_exchange(out: &mut impl Write, indent: &str, exchange: &ShownExchange) -> fmt::Result {
    writeln!(out, "{indent}> {} {}", exchange.request, exchange.request_body)?;
    for ShownUpstreamExchange { request, request_headers, request_body, status, reply } in &exchange.upstream
    {
        writeln!(out, "{indent}  upstream > {request} {request_body}")?;
        for header in request_headers.iter().filter(|header| !header.starts_with("content-type")) {
            writeln!(out, "{indent}  upstream > {header}")?;
        }
        match status {
            Some(status) => writeln!(out, "{indent}  upstream < {status} {reply}")?,
            None => writeln!(out, "{indent}  upstream < {reply}")?,
        }
    }
    for line in &exchange.log {
        writeln!(out, "{indent}  log {line}")?;
    }
    writeln!(out, "{indent}< {} {}", exchange.status, exchange.response_body)
}
