//! `locum serve`.

use std::io::IsTerminal;
use std::sync::Arc;

use locum_server::{ServerOptions, router, serve};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::cli::ServeArgs;
use crate::config::{self, Config, LogFormat};
use crate::exit::Ended;
use crate::format::print_text;
use crate::wiring::{self, LoadedTenants, Wired};

pub(crate) fn run(args: &ServeArgs) -> Result<(), Ended> {
    let mut config = config::load(&args.config)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    start_log(config.log);
    let wired = wiring::wire(&config)?;
    // One add-on that cannot work is no reason to serve nobody: it alone answers 500.
    for problem in wiring::problem_lines(&wired.directory.current().problems()) {
        tracing::error!("an add-on cannot work; requests for it are answered with 500: {problem}");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for warning in &wired.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // One more than there are cores: the plugin host keeps one worker free of plugins, whatever they do.
        .worker_threads(cores + 1)
        // Under load a worker would serve its own queue for long before it looks at new connections.
        .global_queue_interval(1)
        .build()
        .map_err(Ended::machine)?;
    let outcome = runtime.block_on(serve_until_stopped(config, wired));
    // A plugin call that hangs must not hold up the end of the process.
    runtime.shutdown_background();
    outcome
}

fn start_log(format: LogFormat) {
    let filter = EnvFilter::try_from_env("LOCUM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}

async fn serve_until_stopped(config: Config, wired: Wired) -> Result<(), Ended> {
    let listener = TcpListener::bind(config.listen)
        .await
        .map_err(|error| Ended::machine(format!("cannot listen on {}: {error}", config.listen)))?;
    let address = listener.local_addr().map_err(Ended::machine)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Ended::machine)?;
    let hangup = signal(SignalKind::hangup()).map_err(Ended::machine)?;
    let limits = config.limits.server();
    let options =
        ServerOptions { trusted_proxies: config.trusted_proxies.clone(), limits, ..Default::default() };
    let router = router(wired.engine.clone(), options);
    tokio::spawn(reload_on_hangup(hangup, config, wired));
    // On standard output, for scripts that asked for any free port.
    print_text(&format!("listening on http://{address}"));
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        tracing::info!("stopping: no new connections, requests in flight are finished");
    };
    let drained = serve(listener, router, stop, &limits).await;
    tracing::info!(connections_cut = drained.connections_cut, "stopped");
    Ok(())
}

/// Swaps all tenants at once, or none: a file that cannot be used, or an add-on that worked and would not any more,
/// leaves the tenants as they were.
async fn reload_on_hangup(mut hangup: tokio::signal::unix::Signal, config: Config, wired: Wired) {
    let config = Arc::new(config);
    let wired = Arc::new(wired);
    while hangup.recv().await.is_some() {
        let (config, wired) = (config.clone(), wired.clone());
        // Keys are parsed and files are read: not on a thread that serves.
        let reloaded = tokio::task::spawn_blocking(move || reload(&config, &wired)).await;
        match reloaded {
            Ok(Ok(tenants)) => tracing::info!(tenants, "reloaded"),
            Ok(Err(problems)) => tracing::error!(%problems, "not reloaded; the tenants stay as they were"),
            Err(panic) => tracing::error!(%panic, "not reloaded; the tenants stay as they were"),
        }
    }
}

fn reload(config: &Config, wired: &Wired) -> Result<usize, String> {
    let LoadedTenants { set, warnings } =
        wiring::load_tenants(&config.tenants, &wired.plugins).map_err(|ended| ended.to_string())?;
    let newly_broken = set.problems_new_since(&wired.directory.current());
    if !newly_broken.is_empty() {
        return Err(wiring::problem_lines(&newly_broken).join("; "));
    }
    for problem in wiring::problem_lines(&set.problems()) {
        tracing::error!("an add-on cannot work; requests for it are answered with 500: {problem}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let tenants = set.tenants().count();
    wired.directory.replace(set);
    Ok(tenants)
}
