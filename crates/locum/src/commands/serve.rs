//! `locum serve`.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use locum_database::Database;
use locum_host::PluginSet;
use locum_server::{ServerOptions, router, serve};
use locum_store::audit::AuditLog;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::audit_log;
use crate::cli::ServeArgs;
use crate::config::{self, Config, DirectoryConfig, LogFormat};
use crate::control::{self, ControlSocket, ControlledServer};
use crate::exit::CommandError;
use crate::format::print_text;
use crate::log_filter;
use crate::log_writer::LogWriter;
use crate::management;
use crate::monitoring::MonitoredServer;
use crate::permissions::{self, refuse_or_warn};
use crate::readiness;
use crate::redis;
use crate::reload::reload_on_hangup;
use crate::served_tenants::{self, ServedTenants, TenantsInFiles};
use crate::signals::Signals;
use crate::state;
use crate::tenants;
use crate::wiring::{self, Service};

/// How long a stop waits for log lines that are not written yet.
const LOG_WAIT: Duration = Duration::from_secs(2);

/// How long a thread for blocking work stays when it has none, as the one that starts or reloads the server. When a thread ends,
/// mimalloc gives the system what nobody has used for a second, and otherwise only after thousands of further allocations.
const IDLE_THREAD_KEPT: Duration = Duration::from_millis(1500);

pub(crate) fn run(args: &ServeArgs) -> Result<(), CommandError> {
    let runtime = start_runtime()?;
    // Before anything else is done: a SIGHUP during the start reloads after it, and a SIGTERM ends it.
    let signals = {
        let _runtime = runtime.enter();
        Signals::install()?
    };
    let mut config = config::load(&args.config)?;
    if let Some(listen) = &args.listen {
        config.listen = listen.clone();
        config.check_listeners()?;
    }
    let log = start_log(config.log)?;
    let outcome = run_audited(&runtime, config, signals);
    // Without waiting: a plugin call that hangs must not keep the process alive.
    runtime.shutdown_background();
    // What cannot be written in this time is lost; it does not change the exit code.
    log.drain(LOG_WAIT);
    outcome
}

/// The worker threads of a server.
pub(crate) fn start_runtime() -> Result<Runtime, CommandError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // Not more than there are processors: they would take turns in time slices of milliseconds, and a request would wait for
        // one. Between two signatures, each of which takes a fraction of that, other requests are served.
        .worker_threads(cores)
        // Otherwise a worker under load serves its own queue for long before it accepts new connections.
        .global_queue_interval(1)
        .thread_keep_alive(IDLE_THREAD_KEPT)
        .build()
        .map_err(|error| CommandError::system(format!("cannot start the worker threads: {error}")))
}

/// Serves, with an audit log that is opened before any plugin runs and stopped after the last request.
fn run_audited(runtime: &Runtime, config: Config, signals: Signals) -> Result<(), CommandError> {
    let audit = audit_log::open(&config.audit)?;
    let outcome = runtime.block_on(start_and_serve(config, signals, Arc::clone(&audit)));
    audit_log::stop(&audit, if outcome.is_ok() { "signal" } else { "error" });
    outcome
}

async fn start_and_serve(
    config: Config,
    mut signals: Signals,
    audit: Arc<AuditLog>,
) -> Result<(), CommandError> {
    let config = Arc::new(config);
    // Before anything is changed or loaded: another server may be running with this config.
    let control = config.control.as_deref().map(ControlSocket::listen).transpose();
    let control = control.map_err(CommandError::system)?;
    // So that it can be seen what the start waits for.
    let monitoring = MonitoredServer::listen(&config).await?;
    let state = tokio::select! {
        biased;
        () = signals.stop.received() => {
            tracing::info!("stopped during the start");
            return Ok(());
        }
        opened = state::open(&config) => opened?,
    };
    if let Some(state) = &state {
        state::warn_if_restored(state).await;
        tokio::spawn(state::sweep(state.clone()));
    }
    let start = {
        let (config, audit, monitoring) = (Arc::clone(&config), Arc::clone(&audit), monitoring.clone());
        // Reading files and loading plugins would block the handling of signals.
        tokio::task::spawn_blocking(move || start(&config, audit, state, monitoring.as_deref()))
    };
    let service = tokio::select! {
        biased;
        () = signals.stop.received() => {
            tracing::info!("stopped during the start");
            return Ok(());
        }
        started = start => started.map_err(|panic| CommandError::system(format!("the start failed: {panic}")))??,
    };
    serve_until_stopped(config, service, signals, audit, control, monitoring.as_deref()).await
}

/// Loads the plugins and reads the tenants.
fn start(
    config: &Config,
    audit: Arc<AuditLog>,
    state: Option<Database>,
    monitoring: Option<&MonitoredServer>,
) -> Result<Service, CommandError> {
    let metrics = monitoring.map(MonitoredServer::metrics);
    refuse_or_warn(config, &permissions::of_installation(config)).map_err(CommandError::input_file)?;
    served_tenants::check(config)?;
    let redis = redis::buckets(config)?;
    let upstreams = wiring::upstreams()?;
    settle_interrupted_upgrades(config);
    let plugins = Arc::new(wiring::load_plugins(config, upstreams, metrics)?);
    if let Some(monitoring) = monitoring {
        monitoring.plugins_are_loaded();
    }
    audit_log::record_plugins(&audit, &plugins);
    let tenants = match (config.directory, &state) {
        (DirectoryConfig::Database, Some(state)) => {
            ServedTenants::Database(served_tenants::of_database(config, state.clone(), &plugins)?)
        }
        _ => ServedTenants::Files(of_files(config, &plugins)?),
    };
    wiring::assemble(plugins, tenants, audit, state, redis, metrics)
}

/// The tenants of the tenant files.
fn of_files(config: &Config, plugins: &PluginSet) -> Result<Arc<TenantsInFiles>, CommandError> {
    let read = tenants::read(config);
    state::warnings(config, &read.data).iter().for_each(|line| tracing::warn!("{line}"));
    let prepared = read.prepare(plugins)?;
    refuse_or_warn(config, &permissions::of_files(&prepared.files)).map_err(CommandError::input_file)?;
    prepared.log_findings();
    Ok(Arc::new(TenantsInFiles::new(prepared)))
}

/// A lock that cannot be written is no reason not to start: it accepts the files that are there.
fn settle_interrupted_upgrades(config: &Config) {
    match locum_host::settle_interrupted_upgrades(&config.plugins_dir) {
        Ok(done) => done.iter().for_each(|line| tracing::warn!("{line}")),
        Err(error) => tracing::warn!("interrupted upgrades were not settled: {error}"),
    }
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
    let (filter, complaint) = log_filter::from_environment();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(log.clone())
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
    Ok(log)
}

async fn serve_until_stopped(
    config: Arc<Config>,
    service: Service,
    signals: Signals,
    audit: Arc<AuditLog>,
    control: Option<ControlSocket>,
    monitoring: Option<&MonitoredServer>,
) -> Result<(), CommandError> {
    let Signals { hangup, mut stop } = signals;
    let listen = config.listen.as_str();
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        CommandError::system(format!(
            "cannot listen on {listen}: {error}; choose another address with --listen"
        ))
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| CommandError::system(format!("cannot tell the address listened on: {error}")))?;
    let service = Arc::new(service);
    let shown = Arc::clone(&service);
    let options = ServerOptions {
        details: Arc::new(move || {
            readiness::details(&shown.plugins.load(), &shown.issuer_keys.status(), &shown.tenants)
        }),
        trusted_proxies: config.trusted_proxies.clone(),
        limits: config.limits.server(),
        ..Default::default()
    };
    let router = router(service.engine.clone(), options.clone());
    let router = management::add_to(router, &config, &service).await?;
    tokio::spawn(audit_log::log_head(Arc::clone(&audit), config.audit.head_interval()));
    // Its file is kept here, so that it is deleted at the stop, whenever its task ends.
    let _socket_file = control.map(|ControlSocket { listener, file }| {
        let (config, service, audit) = (Arc::clone(&config), Arc::clone(&service), Arc::clone(&audit));
        tokio::spawn(control::serve(listener, Arc::new(ControlledServer { config, service, audit })));
        file
    });
    if let Some(monitoring) = monitoring {
        monitoring.serves(Arc::clone(&service), Arc::clone(&audit));
    }
    tokio::spawn(reload_on_hangup(hangup, config, service, audit));
    // On standard output, for scripts that let the system choose the port.
    print_text(&format!("listening on http://{address}"));
    let stop = async move {
        stop.received().await;
        if let Some(monitoring) = monitoring {
            monitoring.stops();
        }
        tracing::info!("stopping: no new connections, requests in flight are finished");
    };
    let drained = serve(listener, router, stop, &options).await;
    tracing::info!(connections_cut = drained.connections_cut, "stopped");
    Ok(())
}
