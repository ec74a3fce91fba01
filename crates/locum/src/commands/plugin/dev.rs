//! `locum plugin dev`: serves a plugin to its author, and builds and tests it again when a source or a fixture changes.

mod build;
mod changes;

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_conformance::report::to_table;
use locum_conformance::{DevOptions, DevSession, Implementation, Options, TestedIsolation, run as run_suite};
use locum_engine::ports::Clock as _;
use locum_host::runner::RunnerCommand;
use locum_server::{ServerOptions, router, serve};
use locum_store::SystemClock;
use tokio::net::TcpListener;

use crate::cli::DevArgs;
use crate::commands::conformance::setup_error;
use crate::commands::plugin::dev::build::Plugin;
use crate::commands::plugin::dev::changes::Changes;
use crate::commands::serve::start_runtime;
use crate::exit::CommandError;
use crate::format::print_text;
use crate::log_filter;
use crate::signals::{Signals, StopSignals};
use crate::wiring;

/// Log lines that an author needs, unless `LOCUM_LOG` says otherwise.
const LOG: &str = "warn,plugin=trace";

pub(super) fn run(args: &DevArgs) -> Result<(), CommandError> {
    if !args.listen.ip().is_loopback() {
        return Err(CommandError::usage(
            "the keys of the tenant are public, so --listen takes an address of this machine only, such as 127.0.0.1:8080",
        ));
    }
    let plugin = Plugin::at(&args.plugin, &args.fixtures)?;
    let runtime = start_runtime()?;
    let filter = log_filter::from_environment_or(LOG);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .without_time()
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let watches = args.watch || (!args.no_watch && std::io::stdout().is_terminal());
    let outcome = runtime.block_on(serve_and_watch(args, plugin, watches));
    // Without waiting: a plugin call that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// Serves until it is stopped; if it watches, with each change anew.
async fn serve_and_watch(args: &DevArgs, plugin: Plugin, watches: bool) -> Result<(), CommandError> {
    let Signals { mut stop, .. } = Signals::install()?;
    let plugin = Arc::new(plugin);
    let mut address = args.listen;
    let mut is_first = true;
    loop {
        let mut changes = Changes::of(plugin.watched());
        let started = {
            let (plugin, urls) = (Arc::clone(&plugin), args.upstream_urls.clone());
            // Building and loading would block the handling of signals.
            tokio::task::spawn_blocking(move || start(&plugin, urls, !is_first))
        };
        let started = tokio::select! {
            () = stop.received() => return Ok(()),
            started = started => started.map_err(|panic| CommandError::system(format!("the start failed: {panic}")))?,
        };
        is_first = false;
        match started {
            Ok(session) => {
                let served = serve_session(session, &mut address, &mut stop, watches.then_some(&mut changes));
                if served.await? == Ended::Stopped {
                    return Ok(());
                }
            }
            Err(error) if !watches => return Err(error),
            Err(error) => {
                complain(&format!("{error}\nwaiting for a change"));
                tokio::select! {
                    () = stop.received() => return Ok(()),
                    () = changes.seen() => {}
                }
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum Ended {
    Stopped,
    Changed,
}

/// Builds the plugin, runs its cases if it was served before, and loads it.
fn start(
    plugin: &Plugin,
    upstream_urls: Vec<(String, String)>,
    tests: bool,
) -> Result<DevSession, CommandError> {
    let file = plugin.build()?;
    if tests {
        print_text(&test(&file, &plugin.fixtures)?);
    }
    let options = DevOptions {
        file,
        fixtures: plugin.fixtures.clone(),
        upstream_urls,
        real_upstreams: wiring::upstreams()?,
        runner: RunnerCommand::SelfExe,
        show: Arc::new(print_text),
    };
    DevSession::start(&options).map_err(setup_error)
}

/// The table of a run of all cases.
fn test(file: &Path, fixtures: &[PathBuf]) -> Result<String, CommandError> {
    let mut command = format!("locum conformance {}", file.display());
    fixtures.iter().for_each(|folder| command.push_str(&format!(" --fixtures {}", folder.display())));
    let options = Options {
        implementation: Implementation::Plugin(file.to_owned()),
        fixtures: fixtures.to_vec(),
        settings: None,
        only: Vec::new(),
        verbose: false,
        now_unix_seconds: i64::try_from(SystemClock.now_unix_ms() / 1000).unwrap_or(i64::MAX),
        command,
        isolation: TestedIsolation::default(),
        runner: RunnerCommand::SelfExe,
    };
    Ok(to_table(&run_suite(&options).map_err(setup_error)?))
}

async fn serve_session(
    session: DevSession,
    address: &mut SocketAddr,
    stop: &mut StopSignals,
    changes: Option<&mut Changes>,
) -> Result<Ended, CommandError> {
    let failed = |error: std::io::Error| CommandError::system(format!("cannot listen: {error}"));
    let listener = TcpListener::bind(*address).await.map_err(failed)?;
    // The same after a change, so that what was pasted works again.
    *address = listener.local_addr().map_err(failed)?;
    print_session(&session, *address);
    let options = ServerOptions::default();
    let router = router(Arc::clone(&session.engine), options.clone());
    let mut ended = Ended::Stopped;
    let shutdown = async {
        match changes {
            None => stop.received().await,
            Some(changes) => tokio::select! {
                () = stop.received() => {}
                () = changes.seen() => ended = Ended::Changed,
            },
        }
    };
    let _drained = serve(listener, router, shutdown, &options).await;
    Ok(ended)
}

fn print_session(session: &DevSession, address: SocketAddr) {
    print_text(&format!("{}, listening on http://{address}", session.title));
    for problem in &session.problems {
        print_text(&format!("the plugin refuses settings of plugin.yaml: {problem}"));
    }
    for (api_type, command) in session.commands(&format!("http://{address}")) {
        print_text(&format!("\nget a credential of {api_type}:\n{command}\n"));
    }
}

/// What is wrong now, and may be right after the next change.
fn complain(text: &str) {
    for line in text.lines() {
        let _ = writeln!(std::io::stderr(), "locum: {line}");
    }
}
