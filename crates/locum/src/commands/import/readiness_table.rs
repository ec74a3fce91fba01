//! The report of an import as text: a table of clients, and below it what each of them needs.

use std::fmt::Write;
use std::path::Path;

use locum_import::{ClientReport, Counted, Readiness, Report, ToDo, printable};

use crate::format::table;

pub(super) fn text(report: &Report, out: &Path) -> String {
    let mut text = String::new();
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!(
        "wrote {} with {} clients, and {} more files",
        printable(&out.join(&report.tenant_file).display().to_string()),
        report.clients.len(),
        report.files.len().saturating_sub(1)
    ));
    line(String::new());
    line(clients(report));
    line(String::new());
    for to_do in &report.tenant {
        line(to_do_line(to_do, "(the tenant)"));
    }
    for client in &report.clients {
        for to_do in &client.to_do {
            line(to_do_line(to_do, &format!("client {}", printable(&client.client_id))));
        }
    }
    for client in &report.left_out {
        let label = if client.client_id.is_empty() { &client.name } else { &client.client_id };
        let kind = if client.needs_decision { "decide: " } else { "" };
        line(format!("{kind}client {} is left out: {}", printable(label), printable(&client.why)));
    }
    for script in &report.scripts {
        line(format!("decide: {}:{}: {}", printable(&script.file), script.line, printable(&script.what)));
    }
    for (kind, counted) in [
        ("fields left out, which Locum does not know", &report.dropped_fields),
        ("add-ons left out, which are for single sign-on", &report.single_sign_on),
    ] {
        if !counted.is_empty() {
            line(format!("{kind}: {}", counts(counted)));
        }
    }
    line(summary(report));
    text
}

fn clients(report: &Report) -> String {
    let mut rows = vec![tenant_row(&report.tenant)];
    rows.extend(report.clients.iter().map(row));
    table(["client_id", "name", "requests", "api_types", "readiness"], &rows)
}

/// What every target depends on, such as who compares `iss`.
fn tenant_row(to_do: &[ToDo]) -> [String; 5] {
    let readiness = to_do.iter().map(|to_do| to_do.readiness).max().unwrap_or(Readiness::WorksNow);
    ["(the tenant)", "-", "-", "-", readiness.as_str()].map(str::to_owned)
}

fn row(client: &ClientReport) -> [String; 5] {
    let api_types: Vec<String> = client.api_types.iter().map(|api_type| printable(api_type)).collect();
    let or_dash = |text: String| if text.is_empty() { "-".to_owned() } else { text };
    [
        printable(&client.client_id),
        or_dash(printable(&client.name)),
        if client.may_call { "yes" } else { "no" }.to_owned(),
        or_dash(api_types.join(" ")),
        client.readiness.as_str().to_owned(),
    ]
}

fn to_do_line(to_do: &ToDo, of: &str) -> String {
    let kind = match to_do.readiness {
        Readiness::WorksNow => "note: ",
        Readiness::NeedsTrust => "trust: ",
        _ => "decide: ",
    };
    format!("{kind}{of}: {}", printable(&to_do.text))
}

fn counts(counted: &[Counted]) -> String {
    let mut text = String::new();
    for (index, Counted { name, clients: count }) in counted.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let clients = if *count == 1 { "client" } else { "clients" };
        // Writing into a text does not fail.
        let _ = write!(text, "{comma}{} ({count} {clients})", printable(name));
    }
    text
}

fn summary(report: &Report) -> String {
    let count = |readiness| report.clients.iter().filter(|client| client.readiness == readiness).count();
    format!(
        "clients that work now: {}; that need trust renewed upstream: {}; that need a decision: {}; that are left out: {}",
        count(Readiness::WorksNow),
        count(Readiness::NeedsTrust),
        count(Readiness::NeedsDecision),
        report.left_out.len()
    )
}
