//! `locum serve`.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use locum_server::{ServerOptions, router, serve};
use tokio::net::TcpListener;

use crate::cli::ServeArgs;
use crate::config::{self, Config, ListenAddress, LogFormat};
use crate::exit::CommandError;
use crate::format::print_text;
use crate::log_filter;
use crate::permissions::{self, refuse_or_warn};
use crate::reload::reload_on_hangup;
use crate::signals::Signals;
use crate::tenants;
use crate::wiring::{self, Service};

pub(crate) fn run(args: &ServeArgs) -> Result<(), CommandError> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // One more than there are cores, because the plugin host keeps one worker free of plugin calls.
        .worker_threads(cores + 1)
        // Otherwise a worker under load serves its own queue for long before it accepts new connections.
        .global_queue_interval(1)
        .build()
        .map_err(|error| CommandError::system(format!("cannot start the worker threads: {error}")))?;
    let outcome = runtime.block_on(start_and_serve(args.config.clone(), args.listen.clone()));
    // Without waiting: a plugin call that hangs must not keep the process alive.
    runtime.shutdown_background();
    outcome
}

/// Signals are handled before anything else is done: a SIGHUP during the start reloads after it, and a SIGTERM ends it.
async fn start_and_serve(config: PathBuf, listen: Option<ListenAddress>) -> Result<(), CommandError> {
    let mut signals = Signals::install()?;
    // Reading files and loading plugins would block the handling of signals.
    let start = tokio::task::spawn_blocking(move || start(&config, listen));
    let (config, service) = tokio::select! {
        biased;
        () = signals.stop.received() => {
            tracing::info!("stopped during the start");
            return Ok(());
        }
        started = start => started.map_err(|panic| CommandError::system(format!("the start failed: {panic}")))??,
    };
    serve_until_stopped(config, service, signals).await
}

/// Reads the config, loads the plugins and reads the tenants.
fn start(config_file: &Path, listen: Option<ListenAddress>) -> Result<(Config, Service), CommandError> {
    let mut config = config::load(config_file)?;
    if let Some(listen) = listen {
        config.listen = listen;
    }
    start_log(config.log);
    refuse_or_warn(&config, &permissions::of_installation(&config)).map_err(CommandError::input_file)?;
    let upstreams = wiring::upstreams()?;
    let plugins = wiring::load_plugins(&config, upstreams)?;
    let prepared = tenants::read(&config).prepare(&plugins)?;
    refuse_or_warn(&config, &permissions::of_files(&prepared.files)).map_err(CommandError::input_file)?;
    prepared.log_findings();
    Ok((config, wiring::assemble(plugins, prepared.set)))
}

fn start_log(format: LogFormat) {
    let (filter, complaint) = log_filter::from_environment();
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Pretty => builder.init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    if let Some(complaint) = complaint {
        tracing::warn!("{complaint}");
    }
}

async fn serve_until_stopped(config: Config, service: Service, signals: Signals) -> Result<(), CommandError> {
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
    let options = ServerOptions {
        trusted_proxies: config.trusted_proxies.clone(),
        limits: config.limits.server(),
        ..Default::default()
    };
    let router = router(service.engine.clone(), options.clone());
    tokio::spawn(reload_on_hangup(hangup, Arc::new(config), Arc::new(service)));
    // On standard output, for scripts that let the system choose the port.
    print_text(&format!("listening on http://{address}"));
    let stop = async move {
        stop.received().await;
        tracing::info!("stopping: no new connections, requests in flight are finished");
    };
    let drained = serve(listener, router, stop, &options).await;
    tracing::info!(connections_cut = drained.connections_cut, "stopped");
    Ok(())
}
