//! Services to compare with, over the same HTTP library and the same cryptography as Locum's.

pub(crate) mod floor;
pub(crate) mod ideal;

use std::io::Write;
use std::net::SocketAddr;

use anyhow::Result;
use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::process::LISTENING;

/// Serves on any free port of 127.0.0.1 until the process is stopped, with as many threads as there are processors.
pub(crate) fn serve(router: Router) -> Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let runtime = Builder::new_multi_thread().enable_all().worker_threads(cores).build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        writeln!(std::io::stdout(), "{LISTENING}{}", listener.local_addr()?)?;
        // A response waits for no acknowledgement of the one before.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await?;
        Ok(())
    })
}
