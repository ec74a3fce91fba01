//! `locum conformance`.

use std::path::{Path, PathBuf};

use locum_conformance::{Options, Report, SetupError, Subject, run as judge};
use locum_engine::ports::Clock;
use locum_store::SystemClock;
use serde_json::{Map, Value};

use crate::cli::{ConformanceArgs, Format};
use crate::exit::Ended;
use crate::format::{print_json, print_text};

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), Ended> {
    let options = options(args)?;
    let report = judge(&options).map_err(ended)?;
    if let Some(folder) = &args.report_dir {
        write_reports(&report, folder)?;
    }
    match args.format {
        Format::Json => print_json(&report),
        Format::Table => print_text(&report.table()),
    }
    if report.passed() { Ok(()) } else { Err(Ended::wanting()) }
}

fn options(args: &ConformanceArgs) -> Result<Options, Ended> {
    Ok(Options {
        subject: subject(args)?,
        fixtures: fixtures(&args.fixtures),
        settings: args.settings.as_deref().map(read_settings).transpose()?,
        only: args.only.clone(),
        now_unix_seconds: i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX),
        command: std::env::args().collect::<Vec<_>>().join(" "),
    })
}

/// The named folders, or the one where authors keep theirs.
fn fixtures(named: &[PathBuf]) -> Vec<PathBuf> {
    let usual = Path::new("fixtures");
    if named.is_empty() && usual.is_dir() { vec![usual.to_owned()] } else { named.to_owned() }
}

fn subject(args: &ConformanceArgs) -> Result<Subject, Ended> {
    if !args.subject.starts_with("http://") && !args.subject.starts_with("https://") {
        return Ok(Subject::Plugin(args.subject.clone().into()));
    }
    let tenant = args.tenant.clone().ok_or_else(|| {
        Ended::usage("a server is judged with the tenant file that it runs with; name it with --tenant")
    })?;
    Ok(Subject::Server { base_url: args.subject.clone(), tenant, manifests: args.plugins.clone() })
}

fn read_settings(path: &Path) -> Result<Map<String, Value>, Ended> {
    let unusable = |why: &dyn std::fmt::Display| Ended::file(format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| unusable(&error))?;
    serde_json::from_slice(&text).map_err(|error| unusable(&error))
}

fn write_reports(report: &Report, folder: &Path) -> Result<(), Ended> {
    std::fs::create_dir_all(folder).map_err(Ended::machine)?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| Ended::machine(format!("{}: {error}", path.display())))
    };
    write("report.yaml", &report.to_yaml())?;
    write("report.html", &report.to_html())?;
    write("junit.xml", &report.to_junit())
}

fn ended(error: SetupError) -> Ended {
    match error {
        SetupError::Plugin(error) => Ended::plugin(error),
        SetupError::Server(_) | SetupError::Runtime(_) => Ended::machine(error),
        other => Ended::file(other),
    }
}
