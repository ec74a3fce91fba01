//! `locum serve`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use locum_server::{ServerOptions, router, serve};
use locum_store::audit::AuditLog;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::audit_log;
use crate::cli::ServeArgs;
use crate::config::{self, Config, LogFormat};
use crate::exit::CommandError;
use crate::format::print_text;
use crate::log_writer::LogWriter;
use crate::wiring::{self, LoadedTenants, Service};

/// How long a stop waits for log lines that are not written yet.
const LOG_WAIT: Duration = Duration::from_secs(2);

pub(crate) fn run(args: &ServeArgs) -> Result<(), CommandError> {
    let mut config = config::load(&args.config)?;
    if let Some(listen) = args.listen {
        config.listen = listen;
    }
    let log = start_log(config.log)?;
    let outcome = run_audited(config);
    // What cannot be written in this time is lost; it does not change the exit code.
    log.drain(LOG_WAIT);
    outcome
}

/// Serves, with an audit log that is opened before any plugin runs and stopped after the last request.
fn run_audited(config: Config) -> Result<(), CommandError> {
    let audit = audit_log::open(&config.audit)?;
    let outcome = run_service(config, &audit);
    audit_log::stop(&audit, if outcome.is_ok() { "signal" } else { "error" });
    outcome
}

fn run_service(config: Config, audit: &Arc<AuditLog>) -> Result<(), CommandError> {
    let service = wiring::assemble(&config, audit.clone())?;
    audit_log::record_plugins(audit, &service.plugins);
    // An add-on that cannot work is no reason to refuse all others: requests for it alone are answered with 500.
    for problem in wiring::problem_lines(&service.directory.current().problems()) {
        tracing::error!("add-on does not work, requests for it get 500: {problem}");
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    for warning in &service.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // One more than there are cores, because the plugin host keeps one worker free of plugin calls.
        .worker_threads(cores + 1)
        // Otherwise a worker under load serves its own queue for long before it accepts new connections.
        .global_queue_interval(1)
        .build()
        .map_err(|error| CommandError::system(format!("cannot start the worker threads: {error}")))?;
    let outcome = runtime.block_on(serve_until_stopped(config, service, audit));
    // Without waiting: a plugin call that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

fn start_log(format: LogFormat) -> Result<LogWriter, CommandError> {
    let log = LogWriter::start()
        .map_err(|error| CommandError::system(format!("cannot write the log to standard error: {error}")))?;
    let of_panics = log.clone();
    // The usual one writes to standard error itself, and would wait for a reader that does not read.
    std::panic::set_hook(Box::new(move |panic| {
        // One write, so that the lines of two panics are not mixed. It cannot fail.
        let _ = of_panics.clone().write_all(format!("{panic}\n").as_bytes());
    }));
    let filter = EnvFilter::try_from_env("LOCUM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.clone())
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    Ok(log)
}

async fn serve_until_stopped(
    config: Config,
    service: Service,
    audit: &Arc<AuditLog>,
) -> Result<(), CommandError> {
    let listener = TcpListener::bind(config.listen).await.map_err(|error| {
        CommandError::system(format!(
            "cannot listen on {}: {error}; choose another address with --listen",
            config.listen
        ))
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::system(format!("cannot tell the address listened on: {error}")))?;
    let no_signal = |error: std::io::Error| CommandError::system(format!("cannot handle signals: {error}"));
    let mut terminate = signal(SignalKind::terminate()).map_err(no_signal)?;
    let hangup = signal(SignalKind::hangup()).map_err(no_signal)?;
    let limits = config.limits.server();
    let options =
        ServerOptions { trusted_proxies: config.trusted_proxies.clone(), limits, ..Default::default() };
    let router = router(service.engine.clone(), options);
    tokio::spawn(audit_log::log_head(audit.clone(), config.audit.head_interval()));
    tokio::spawn(reload_on_hangup(hangup, config, service, audit.clone()));
    // On standard output, for scripts that let the system choose the port.
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

/// Replaces all tenants at once on each SIGHUP. None is replaced if one of the files has an error, or if an add-on that
/// works now would not work any more.
async fn reload_on_hangup(
    mut hangup: tokio::signal::unix::Signal,
    config: Config,
    service: Service,
    audit: Arc<AuditLog>,
) {
    let config = Arc::new(config);
    let service = Arc::new(service);
    while hangup.recv().await.is_some() {
        audit.reopen();
        let (config, service) = (config.clone(), service.clone());
        // Reading files and parsing keys would block a worker thread.
        let reloaded = tokio::task::spawn_blocking(move || reload(&config, &service)).await;
        if let Ok(outcome) = &reloaded {
            audit_log::record_reload(&audit, outcome);
        }
        match reloaded {
            Ok(Ok(tenants)) => tracing::info!(tenants, "reloaded"),
            Ok(Err(problems)) => tracing::error!(%problems, "not reloaded; the tenants in use stay"),
            Err(panic) => tracing::error!(%panic, "not reloaded; the tenants in use stay"),
        }
    }
}

fn reload(config: &Config, service: &Service) -> Result<usize, String> {
    let LoadedTenants { set, warnings } =
        wiring::load_tenants(&config.tenants, &service.plugins).map_err(|error| error.to_string())?;
    let newly_broken = set.problems_new_since(&service.directory.current());
    if !newly_broken.is_empty() {
        return Err(wiring::problem_lines(&newly_broken).join("; "));
    }
    for problem in wiring::problem_lines(&set.problems()) {
        tracing::error!("add-on does not work, requests for it get 500: {problem}");
    }
    for warning in warnings {
        tracing::warn!("{warning}");
    }
    let tenants = set.tenants().count();
    service.directory.replace(set);
    Ok(tenants)
}
