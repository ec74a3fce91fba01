//! Prints results: text for people, JSON for programs.

use std::io::Write;

use serde::Serialize;

use crate::cli::Format;

/// Prints rows under a heading, or `json`.
pub(crate) fn print_rows<const N: usize>(
    format: Format,
    heading: [&str; N],
    rows: &[[String; N]],
    json: &impl Serialize,
) {
    match format {
        Format::Json => print_json(json),
        Format::Table => print_text(&table(heading, rows)),
    }
}

pub(crate) fn print_json(json: &impl Serialize) {
    print_text(&serde_json::to_string_pretty(json).unwrap_or_default());
}

/// Prints a text and one newline. A closed pipe, as `head` leaves it, is not an error.
pub(crate) fn print_text(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

/// Rows under a heading, in columns as wide as their widest cell.
pub(crate) fn table<const N: usize>(heading: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = heading.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[&str; N]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let mut lines = vec![line(&heading)];
    lines.extend(rows.iter().map(|row| line(&row.each_ref().map(String::as_str))));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["firebase".to_owned(), "ok".to_owned()], ["aws".to_owned(), "changed".to_owned()]];
        assert_eq!(table(["api_type", "state"], &rows), "api_type  state\nfirebase  ok\naws       changed");
    }
}
