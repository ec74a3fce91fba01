//! `locum check`.

use serde_json::json;

use std::sync::Arc;

use crate::audit_log::NoRequests;
use crate::cli::{CheckArgs, Format};
use crate::config;
use crate::exit::CommandError;
use crate::format::{print_json, print_text};
use crate::wiring;

pub(crate) fn run(args: &CheckArgs) -> Result<(), CommandError> {
    let config = config::load(&args.config)?;
    let service = wiring::assemble(&config, Arc::new(NoRequests))?;
    let set = service.directory.current();
    let problems = wiring::problem_lines(&set.problems());
    let plugins = service.plugins.plugins().count();
    let tenants = set.tenants().count();
    match args.format {
        Format::Json => print_json(
            &json!({"plugins": plugins, "tenants": tenants, "problems": problems, "warnings": service.warnings}),
        ),
        Format::Table => {
            print_text(&format!("plugins: {plugins}, tenants: {tenants}, problems: {}", problems.len()));
            for problem in &problems {
                print_text(&format!("problem: {problem}"));
            }
            for warning in &service.warnings {
                print_text(&format!("warning: {warning}"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(CommandError::check_failed()) }
}
