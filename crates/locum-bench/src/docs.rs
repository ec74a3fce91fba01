//! Writes what was measured into `docs/performance.md` and the charts beside it. Text around the figures is left alone.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::exchange::Exchange;
use crate::measure::{Growth, GrowthRow, Report};
use crate::statistics::Spread;
use crate::svg::{Bars, Group, Lines, Scale, Series};
use crate::table;

const PAGE: &str = "performance.md";
/// The folder of the charts, beside the page.
const CHARTS: &str = "performance";

/// Replaces tables and charts of what was measured. Those of other parts stay.
pub(crate) fn write(folder: &Path, report: &Report) -> Result<()> {
    let path = folder.join(PAGE);
    let memory = report.memory.as_ref().map(table::memory).unwrap_or_default();
    let tables = [
        ("cpu", table::cpu(report)),
        ("instructions", table::instructions(report)),
        ("connections", table::connections(report)),
        ("latency", table::latency(report)),
        ("memory", memory),
        ("growth", table::growth(report)),
        ("machine", table::machine(report)),
    ];
    write_tables(&path, &tables)?;
    let charts = folder.join(CHARTS);
    fs::create_dir_all(&charts)?;
    for (name, svg) in charts_of(report) {
        fs::write(charts.join(name), svg)?;
    }
    Ok(())
}

/// Replaces these parts of a page, but for those that are empty.
pub(crate) fn write_tables(page: &Path, tables: &[(&str, String)]) -> Result<()> {
    let mut text = fs::read_to_string(page).with_context(|| format!("{} cannot be read", page.display()))?;
    for (name, table) in tables.iter().filter(|(_, table)| !table.is_empty()) {
        text = replaced(&text, name, table)?;
    }
    Ok(fs::write(page, text)?)
}

/// The page with another text between the comments that name the part.
fn replaced(page: &str, name: &str, text: &str) -> Result<String> {
    let (begin, end) = (format!("<!-- begin {name} -->\n"), format!("<!-- end {name} -->"));
    let parts = page.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) =
        parts.with_context(|| format!("the page has no place for {name}: {}", begin.trim()))?;
    Ok(format!("{before}{begin}\n{text}\n{end}{after}"))
}

fn charts_of(report: &Report) -> Vec<(&'static str, String)> {
    let mut charts = Vec::new();
    if !report.cpu.is_empty() {
        charts.push(("cpu.svg", cpu(report)));
    }
    if !report.latency.is_empty() {
        charts.push(("latency.svg", latency(report)));
    }
    if !report.connections.is_empty() {
        charts.push(("connections.svg", connections(report)));
    }
    if !report.growth.is_empty() {
        charts
            .push(("growth-cpu.svg", growth(report, "CPU time per request", "µs", |row| row.cpu_us.median)));
        let memory = |row: &GrowthRow| row.resident_bytes as f64 / 1e6;
        charts.push(("growth-memory.svg", growth(report, "Memory after the start", "MB", memory)));
    }
    charts
}

fn cpu(report: &Report) -> String {
    let group = |exchange: Exchange| Group {
        name: exchange.title().to_owned(),
        bars: report
            .cpu
            .iter()
            .filter(|row| row.exchange == exchange)
            .map(|row| (row.service.clone(), row.cpu_us.median))
            .collect(),
    };
    let groups = Exchange::ALL.into_iter().map(group).filter(|group| !group.bars.is_empty()).collect();
    Bars { title: "CPU time per request, µs".to_owned(), groups }.svg()
}

fn latency(report: &Report) -> String {
    // Another number of connections is measured at one rate only.
    let first = report.latency.first().map(|row| row.connections);
    let series = |exchange: Exchange, name: &str, figure: fn(&crate::measure::LatencyRow) -> Spread| Series {
        name: format!("{} {name}", exchange.title()),
        points: report
            .latency
            .iter()
            .filter(|row| row.exchange == exchange && Some(row.connections) == first)
            .map(|row| (row.load, figure(row).median))
            .collect(),
    };
    let both =
        |exchange| [series(exchange, "p50", |row| row.p50_ms), series(exchange, "p99", |row| row.p99_ms)];
    let series =
        Exchange::ALL.into_iter().flat_map(both).filter(|series| !series.points.is_empty()).collect();
    Lines {
        title: "Latency of what is answered".to_owned(),
        x_label: "arrivals by capacity".to_owned(),
        y_label: "ms".to_owned(),
        x_scale: Scale::Linear,
        y_scale: Scale::Logarithmic,
        series,
    }
    .svg()
}

fn connections(report: &Report) -> String {
    let series = |service: &str| Series {
        name: service.to_owned(),
        points: report
            .connections
            .iter()
            .filter(|row| row.service == service)
            .map(|row| (row.connections as f64, row.per_second.median))
            .collect(),
    };
    Lines {
        title: "HS256→HS256: answered per second, on one processor".to_owned(),
        x_label: "connections".to_owned(),
        y_label: "per second".to_owned(),
        x_scale: Scale::Logarithmic,
        y_scale: Scale::Linear,
        series: ["ideal", "locum"].map(series).into(),
    }
    .svg()
}

fn growth(report: &Report, title: &str, unit: &str, figure: impl Fn(&GrowthRow) -> f64) -> String {
    let series = |of: Growth, name: &str| Series {
        name: name.to_owned(),
        points: report
            .growth
            .iter()
            .filter(|row| row.of == of)
            .map(|row| (row.count as f64, figure(row)))
            .collect(),
    };
    Lines {
        title: title.to_owned(),
        x_label: "how many".to_owned(),
        y_label: unit.to_owned(),
        x_scale: Scale::Logarithmic,
        y_scale: Scale::Linear,
        series: vec![
            series(Growth::Tenants, "tenants of 10 clients"),
            series(Growth::Clients, "clients of one tenant"),
            series(Growth::Plugins, "plugins"),
        ],
    }
    .svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# Title\n<!-- begin cpu -->\nold\n<!-- end cpu -->\nby hand\n";

    #[test]
    fn only_what_is_between_the_comments_is_replaced() {
        let page = replaced(TEXT, "cpu", "| new |\n").unwrap();
        assert_eq!(page, "# Title\n<!-- begin cpu -->\n\n| new |\n\n<!-- end cpu -->\nby hand\n");
        assert_eq!(replaced(&page, "cpu", "| new |\n").unwrap(), page);
    }

    #[test]
    fn a_page_without_a_place_is_an_error() {
        assert!(replaced(TEXT, "latency", "").is_err());
        assert!(replaced(&TEXT.replace("end cpu", "end"), "cpu", "").is_err());
    }
}
