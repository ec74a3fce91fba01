//! Which path and method belongs to which endpoint.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts as _, RawPathParams, Request};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, on};
use ipnet::IpNet;
use locum_database::Database;
use locum_engine::Engine;
use locum_server::TrustedProxies;
use tokio::sync::Semaphore;

use crate::directory::ManagedTenants;
use crate::endpoint::{Endpoint, Method};
use crate::error::ApiError;
use crate::limits::CALLS_MAX;
use crate::server_view::ServerView;
use crate::service::Service;
use crate::{openapi, serving, table};

/// What the Management API is made of.
pub struct Management {
    /// Decides who may call, and records each call.
    pub engine: Arc<Engine>,
    /// What is managed.
    pub tenants: ManagedTenants,
    /// What else the server knows.
    pub server: Arc<dyn ServerView>,
    /// Where the engine keeps refresh tokens, if it does.
    pub refresh_tokens: Option<Database>,
    /// The proxies whose `X-Forwarded-For` is believed. Empty: nobody's is.
    pub trusted_proxies: Vec<IpNet>,
}

/// The paths below `/api/v2`.
///
/// Requests must carry `ConnectInfo<SocketAddr>`, which [`locum_server::serve`] and axum's `into_make_service_with_connect_info`
/// add. The router needs a Tokio runtime with time enabled.
pub fn router(management: Management) -> Router {
    let Management { engine, tenants, server, refresh_tokens, trusted_proxies } = management;
    let service = Arc::new(Service {
        engine,
        tenants,
        server,
        refresh_tokens,
        proxies: TrustedProxies::new(&trusted_proxies),
        calls: Arc::new(Semaphore::new(CALLS_MAX)),
        whole_tenants: Arc::new(Semaphore::new(1)),
    });
    let description: Arc<str> = openapi::description().to_string().into();
    let mut paths: BTreeMap<&str, MethodRouter> = BTreeMap::new();
    for endpoint in table::all() {
        let routes = paths.remove(endpoint.path).unwrap_or_default();
        paths.insert(endpoint.path, with_endpoint(routes, endpoint, &service));
    }
    let mut router = Router::new();
    for (path, routes) in paths {
        let allow = allowed(path);
        let refused = move || async move { ApiError::method_not_allowed(allow).response(None) };
        router = router.route(path, routes.fallback(refused));
    }
    let described = get(move || async move { openapi::response(&description) });
    let refused = || async { ApiError::method_not_allowed("GET,HEAD").response(None) };
    let router = router.route("/openapi.json", described.fallback(refused)).fallback(no_such_path);
    Router::new().nest("/api/v2", router)
}

fn with_endpoint(routes: MethodRouter, endpoint: &'static Endpoint, service: &Arc<Service>) -> MethodRouter {
    let service = Arc::clone(service);
    let filter = match endpoint.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    routes.merge(on(filter, move |request: Request| {
        let service = Arc::clone(&service);
        async move {
            let (mut head, body) = request.into_parts();
            let Ok(parameters) = RawPathParams::from_request_parts(&mut head, &()).await else {
                return no_such_path().await;
            };
            let id = parameters.iter().next().map(|(_, id)| id.to_owned()).unwrap_or_default();
            serving::answer(service, endpoint, id, Request::from_parts(head, body)).await
        }
    }))
}

/// The methods of a path.
fn allowed(path: &str) -> &'static str {
    let mut methods: Vec<Method> =
        table::all().filter(|endpoint| endpoint.path == path).map(|endpoint| endpoint.method).collect();
    methods.sort();
    match methods.as_slice() {
        [Method::Get, Method::Post] => "GET,HEAD,POST",
        [Method::Get, Method::Patch] => "GET,HEAD,PATCH",
        [Method::Get, Method::Patch, Method::Delete] => "GET,HEAD,PATCH,DELETE",
        [Method::Patch, Method::Delete] => "PATCH,DELETE",
        [Method::Delete] => "DELETE",
        [Method::Post] => "POST",
        [Method::Put] => "PUT",
        _ => "GET,HEAD",
    }
}

async fn no_such_path() -> Response {
    ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path").response(None)
}
