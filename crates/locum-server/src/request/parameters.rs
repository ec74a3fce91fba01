//! The parameters of a request, read from its body or its query string within the limits.

use axum::body::{Bytes, HttpBody};
use axum::http::request::Parts;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use locum_engine::strict_json::{self, Members};
use locum_engine::{Refusal, RefusalKind, mask_tokens};
use tokio::time::{Instant, timeout_at};

use crate::options::Limits;
use crate::refusals::body_too_slow;
use crate::request::form;
use crate::request::media_type::MediaType;

/// Longest complaint of the JSON reader that a client is shown, in characters.
const COMPLAINT_SHOWN_MAX: usize = 200;

/// A body that has arrived.
pub(crate) struct Body {
    media_type: MediaType,
    bytes: Bytes,
}

/// Reads the body until the deadline.
///
/// # Errors
/// Another media type than JSON and form, and a body that is too large or too slow.
pub(crate) async fn read_body(
    head: &Parts,
    body: axum::body::Body,
    limits: &Limits,
    deadline: Instant,
) -> Result<Body, Refusal> {
    let media_type = MediaType::of(&head.headers)?;
    let bytes =
        timeout_at(deadline, whole(body, limits.body_bytes_max)).await.map_err(|_| body_too_slow())??;
    Ok(Body { media_type, bytes })
}

impl Body {
    /// The parameters, which borrow their texts from the body.
    ///
    /// # Errors
    /// A body that is not of its media type, and a repeated parameter.
    pub(crate) fn parameters(&self, limits: &Limits) -> Result<Members<'_>, Refusal> {
        self.parameters_with(limits, |_| RefusalKind::InvalidRequest)
    }

    /// The same, where `repeated` says what kind of refusal a repeated parameter is.
    ///
    /// # Errors
    /// As above.
    pub(crate) fn parameters_with(
        &self,
        limits: &Limits,
        repeated: fn(&str) -> RefusalKind,
    ) -> Result<Members<'_>, Refusal> {
        match self.media_type {
            MediaType::Form => form::parse(&self.bytes, limits.parameters_max, repeated),
            MediaType::Json => json(&self.bytes, limits.parameters_max),
        }
    }
}

/// Reads the query string as a form.
///
/// # Errors
/// A query string that is too large, and a repeated parameter.
pub(crate) fn read_query<'a>(head: &'a Parts, limits: &Limits) -> Result<Members<'a>, Refusal> {
    let query = head.uri.query().unwrap_or_default();
    if query.len() > limits.body_bytes_max {
        return Err(too_large(limits.body_bytes_max));
    }
    form::parse(query.as_bytes(), limits.parameters_max, |_| RefusalKind::InvalidRequest)
}

async fn whole(body: axum::body::Body, bytes_max: usize) -> Result<Bytes, Refusal> {
    // A body that is announced as too large is not read at all.
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(too_large(bytes_max));
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large(bytes_max)),
        Err(_) => Err(Refusal::invalid_request("the body ended early")),
    }
}

fn too_large(bytes_max: usize) -> Refusal {
    Refusal::new(RefusalKind::BodyTooLarge, format!("send at most {bytes_max} bytes"))
}

fn json(bytes: &[u8], parameters_max: usize) -> Result<Members<'_>, Refusal> {
    let parameters = strict_json::object(bytes).map_err(|complaint| {
        let shown: String = mask_tokens(&complaint.to_string()).chars().take(COMPLAINT_SHOWN_MAX).collect();
        Refusal::invalid_request(format!("the body is not the JSON it should be: {shown}"))
    })?;
    if parameters.len() > parameters_max { Err(form::too_many(parameters_max)) } else { Ok(parameters) }
}
