//! `locum check`.

use serde_json::json;

use crate::cli::{CheckArgs, Format};
use crate::config;
use crate::exit::Ended;
use crate::format::{print_json, print_text};
use crate::wiring;

pub(crate) fn run(args: &CheckArgs) -> Result<(), Ended> {
    let config = config::load(&args.config)?;
    let wired = wiring::wire(&config)?;
    let set = wired.directory.current();
    let problems = wiring::problem_lines(&set.problems());
    let plugins = wired.plugins.plugins().count();
    let tenants = set.tenants().count();
    match args.format {
        Format::Json => print_json(
            &json!({"plugins": plugins, "tenants": tenants, "problems": problems, "warnings": wired.warnings}),
        ),
        Format::Table => {
            let verdict = if problems.is_empty() { "good".to_owned() } else { problems.join("\n") };
            print_text(&format!("{plugins} plugins, {tenants} tenants: {verdict}"));
            for warning in &wired.warnings {
                print_text(&format!("warning: {warning}"));
            }
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(Ended::wanting()) }
}
