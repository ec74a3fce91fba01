//! Tables for people, JSON for programs: the one place that prints.

use std::io::Write;

use serde::Serialize;

use crate::cli::Format;

/// Prints rows under a head, or the same as JSON.
pub(crate) fn print_rows<const N: usize>(
    format: Format,
    head: [&str; N],
    rows: &[[String; N]],
    json: &impl Serialize,
) {
    match format {
        Format::Json => print_json(json),
        Format::Table => print_text(&table(head, rows)),
    }
}

/// Prints JSON with a newline.
pub(crate) fn print_json(json: &impl Serialize) {
    print_text(&serde_json::to_string_pretty(json).unwrap_or_default());
}

/// Prints a text with a newline. A reader that has gone, as `head` does, is no reason to complain.
pub(crate) fn print_text(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&head)];
    lines.extend(rows.iter().map(|row| line(&row.each_ref().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["firebase".to_owned(), "ok".to_owned()], ["aws".to_owned(), "wanting".to_owned()]];
        assert_eq!(table(["api_type", "state"], &rows), "api_type  state\nfirebase  ok\naws       wanting");
    }
}
