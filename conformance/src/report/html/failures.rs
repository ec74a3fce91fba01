//! Every failure: the differences, the exchange, and the command that reproduces it.

use std::fmt;

use crate::report::escaped::Escaped;
use crate::report::model::FailureReport;
use crate::report::outcome::{ShownExchange, ShownUpstreamExchange};

/// The failures; no section if there are none.
pub(super) struct FailuresSection<'a>(pub(super) &'a [FailureReport]);

impl fmt::Display for FailuresSection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        writeln!(f, "<section aria-labelledby=\"failures\">\n<h2 id=\"failures\">Failures</h2>")?;
        for (failure, number) in self.0.iter().zip(1_usize..) {
            write_failure(f, failure, number)?;
        }
        writeln!(f, "</section>")
    }
}

fn write_failure(f: &mut fmt::Formatter<'_>, failure: &FailureReport, number: usize) -> fmt::Result {
    writeln!(f, "<details class=\"failure\" id=\"failure-{number}\" open>")?;
    write!(f, "<summary><h3>{}</h3> <span class=\"about\">", Escaped(&failure.case))?;
    match failure.step {
        0 => write!(f, "{}, before the first step", failure.profile)?,
        step => write!(f, "{}, step {step}", failure.profile)?,
    }
    writeln!(f, "</span></summary>\n<p>{}</p>", Escaped(&failure.description))?;
    writeln!(
        f,
        "<table class=\"differences\" aria-label=\"Differences\">\n<thead><tr><th scope=\"col\">What</th><th scope=\"col\">Expected</th><th scope=\"col\">Got</th></tr></thead>\n<tbody>"
    )?;
    for difference in &failure.differences {
        writeln!(
            f,
            "<tr><th scope=\"row\">{}</th><td><code>{}</code></td><td class=\"got\"><code>{}</code></td></tr>",
            Escaped(&difference.what),
            Escaped(&difference.expected),
            Escaped(&difference.got)
        )?;
    }
    writeln!(f, "</tbody>\n</table>")?;
    if let Some(exchange) = &failure.exchange {
        write_exchange(f, exchange)?;
    }
    writeln!(
        f,
        "<h4>Reproduce</h4>\n<pre class=\"command\"><code>{}</code></pre>\n</details>",
        Escaped(&failure.reproduce)
    )
}

fn write_exchange(f: &mut fmt::Formatter<'_>, exchange: &ShownExchange) -> fmt::Result {
    writeln!(f, "<div class=\"exchange\">")?;
    write_message(f, "Request", &exchange.request, &exchange.request_headers, &exchange.request_body)?;
    let status = exchange.status.to_string();
    write_message(f, "Response", &status, &exchange.response_headers, &exchange.response_body)?;
    for ShownUpstreamExchange { request, request_headers, request_body, status, reply } in &exchange.upstream
    {
        write_message(f, "Upstream request", request, request_headers, request_body)?;
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        write_message(f, "Upstream reply", &status, &[], reply)?;
    }
    writeln!(f, "</div>")?;
    if exchange.log.is_empty() {
        return Ok(());
    }
    writeln!(f, "<h4>Log of the plugin</h4>\n<pre><code>{}</code></pre>", Escaped(&exchange.log.join("\n")))
}

fn write_message(
    f: &mut fmt::Formatter<'_>,
    kind: &str,
    first: &str,
    headers: &[String],
    body: &str,
) -> fmt::Result {
    writeln!(f, "<div>\n<h4>{kind}</h4>")?;
    writeln!(f, "<pre><code><b>{}</b>", Escaped(first))?;
    for header in headers {
        writeln!(f, "{}", Escaped(header))?;
    }
    if !body.is_empty() {
        write!(f, "\n{}", Escaped(body))?;
    }
    writeln!(f, "</code></pre>\n</div>")
}
