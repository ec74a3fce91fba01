//! The parameters of a request, read from its body within the limits.

use axum::body::{Body, Bytes, HttpBody};
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use locum_engine::{Refusal, RefusalKind, strict_json};
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use crate::attempt::too_slow;
use crate::form;
use crate::media_type::MediaType;
use crate::options::Limits;

/// Longest complaint of the JSON reader that a client is shown, in characters.
const COMPLAINT_SHOWN_MAX: usize = 200;

/// Reads the body, as JSON or as a form, until the deadline.
///
/// # Errors
/// Another media type, a body that is too large, too slow, or not what it says it is, and a parameter given twice.
pub(crate) async fn read(
    head: &Parts,
    body: Body,
    limits: &Limits,
    deadline: Instant,
) -> Result<Map<String, Value>, Refusal> {
    let media_type = MediaType::of(&head.headers)?;
    let bytes = timeout_at(deadline, whole(body, limits.body_bytes_max)).await.map_err(|_| too_slow())??;
    match media_type {
        MediaType::Form => form::parse(&bytes, limits.parameters_max),
        MediaType::Json => json(&bytes, limits.parameters_max),
    }
}

async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::new(RefusalKind::BodyTooLarge, format!("send at most {bytes_max} bytes"));
    // What announces itself as too large is not even begun.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large());
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Refusal::invalid_request("the body ended early")),
    }
}

fn json(bytes: &[u8], parameters_max: usize) -> Result<Map<String, Value>, Refusal> {
    let parameters = strict_json::object(bytes).map_err(|complaint| {
        let shown: String = complaint.to_string().chars().take(COMPLAINT_SHOWN_MAX).collect();
        Refusal::invalid_request(format!("the body is not the JSON it should be: {shown}"))
    })?;
    if parameters.len() > parameters_max { Err(form::too_many(parameters_max)) } else { Ok(parameters) }
}
