//! `locum check`: collects everything that is wrong in one run.

use std::sync::Arc;

use serde_json::json;

use crate::asked_add_ons::{self, Asked, NoUpstreams};
use crate::cli::{CheckArgs, Format};
use crate::config;
use crate::exit::CommandError;
use crate::format::{print_json, print_text};
use crate::permissions;
use crate::reach;
use crate::redis;
use crate::served_tenants;
use crate::state;
use crate::tenants::{self, lines};
use crate::wiring::{self, PluginLoadError};

pub(crate) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    served_tenants::check(&config)?;
    redis::buckets(&config)?;
    state::place(&config)?;
    // Without root certificates, `serve` would not start.
    wiring::upstreams()?;
    let mut foreign_writers = permissions::of_installation(&config);
    let plugins = wiring::load_plugins(&config, Arc::new(NoUpstreams), None);
    let mut read = tenants::read(&config);
    foreign_writers.extend(permissions::of_files(&read.files));
    let foreign_writers = foreign_writers.iter().map(ToString::to_string);

    let mut report = Report { tenants: read.data.len(), ..Report::default() };
    report.warnings.extend(config.metrics_for_everybody());
    report.warnings.extend(state::warnings(&config, &read.data));
    if read.errors.is_empty() {
        report.reach = read.data.iter().flat_map(reach::summary).collect();
    }
    let mut found = std::mem::take(&mut read.problems);
    match &plugins {
        Ok(plugins) => {
            report.plugins = plugins.plugins().count();
            found.extend(read.unreachable_lifetimes(plugins));
            let Asked { warnings, logs } = asked_add_ons::ask(&read, plugins);
            read.warnings.extend(warnings);
            report.logs = lines(&logs);
            found.extend(read.add_on_problems_besides_errors(plugins));
        }
        Err(PluginLoadError(lines)) => report.problems.extend(lines.iter().cloned()),
    }
    let strictly_refused = config.strict_permissions && foreign_writers.len() > 0;
    report.verdict = verdict(&plugins, !read.errors.is_empty() || strictly_refused);
    found.extend(read.errors);
    report.problems.extend(lines(&found));
    if config.strict_permissions {
        report.problems.splice(0..0, foreign_writers);
    } else {
        report.warnings.extend(foreign_writers);
    }
    report.warnings.extend(lines(&read.warnings));
    report.print(args.format);
    match report.verdict {
        Some(error) => Err(error),
        None if report.problems.is_empty() => Ok(()),
        None => Err(CommandError::check_failed()),
    }
}

#[derive(Default)]
struct Report {
    plugins: usize,
    tenants: usize,
    problems: Vec<String>,
    warnings: Vec<String>,
    /// What issuers logged while they were configured.
    logs: Vec<String>,
    /// Who can reach whom.
    reach: Vec<String>,
    /// The exit code if `serve` would not start.
    verdict: Option<CommandError>,
}

impl Report {
    fn print(&self, format: Format) {
        let Self { plugins, tenants, problems, warnings, logs, reach, .. } = self;
        match format {
            Format::Json => print_json(
                &json!({"plugins": plugins, "tenants": tenants, "problems": problems, "warnings": warnings, "logs": logs, "reach": reach}),
            ),
            Format::Table => {
                print_text(&format!("plugins: {plugins}, tenants: {tenants}, problems: {}", problems.len()));
                for problem in problems {
                    print_text(&format!("problem: {problem}"));
                }
                for warning in warnings {
                    print_text(&format!("warning: {warning}"));
                }
                for line in logs {
                    print_text(&format!("log: {line}"));
                }
                for line in reach {
                    print_text(&format!("reach: {line}"));
                }
            }
        }
    }
}

/// The exit code with which `serve` would refuse to start. The lines are printed already.
fn verdict<T>(plugins: &Result<T, PluginLoadError>, files_refused: bool) -> Option<CommandError> {
    if plugins.is_err() {
        Some(CommandError::plugin_reported())
    } else {
        files_refused.then(CommandError::input_file_reported)
    }
}
