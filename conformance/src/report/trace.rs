//! The exchanges of every case that ran, for whoever works on a plugin.

use std::fmt::Write as _;

use crate::report::escaped::visible;
use crate::report::exchange_text::write_exchange;
use crate::report::model::Report;

/// Every exchange of the cases, in the order of their names; empty unless the run kept them.
pub fn to_trace(report: &Report) -> String {
    let mut text = String::new();
    for (case, record) in &report.records {
        if record.exchanges.is_empty() {
            continue;
        }
        let is_failed = report.failures.iter().any(|failure| failure.case == *case);
        let word = if is_failed { "FAILED" } else { "passed" };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{word} {case}");
        for exchange in &record.exchanges {
            let _ = write_exchange(&mut text, "  ", exchange);
        }
        text.push('\n');
    }
    visible(&text)
}
