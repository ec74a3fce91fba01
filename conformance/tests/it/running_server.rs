//! Locum's server in this process, on a port of this machine.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use locum_engine::ports::{AuditSink, PortReply, StoreUnavailable};
use locum_engine::{AuditEvent, Engine, Ports};
use locum_host::{HttpUpstreams, LoadOptions, Pins, PluginSet};
use locum_server::{ServerOptions, router};
use locum_store::{MemoryBuckets, MemoryDirectory, SystemClock, SystemEntropy, TenantData, TenantSet};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

struct DiscardingSink;

impl AuditSink for DiscardingSink {
    fn record(&self, _: AuditEvent) -> PortReply<'_, Result<(), StoreUnavailable>> {
        PortReply::Now(Ok(()))
    }
}

/// A server on this machine with a tenant and a plugin. It stops with its runtime.
pub(crate) struct RunningServer {
    pub(crate) base_url: String,
    _runtime: Runtime,
}

impl RunningServer {
    pub(crate) fn of(plugin: &Path, tenant: TenantData) -> Self {
        Self::behind(plugin, tenant, |_, router| router)
    }

    /// The same with a layer around it, which is given the base URL.
    pub(crate) fn behind(
        plugin: &Path,
        tenant: TenantData,
        layer: impl FnOnce(&str, Router) -> Router,
    ) -> Self {
        let runtime = Runtime::new().unwrap();
        let upstreams = Arc::new(HttpUpstreams::new().unwrap());
        let pins = Pins::trusting_file(plugin).unwrap();
        let issuers = PluginSet::load([plugin], &pins, LoadOptions::new(upstreams)).unwrap();
        let set = TenantSet::prepare(vec![tenant], &issuers).unwrap();
        let engine = Engine::new(Ports::new(
            Arc::new(SystemClock),
            Arc::new(SystemEntropy),
            Arc::new(MemoryDirectory::new(set)),
            Arc::new(MemoryBuckets::default()),
            Arc::new(DiscardingSink),
        ));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        let app = layer(&base_url, router(Arc::new(engine), ServerOptions::default()));
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        runtime.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self { base_url, _runtime: runtime }
    }
}
