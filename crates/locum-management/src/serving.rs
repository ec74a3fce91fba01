//! Answers calls: whether each may be made, its work within bounds, and the event of a refusal.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{IF_MATCH, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::Response;
use locum_engine::ports::Outcome;
use locum_engine::{BucketDecision, ManagementCaller, ManagementRecord};
use locum_server::{bearer_token, caller};
use tokio::time::{Instant, timeout_at};

use crate::answer::Answer;
use crate::body::{self, Members};
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint};
use crate::error::ApiError;
use crate::limits::DEADLINE;
use crate::query::Query;
use crate::service::Service;

/// Answers a request to an endpoint. The work goes on if the client hangs up, so that a change and its event are complete.
pub(crate) async fn answer(
    service: Arc<Service>,
    endpoint: &'static Endpoint,
    id: String,
    request: Request,
) -> Response {
    let engine = Arc::clone(&service.engine);
    let Ok(permit) = Arc::clone(&service.calls).try_acquire_owned() else {
        let busy = ApiError::unavailable("too many calls at one moment; try again", "calls_max");
        engine.management_ended(busy.outcome());
        return busy.response(None);
    };
    let task = tokio::spawn(async move {
        let _held_to_the_end = permit;
        let engine = Arc::clone(&service.engine);
        let (response, outcome) = work(service, endpoint, id, request).await;
        engine.management_ended(outcome);
        response
    });
    task.await.unwrap_or_else(|_| {
        let panicked = ApiError::fault("a call panicked");
        engine.management_ended(panicked.outcome());
        panicked.response(None)
    })
}

async fn work(
    service: Arc<Service>,
    endpoint: &'static Endpoint,
    id: String,
    request: Request,
) -> (Response, Outcome) {
    let deadline = Instant::now() + DEADLINE;
    let (head, body) = request.into_parts();
    let caller = match caller(&head, &service.proxies) {
        Ok(caller) => caller,
        Err(refusal) => {
            let refusal = ApiError::from(refusal);
            return (refusal.response(None), refusal.outcome());
        }
    };
    let mut record = service.engine.open_management_record(&caller);
    let admission = admit(&service, endpoint, &head, &caller.host, &mut record);
    let admission = timeout_at(deadline, admission).await.unwrap_or_else(|_| Admission::refused(too_slow()));
    let record = Arc::new(record);
    let resource = Some(id.clone()).filter(|id| !id.is_empty());
    let outcome = match admission.outcome {
        Err(refusal) => Err(refusal),
        Ok(caller) => {
            let call = read(Arc::clone(&service), endpoint, id, &head, body, caller, Arc::clone(&record));
            match timeout_at(deadline, call).await {
                Ok(Ok(call)) => handled(endpoint, call, deadline).await,
                Ok(Err(refusal)) => Err(refusal),
                Err(_) => Err(too_slow_body()),
            }
        }
    };
    let (mut response, outcome) = match outcome {
        Ok(answer) => (answer.into_response(), Outcome::Managed),
        Err(refusal) => {
            let (operation, audited) = (endpoint.operation, refusal.audited());
            let recorded =
                service.engine.record_management(&record, operation, resource.as_deref(), &[], Some(audited));
            let refusal = recorded.await.err().map_or(refusal, ApiError::not_audited);
            (refusal.response(Some(record.reference())), refusal.outcome())
        }
    };
    if let Some(rate) = admission.rate {
        add_rate(&rate, response.headers_mut());
    }
    (response, outcome)
}

/// Whether a call may be made, and how the rate limit stands.
struct Admission {
    rate: Option<BucketDecision>,
    outcome: Result<ManagementCaller, ApiError>,
}

impl Admission {
    fn refused(error: ApiError) -> Self {
        Self { rate: None, outcome: Err(error) }
    }
}

async fn admit(
    service: &Service,
    endpoint: &Endpoint,
    head: &Parts,
    host: &str,
    record: &mut ManagementRecord,
) -> Admission {
    let engine = &service.engine;
    let tenant = engine.directory().tenant(host).wait().await;
    record.found(tenant.as_ref().ok().and_then(Option::as_deref));
    let token = match bearer_token(&head.headers) {
        Ok(token) => token,
        Err(refusal) => return Admission::refused(refusal.into()),
    };
    let caller = match engine.management_caller(tenant, token).await {
        Ok(caller) => caller,
        Err(refusal) => return Admission::refused(refusal.into()),
    };
    record.called_by(&caller);
    let (rate, counted) = engine.count_management(&caller).await;
    let allowed = counted.map_err(ApiError::from).and_then(|()| match caller.has(endpoint.scope) {
        true => Ok(()),
        false => Err(ApiError::insufficient_scope(endpoint.scope)),
    });
    Admission { rate, outcome: allowed.map(|()| caller) }
}

async fn read(
    service: Arc<Service>,
    endpoint: &'static Endpoint,
    id: String,
    head: &Parts,
    body: Body,
    caller: ManagementCaller,
    record: Arc<ManagementRecord>,
) -> Result<Call, ApiError> {
    if id.contains('\0') {
        return Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", "there is nothing at this path"));
    }
    if endpoint.changes == Changes::Tenant {
        service.tenants.writable(caller.tenant().domain())?;
    }
    let query = Query::read(head.uri.query().unwrap_or_default(), endpoint.query)?;
    let body = match endpoint.body {
        Some(_) => body::read(&head.headers, body).await?,
        None => Members::new(),
    };
    let if_match =
        head.headers.get(IF_MATCH).map(|tags| String::from_utf8_lossy(tags.as_bytes()).into_owned());
    let operation = endpoint.operation;
    Ok(Call { service, caller: Arc::new(caller), id, query, body, operation, record, if_match })
}

/// Runs the handler in a task of its own: a panic is that call's 500.
async fn handled(endpoint: &Endpoint, call: Call, deadline: Instant) -> Result<Answer, ApiError> {
    let mut task = tokio::spawn((endpoint.handler)(call));
    match timeout_at(deadline, &mut task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ApiError::fault("the handler panicked")),
        Err(_) => {
            task.abort();
            Err(too_slow())
        }
    }
}

fn add_rate(rate: &BucketDecision, headers: &mut HeaderMap) {
    for (name, value) in [
        ("x-ratelimit-limit", u64::from(rate.limit)),
        ("x-ratelimit-remaining", u64::from(rate.remaining)),
        ("x-ratelimit-reset", rate.reset_unix_seconds),
    ] {
        headers.insert(HeaderName::from_static(name), value.into());
    }
    if !rate.conforms {
        headers.insert(RETRY_AFTER, rate.retry_after_seconds.into());
    }
}

fn too_slow() -> ApiError {
    ApiError::unavailable("the call took too long; try again", "deadline")
}

fn too_slow_body() -> ApiError {
    ApiError::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", "the body did not arrive in time")
}
