//! `locum conformance`: tests a plugin file or a running server.

use std::path::{Path, PathBuf};

use locum_conformance::report::{to_html, to_junit, to_table, to_trace, to_yaml};
use locum_conformance::{
    Implementation, Options, Report, ServerUnderTest, SetupError, TestedIsolation, TokenEndpointUnderTest,
    TokenExchangeSettings, run as run_suite, run_with_mutants,
};
use locum_engine::ports::Clock;
use locum_host::LoadErrorCode;
use locum_host::runner::RunnerCommand;
use locum_store::SystemClock;
use serde_json::{Map, Value};

use crate::cli::{ConformanceArgs, Format, IsolationArg, ProfileArg};
use crate::exit::CommandError;
use crate::format::{print_json, print_text};
use crate::tenants;

pub(crate) fn run(args: &ConformanceArgs) -> Result<(), CommandError> {
    let options = options(args)?;
    let report = if args.mutation_score { run_with_mutants(&options) } else { run_suite(&options) };
    let report = report.map_err(setup_error)?;
    if let Some(folder) = &args.report_dir {
        write_reports(&report, folder)?;
    }
    match args.format {
        Format::Json => print_json(&report),
        Format::Table => print_text(&format!("{}{}", to_trace(&report), to_table(&report))),
    }
    if report.passed() { Ok(()) } else { Err(CommandError::check_failed()) }
}

fn options(args: &ConformanceArgs) -> Result<Options, CommandError> {
    Ok(Options {
        implementation: implementation(args)?,
        fixtures: fixtures(&args.fixtures),
        settings: plugin_settings(args)?,
        only: args.only.clone(),
        verbose: args.verbose,
        now_unix_seconds: i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX),
        command: command(args),
        isolation: match args.isolation {
            IsolationArg::InProcess => TestedIsolation::InProcess,
            IsolationArg::Runner => TestedIsolation::Runner,
            IsolationArg::Both => TestedIsolation::Both,
        },
        runner: RunnerCommand::SelfExe,
    })
}

/// The command that repeats this run, for the report; without --report-dir, so that it overwrites no report.
fn command(args: &ConformanceArgs) -> String {
    let mut words = vec!["locum".to_owned(), "conformance".to_owned(), args.plugin_or_url.clone()];
    let mut add = |flag: &str, value: &Path| words.extend([flag.to_owned(), value.display().to_string()]);
    args.fixtures.iter().for_each(|folder| add("--fixtures", folder));
    args.profile.iter().for_each(|ProfileArg::TokenExchange| add("--profile", Path::new("token-exchange")));
    args.settings.iter().for_each(|file| add("--settings", file));
    args.tenant.iter().for_each(|file| add("--tenant", file));
    args.plugins.iter().for_each(|file| add("--plugins", file));
    let mut add = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
    args.caller.iter().for_each(|client| add("--caller", client));
    args.targets.iter().for_each(|client| add("--target", client));
    args.parameters.iter().for_each(|parameter| add("--parameter", parameter));
    match args.isolation {
        IsolationArg::InProcess => add("--isolation", "in-process"),
        IsolationArg::Runner => add("--isolation", "runner"),
        IsolationArg::Both => {}
    }
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Quotes a word for a shell, if it needs quotes.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// The named folders, or else `fixtures`, where plugin authors keep theirs.
fn fixtures(named: &[PathBuf]) -> Vec<PathBuf> {
    let default = Path::new("fixtures");
    if named.is_empty() && default.is_dir() { vec![default.to_owned()] } else { named.to_owned() }
}

fn implementation(args: &ConformanceArgs) -> Result<Implementation, CommandError> {
    let is_url = args.plugin_or_url.starts_with("http://") || args.plugin_or_url.starts_with("https://");
    if let (Some(ProfileArg::TokenExchange), Some(settings)) = (args.profile, &args.settings) {
        return if is_url { token_endpoint(&args.plugin_or_url, settings) } else { Err(not_a_url()) };
    }
    if !is_url {
        return Ok(Implementation::Plugin(args.plugin_or_url.clone().into()));
    }
    let tenant = args.tenant.as_deref().ok_or_else(|| {
        CommandError::usage(
            "a server is tested with the tenant file that it uses; name that file with --tenant, or test any server with --profile",
        )
    })?;
    if args.settings.is_some() {
        return Err(CommandError::usage(
            "a server has the settings of its tenant file; leave out --settings, which is for plugin files",
        ));
    }
    Ok(Implementation::Server(Box::new(ServerUnderTest {
        base_url: args.plugin_or_url.clone(),
        tenant: tenants::read_one(tenant)?,
        caller: args.caller.clone(),
        targets: args.targets.clone(),
        parameters: args.parameters.iter().map(|text| parameter(text)).collect::<Result<_, _>>()?,
        manifests: args.plugins.clone(),
    })))
}

fn token_endpoint(issuer: &str, settings: &Path) -> Result<Implementation, CommandError> {
    let settings = TokenExchangeSettings::read(settings, &tenants::environment);
    let settings = settings.map_err(CommandError::input_file)?;
    Ok(Implementation::TokenEndpoint(Box::new(TokenEndpointUnderTest {
        issuer: issuer.to_owned(),
        settings,
    })))
}

fn not_a_url() -> CommandError {
    CommandError::usage("--profile tests a server; write its URL, such as https://login.example.com")
}

/// The settings of a plugin, unless the file is that of a profile.
fn plugin_settings(args: &ConformanceArgs) -> Result<Option<Map<String, Value>>, CommandError> {
    match args.profile {
        None => args.settings.as_deref().map(read_settings).transpose(),
        Some(ProfileArg::TokenExchange) => Ok(None),
    }
}

/// Name and value of `NAME=VALUE`; a value that is not JSON is a string.
fn parameter(text: &str) -> Result<(String, Value), CommandError> {
    let named = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = named.ok_or_else(|| {
        CommandError::usage(format!("`{text}` is not a parameter; write --parameter NAME=VALUE"))
    })?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
    Ok((name.to_owned(), value))
}

fn read_settings(path: &Path) -> Result<Map<String, Value>, CommandError> {
    let unusable = |why: String| CommandError::input_file(format!("{}: {why}", path.display()));
    let text = std::fs::read(path).map_err(|error| unusable(format!("cannot read the settings: {error}")))?;
    // By way of `Value`: a type error of serde_json would show the value, which may be a secret.
    match serde_json::from_slice(&text) {
        Ok(Value::Object(settings)) => Ok(settings),
        Ok(_) => Err(unusable("write the settings as a JSON object".to_owned())),
        Err(error) => Err(unusable(format!("the settings are not valid JSON: {error}"))),
    }
}

fn write_reports(report: &Report, folder: &Path) -> Result<(), CommandError> {
    let failed = |path: &Path, error: std::io::Error| {
        CommandError::system(format!("{}: cannot write the report: {error}", path.display()))
    };
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, error))
    };
    write("report.yaml", &to_yaml(report))?;
    write("report.html", &to_html(report))?;
    write("junit.xml", &to_junit(report))
}

/// Why a run cannot start, with its exit code.
pub(crate) fn setup_error(error: SetupError) -> CommandError {
    match error {
        SetupError::Plugin(error) if error.code == LoadErrorCode::RunnerUnavailable => {
            CommandError::input_file(format!(
                "{error}; to test the plugin in this process only: --isolation in-process"
            ))
        }
        SetupError::Plugin(error) => CommandError::plugin(error),
        SetupError::Server(_) | SetupError::Runtime(_) => CommandError::system(error),
        other => CommandError::input_file(other),
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
