//! The report as tables in Markdown, which read well in a terminal too.

use std::fmt::Write as _;

use crate::gate::Verdict;
use crate::measure::{Growth, Memory, Report};
use crate::statistics::Spread;

/// All tables of what was measured.
pub(crate) fn tables(report: &Report) -> String {
    let parts = [
        cpu(report),
        instructions(report),
        connections(report),
        latency(report),
        report.memory.as_ref().map(memory).unwrap_or_default(),
        growth(report),
    ];
    let mut text: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    text.extend(report.not_run.iter().map(|reason| format!("NOT RUN: {reason}\n")));
    text.join("\n")
}

/// On what it was measured, and how well.
pub(crate) fn machine(report: &Report) -> String {
    let quick = if report.quick { " With `--quick`: too few and too short samples for figures." } else { "" };
    let disturbances =
        report.disturbances.as_ref().map(|sentence| format!(" {sentence}")).unwrap_or_default();
    format!("Measured on: {}.{quick}{disturbances}\n", report.machine)
}

/// The verdicts on what has a limit.
pub(crate) fn verdicts(verdicts: &[Verdict]) -> String {
    table(
        &["limit", "measured", "", "", ""],
        verdicts.iter().map(|verdict| {
            let bound = if verdict.at_most { "at most" } else { "at least" };
            let state = if verdict.good { "good" } else { "FAILED" };
            let figures =
                [number(verdict.measured), bound.to_owned(), number(verdict.limit), state.to_owned()];
            std::iter::once(verdict.what.clone()).chain(figures).collect()
        }),
    )
}

/// CPU time per request: a row for each service, a column for each exchange.
pub(crate) fn cpu(report: &Report) -> String {
    let mut exchanges: Vec<_> = report.cpu.iter().map(|row| row.exchange).collect();
    exchanges.dedup();
    let mut services: Vec<&str> = Vec::new();
    for row in &report.cpu {
        if !services.contains(&row.service.as_str()) {
            services.push(&row.service);
        }
    }
    let head: Vec<&str> = std::iter::once("CPU time per request, µs (by the ideal's)")
        .chain(exchanges.iter().map(|e| e.title()))
        .collect();
    let cell = |service: &str, exchange| {
        let row = report.cpu.iter().find(|row| row.service == service && row.exchange == exchange);
        row.map_or("–".to_owned(), |row| {
            format!("{} ({})", spread(&row.cpu_us, 1), spread(&row.of_ideal, 2))
        })
    };
    let mut text = table(
        &head,
        services.iter().map(|service| {
            let cells = exchanges.iter().map(|exchange| cell(service, *exchange));
            std::iter::once((*service).to_owned()).chain(cells).collect()
        }),
    );
    if let (Some(raw), Some(share)) = (&report.raw_signature_us, &report.signing_share) {
        // Writing into a string cannot fail.
        let _ = writeln!(
            text,
            "\nAn RSA-2048 signature alone: {} µs, {} of Locum's HS256→RS256.",
            spread(raw, 1),
            spread(share, 2)
        );
    }
    text
}

pub(crate) fn instructions(report: &Report) -> String {
    table(
        &["instructions per request", "service", "in all", "without the cryptography's inner loops"],
        report.instructions.iter().map(|count| {
            let figures = [count.instructions, count.without_kernels].map(|count| count.to_string());
            [count.exchange.title().to_owned(), count.service.clone()].into_iter().chain(figures).collect()
        }),
    )
}

pub(crate) fn connections(report: &Report) -> String {
    let mut text = table(
        &["connections", "service", "answered per second", "CPU, µs", "p50, ms", "p99, ms", "refused"],
        report.connections.iter().map(|row| {
            vec![
                row.connections.to_string(),
                row.service.clone(),
                spread(&row.per_second, 0),
                spread(&row.cpu_us, 1),
                spread(&row.p50_ms, 2),
                spread(&row.p99_ms, 2),
                row.refused.to_string(),
            ]
        }),
    );
    if let Some(kept) = &report.capacity_kept {
        let _ = writeln!(
            text,
            "\nAnswered by Locum in a second of CPU time, over 512 connections by over 32: {}.",
            spread(kept, 2)
        );
    }
    text
}

pub(crate) fn latency(report: &Report) -> String {
    table(
        &[
            "arrivals by capacity",
            "exchange",
            "connections",
            "p50, ms",
            "p99, ms",
            "answered by capacity",
            "refused",
        ],
        report.latency.iter().map(|row| {
            vec![
                row.load.to_string(),
                row.exchange.title().to_owned(),
                row.connections.to_string(),
                spread(&row.p50_ms, 2),
                spread(&row.p99_ms, 2),
                spread(&row.answered, 2),
                row.refused.to_string(),
            ]
        }),
    )
}

pub(crate) fn memory(memory: &Memory) -> String {
    let mut text = table(
        &["start", "seconds", "CPU seconds", "memory, MB", "bytes per client"],
        memory.starts.iter().map(|row| {
            let what = format!(
                "{} tenants of {} clients with {} add-ons",
                row.tenants, row.clients_per_tenant, row.add_ons_per_client
            );
            let resident = row.resident_bytes as f64 / 1e6;
            let figures = [
                number(row.seconds),
                number(row.cpu_seconds),
                number(resident),
                number(row.bytes_per_client),
            ];
            std::iter::once(what).chain(figures).collect()
        }),
    );
    let _ = writeln!(
        text,
        "\nIdle: {} MB. Each of {} bucket keys: {} bytes.",
        number(memory.idle_bytes as f64 / 1e6),
        memory.bucket_keys,
        number(memory.bytes_per_bucket_key)
    );
    text
}

pub(crate) fn growth(report: &Report) -> String {
    table(
        &["growth", "CPU, µs", "memory, MB", "start, s"],
        report.growth.iter().map(|row| {
            let what = match row.of {
                Growth::Tenants => "tenants of 10 clients",
                Growth::Clients => "clients of one tenant",
                Growth::Plugins => "plugins",
            };
            let resident = number(row.resident_bytes as f64 / 1e6);
            vec![format!("{} {what}", row.count), spread(&row.cpu_us, 1), resident, number(row.start_seconds)]
        }),
    )
}

fn table(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let head: Vec<String> = head.iter().map(|&cell| cell.to_owned()).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!(" {cell:<width$} |"));
        format!("|{}\n", cells.collect::<String>())
    };
    let rule: String = widths.iter().map(|width| format!("{}|", "-".repeat(width + 2))).collect();
    let body: String = rows.iter().map(line).collect();
    format!("{}|{rule}\n{body}", line(&head))
}

/// The median, and in brackets the quartiles where they differ from it as written.
pub(crate) fn spread(spread: &Spread, digits: usize) -> String {
    let written = |figure: f64| format!("{figure:.digits$}");
    let (median, low, high) = (written(spread.median), written(spread.low), written(spread.high));
    if low == median && high == median { median } else { format!("{median} [{low}–{high}]") }
}

/// With as many digits as say something.
fn number(figure: f64) -> String {
    let digits = match figure.abs() {
        0.0 => 0,
        small if small < 10.0 => 2,
        middle if middle < 1000.0 => 1,
        _ => 0,
    };
    format!("{figure:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["µs".to_owned(), "1".to_owned()]];
        assert_eq!(table(&["a", "long"], rows.into_iter()), "| a  | long |\n|----|------|\n| µs | 1    |\n");
        assert_eq!(table(&["a"], std::iter::empty()), "");
    }

    #[test]
    fn quartiles_are_shown_where_they_differ() {
        assert_eq!(spread(&Spread { median: 1.25, low: 1.2, high: 1.3 }, 2), "1.25 [1.20–1.30]");
        assert_eq!(spread(&Spread { median: 1.32, low: 1.31, high: 1.33 }, 1), "1.3");
    }

    #[test]
    fn numbers_keep_the_digits_that_say_something() {
        assert_eq!([0.0, 1.399, 25.0, 165_000.0].map(number), ["0", "1.40", "25.0", "165000"]);
    }
}
