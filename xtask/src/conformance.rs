//! Runs the conformance suite against the plugins of this workspace, and shows the results in one table.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use serde_json::Value;

use crate::build::{self, Built, build};
use crate::shell::target_dir;

/// The columns of the table and the sums of a report that they show: of its cases, then of its mutants, those of the engine
/// and those of the plugin's requests.
const COLUMNS: [(&str, &str); 9] = [
    ("passed", "counts/passed"),
    ("failed", "counts/failed"),
    ("skipped", "counts/skipped"),
    ("unsupported", "counts/unsupported"),
    ("not run", "counts/not_run"),
    ("killed", "mutation_score/killed"),
    ("survived", "mutation_score/survived"),
    ("requests killed", "request_mutation_score/killed"),
    ("survived", "request_mutation_score/survived"),
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
            Verdict::Conformant(counts) => rows.push(row(&name, &counts)),
            Verdict::NotConformant => failed.push(name),
        }
    }
    if rows.is_empty() && failed.is_empty() {
        bail!("no plugin of that name; the plugins are in plugins/");
    }
    println!("\n{}\n{}", row("plugin", &COLUMNS.map(|(head, _)| head.to_owned())), rows.join("\n"));
    if failed.is_empty() { Ok(()) } else { bail!("not conformant: {}", failed.join(", ")) }
}

enum Verdict {
    /// The sums, by column.
    Conformant(Vec<String>),
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
        for (what, list) in
            [("faults of the engine", "mutation_score"), ("changed requests", "request_mutation_score")]
        {
            let survivors = listed(&report, &format!("/{list}/mutants"), |mutant| {
                mutant.get("result").is_some_and(|result| result == "survived")
            });
            eprintln!("{what} that were not noticed: {:#}", Value::from(survivors));
        }
        return Ok(Verdict::NotConformant);
    }
    let sum = |column: &str| report.pointer(&format!("/{column}")).map(Value::to_string);
    sum("mutation_score/killed").context("the report has no mutation score")?;
    let sums = COLUMNS.iter().map(|(_, column)| sum(column).unwrap_or_default());
    Ok(Verdict::Conformant(sums.collect()))
}

fn listed(report: &Value, list: &str, wanted: impl Fn(&Value) -> bool) -> Vec<Value> {
    let entries = report.pointer(list).and_then(Value::as_array);
    entries.into_iter().flatten().filter(|entry| wanted(entry)).cloned().collect()
}

fn row(name: &str, cells: &[String]) -> String {
    let cells = COLUMNS.iter().zip(cells).map(|((head, _), cell)| format!("{cell:>0$}", head.len().max(11)));
    let cells: Vec<String> = cells.collect();
    format!("{name:<14}{}", cells.join(" "))
}
