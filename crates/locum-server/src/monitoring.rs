//! A router for whoever watches the server: metrics, and what it waits for. It belongs on a listener of its own.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use locum_engine::{Refusal, RefusalKind};
use serde::Serialize;
use serde_json::json;

use crate::panics::contain_panics;
use crate::response;

/// What the router shows. Whoever reaches its listener can read it: nothing here is authenticated.
#[derive(Clone)]
pub struct Monitoring {
    /// The metrics in this format. Called for each scrape, on a thread that may block.
    pub metrics: Arc<dyn Fn(MetricsFormat) -> String + Send + Sync>,
    /// What the server waits for before it is ready; empty when it is. It must not block.
    pub waiting_for: Arc<dyn Fn() -> Vec<WaitingFor> + Send + Sync>,
}

/// Something that must happen before the server is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WaitingFor {
    /// What is waited for, such as `tenants`.
    pub name: String,
    /// Why, for people.
    pub reason: String,
}

/// A text format of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricsFormat {
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// The older format of Prometheus, 0.0.4.
    Prometheus,
}

impl MetricsFormat {
    /// What the client understands: OpenMetrics, if it says so.
    fn accepted(headers: &HeaderMap) -> Self {
        let mut accepted = headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok());
        if accepted.any(|value| value.contains("application/openmetrics-text")) {
            Self::OpenMetrics
        } else {
            Self::Prometheus
        }
    }

    const fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Prometheus => "text/plain; version=0.0.4; charset=utf-8",
        })
    }
}

/// `/metrics`, `/healthz`, and `/readyz`, which is 503 and lists what is waited for while there is anything.
///
/// It is meant for a listener that only monitoring reaches. Needs a Tokio runtime.
pub fn monitoring_router(monitoring: Monitoring) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .method_not_allowed_fallback(response::method_not_allowed)
        .fallback(no_such_path)
        .layer(from_fn(contain_panics))
        .with_state(monitoring)
}

async fn metrics(State(monitoring): State<Monitoring>, headers: HeaderMap) -> Response {
    let format = MetricsFormat::accepted(&headers);
    // It reads files of the system.
    let text = tokio::task::spawn_blocking(move || (monitoring.metrics)(format)).await;
    match text {
        Ok(text) => {
            let headers = [
                (CONTENT_TYPE, format.content_type()),
                (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            ];
            (headers, text).into_response()
        }
        Err(_) => {
            response::refusal(&Refusal::new(RefusalKind::ServerError, "the metrics could not be collected"))
        }
    }
}

async fn live() -> Response {
    unstored(StatusCode::OK, &json!({"status": "ok"}))
}

async fn ready(State(monitoring): State<Monitoring>) -> Response {
    let waiting_for = (monitoring.waiting_for)();
    if waiting_for.is_empty() {
        unstored(StatusCode::OK, &json!({"status": "ok", "waiting_for": []}))
    } else {
        let body = json!({"status": "unavailable", "waiting_for": waiting_for});
        unstored(StatusCode::SERVICE_UNAVAILABLE, &body)
    }
}

async fn no_such_path() -> Response {
    response::refusal(&Refusal::new(
        RefusalKind::NotFound,
        "this listener serves /metrics, /healthz and /readyz",
    ))
}

fn unstored(status: StatusCode, body: &serde_json::Value) -> Response {
    response::unstored(status, body.to_string().into_bytes())
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    fn waiting_for_tenants() -> Vec<WaitingFor> {
        vec![WaitingFor { name: "tenants".to_owned(), reason: "they are read".to_owned() }]
    }

    fn monitoring(waiting_for: fn() -> Vec<WaitingFor>) -> Monitoring {
        Monitoring { metrics: Arc::new(|format| format!("{format:?}")), waiting_for: Arc::new(waiting_for) }
    }

    async fn get(monitoring: Monitoring, path: &str, accept: Option<&str>) -> (StatusCode, String, String) {
        let mut request = Request::get(path);
        if let Some(accept) = accept {
            request = request.header(ACCEPT, accept);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = monitoring_router(monitoring).oneshot(request).await.unwrap();
        let content_type = response.headers()[CONTENT_TYPE].to_str().unwrap().to_owned();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, content_type, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn openmetrics_is_for_those_who_ask_for_it() {
        let prometheus =
            "application/openmetrics-text;version=1.0.0;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let (status, content_type, text) = get(monitoring(Vec::new), "/metrics", Some(prometheus)).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, "OpenMetrics"));
        assert_eq!(content_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
        for accept in [None, Some("*/*"), Some("text/plain")] {
            let (_, content_type, text) = get(monitoring(Vec::new), "/metrics", accept).await;
            assert_eq!(text, "Prometheus", "{accept:?}");
            assert_eq!(content_type, "text/plain; version=0.0.4; charset=utf-8");
        }
    }

    #[tokio::test]
    async fn it_is_ready_when_it_waits_for_nothing_and_alive_always() {
        let (status, _, text) = get(monitoring(Vec::new), "/readyz", None).await;
        assert_eq!((status, text.as_str()), (StatusCode::OK, r#"{"status":"ok","waiting_for":[]}"#));
        let (status, _, text) = get(monitoring(waiting_for_tenants), "/readyz", None).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
        let expected =
            r#"{"status":"unavailable","waiting_for":[{"name":"tenants","reason":"they are read"}]}"#;
        assert_eq!(text, expected);
        assert_eq!(get(monitoring(waiting_for_tenants), "/healthz", None).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn nothing_else_is_served() {
        for path in ["/", "/delegation", "/metrics/", "/.well-known/jwks.json"] {
            assert_eq!(get(monitoring(Vec::new), path, None).await.0, StatusCode::NOT_FOUND, "{path}");
        }
    }
}
