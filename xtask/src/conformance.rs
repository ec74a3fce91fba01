//! Runs the conformance suite against the plugins of this workspace, and shows the results in one table.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use serde_json::Value;

use crate::build::{self, Built, build};
use crate::shell::target_dir;

/// The sums of a report, in the order of the table's columns: of its cases, then of its mutants.
const COLUMNS: [&str; 7] = [
    "counts/passed",
    "counts/failed",
    "counts/skipped",
    "counts/unsupported",
    "counts/not_run",
    "mutation_score/killed",
    "mutation_score/survived",
];

#[derive(ClapArgs)]
pub struct Args {
    /// Only this plugin, such as `firebase`.
    name: Option<String>,
}

impl Args {
    /// Every plugin.
    pub fn all() -> Self {
        Self { name: None }
    }
}

pub fn run(args: &Args) -> Result<()> {
    let built = build(build::Args { release: false })?;
    let wanted = args.name.as_ref().map(|name| format!("liblocum_plugin_{name}.so"));
    let mut rows = Vec::new();
    let mut failed = Vec::new();
    for plugin in
        built.plugins.iter().filter(|plugin| wanted.as_ref().is_none_or(|wanted| plugin.ends_with(wanted)))
    {
        let name = plugin.file_stem().unwrap_or_default().to_string_lossy().replace("liblocum_plugin_", "");
        match check(&built, plugin, &name)? {
            Verdict::Conformant(counts) => rows.push(row(&name, counts)),
            Verdict::NotConformant => failed.push(name),
        }
    }
    if rows.is_empty() && failed.is_empty() {
        bail!("no plugin of that name; the plugins are in plugins/");
    }
    println!("\n{}\n{}", row("plugin", COLUMNS.map(head)), rows.join("\n"));
    if failed.is_empty() { Ok(()) } else { bail!("not conformant: {}", failed.join(", ")) }
}

enum Verdict {
    Conformant([String; COLUMNS.len()]),
    NotConformant,
}

/// Reports go to `target/conformance/<name>`. Of a plugin that fails, this prints what failed in this very run:
/// a second run could pass.
fn check(built: &Built, plugin: &Path, name: &str) -> Result<Verdict> {
    let mut conformance = Command::new(&built.locum);
    conformance
        .arg("conformance")
        .arg(plugin)
        .arg("--report-dir")
        .arg(target_dir()?.join("conformance").join(name));
    let output = conformance.args(["--mutation-score", "--format", "json"]).output()?;
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    if !output.status.success() {
        eprintln!("{name}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
        eprintln!("failed cases: {:#}", Value::from(listed(&report, "/failures", |_| true)));
        let survivors = listed(&report, "/mutation_score/mutants", |mutant| {
            mutant.get("result").is_some_and(|result| result == "survived")
        });
        eprintln!("injected faults that were not noticed: {:#}", Value::from(survivors));
        return Ok(Verdict::NotConformant);
    }
    let sum = |column: &str| report.pointer(&format!("/{column}")).map(Value::to_string);
    sum("mutation_score/killed").context("the report has no mutation score")?;
    Ok(Verdict::Conformant(COLUMNS.map(|column| sum(column).unwrap_or_default())))
}

fn listed(report: &Value, list: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let entries = report.pointer(list).and_then(Value::as_array);
    entries.into_iter().flatten().filter(|entry| wanted(entry)).cloned().collect()
}

fn head(column: &str) -> String {
    column.rsplit('/').next().unwrap_or_default().replace('_', " ")
}

fn row(name: &str, cells: [String; COLUMNS.len()]) -> String {
    let cells: Vec<String> = cells.iter().map(|cell| format!("{cell:>11}")).collect();
    format!("{name:<14}{}", cells.join(" "))
}
