//! `locum conformance`: tests a plugin file or a running server.

use std::path::{Path, PathBuf};

use locum_conformance::report::{to_html, to_junit, to_table, to_yaml};
use locum_conformance::{Implementation, Options, Report, SetupError, run as run_suite, run_with_mutants};
use locum_engine::ports::Clock;
use locum_store::SystemClock;
use serde_json::{Map, Value};

use crate::cli::{ConformanceArgs, Format};
use crate::exit::Ended;
use crate::format::{print_json, print_text};

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), Ended> {
    let options = options(args)?;
    let report = if args.mutation_score { run_with_mutants(&options) } else { run_suite(&options) };
    let report = report.map_err(ended)?;
    if let Some(folder) = &args.report_dir {
        write_reports(&report, folder)?;
    }
    match args.format {
        Format::Json => print_json(&report),
        Format::Table => print_text(&to_table(&report)),
    }
    if report.passed() { Ok(()) } else { Err(Ended::wanting()) }
}

fn options(args: &ConformanceArgs) -> Result<Options, Ended> {
    Ok(Options {
        implementation: implementation(args)?,
        fixtures: fixtures(&args.fixtures),
        settings: args.settings.as_deref().map(read_settings).transpose()?,
        only: args.only.clone(),
        now_unix_seconds: i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX),
        command: command(args),
    })
}

/// The command that repeats the run, for readers of the report; without flags that write files.
fn command(args: &ConformanceArgs) -> String {
    let mut words = vec!["locum".to_owned(), "conformance".to_owned(), args.plugin_or_url.clone()];
    let mut add = |flag: &str, value: &Path| words.extend([flag.to_owned(), value.display().to_string()]);
    args.fixtures.iter().for_each(|folder| add("--fixtures", folder));
    args.settings.iter().for_each(|file| add("--settings", file));
    args.tenant.iter().for_each(|file| add("--tenant", file));
    args.plugins.iter().for_each(|file| add("--plugins", file));
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// A word, quoted for a shell if needed.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The named folders, or the default folder if it exists.
fn fixtures(named: &[PathBuf]) -> Vec<PathBuf> {
    let default = Path::new("fixtures");
    if named.is_empty() && default.is_dir() { vec![default.to_owned()] } else { named.to_owned() }
}

fn implementation(args: &ConformanceArgs) -> Result<Implementation, Ended> {
    if !args.plugin_or_url.starts_with("http://") && !args.plugin_or_url.starts_with("https://") {
        return Ok(Implementation::Plugin(args.plugin_or_url.clone().into()));
    }
    let tenant = args
        .tenant
        .clone()
        .ok_or_else(|| Ended::usage("testing a server needs its tenant file; name it with --tenant"))?;
    Ok(Implementation::Server {
        base_url: args.plugin_or_url.clone(),
        tenant,
        manifests: args.plugins.clone(),
    })
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
    write("report.yaml", &to_yaml(report))?;
    write("report.html", &to_html(report))?;
    write("junit.xml", &to_junit(report))
}

fn ended(error: SetupError) -> Ended {
    match error {
        SetupError::Plugin(error) => Ended::plugin(error),
        SetupError::Server(_) | SetupError::Runtime(_) => Ended::machine(error),
        other => Ended::file(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_quoted_only_if_a_shell_would_split_or_expand_it() {
        assert_eq!(quoted("./libfoo.so"), "./libfoo.so");
        assert_eq!(quoted("my plugin.so"), "'my plugin.so'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("$(x)"), "'$(x)'");
    }
}
