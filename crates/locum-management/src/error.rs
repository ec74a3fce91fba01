//! Why a call is refused: in Auth0's shape for the client, with a cause for the audit log.

use axum::body::Body;
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use locum_database::directory::WriteError;
use locum_engine::limits::AUDIT_TEXT_MAX;
use locum_engine::ports::{Outcome, StoreUnavailable};
use locum_engine::{AuditRefusal, ManagementTokenError, Refusal, RefusalKind, mask_tokens};
use locum_store::documents::InvalidDocument;
use serde_json::json;

use crate::limits::MESSAGE_CHARACTERS_MAX;

/// A refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: &'static str,
    message: String,
    inside: Option<String>,
    remedy: Option<Remedy>,
}

/// What a header of the answer says about what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Remedy {
    /// The scopes that are missing.
    Scopes(String),
    /// In so many seconds.
    RetryAfter(u64),
    /// By these methods.
    Allow(&'static str),
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARACTERS_MAX) {
            message.truncate(end);
        }
        Self { status, code, message, inside: None, remedy: None }
    }

    /// A body that cannot be used. `pointer` is that of the field.
    pub(crate) fn invalid_body(pointer: &str, message: &str) -> Self {
        let at = if pointer.is_empty() { String::new() } else { format!(" (at {pointer})") };
        Self::new(StatusCode::BAD_REQUEST, "invalid_body", format!("{message}{at}"))
    }

    pub(crate) fn invalid_query(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_query_string", message)
    }

    pub(crate) fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, message)
    }

    /// The token lacks scopes, which are separated by spaces.
    pub(crate) fn insufficient_scope(scopes: &str) -> Self {
        let message = format!("Insufficient scope, expected: {scopes}");
        let error = Self::new(StatusCode::FORBIDDEN, "insufficient_scope", message);
        Self { remedy: Some(Remedy::Scopes(scopes.to_owned())), ..error }
    }

    pub(crate) fn unavailable(message: &str, inside: impl ToString) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", message);
        Self { inside: Some(inside.to_string()), remedy: Some(Remedy::RetryAfter(1)), ..error }
    }

    /// The event of a call is not kept.
    pub(crate) fn not_audited(why: StoreUnavailable) -> Self {
        Self::unavailable("the audit log is unavailable; nothing was changed, try again", why.0)
    }

    /// Between the look-up of the tenant and the transaction, somebody has deleted it.
    pub(crate) fn tenant_is_gone() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "the tenant does not exist any more")
    }

    /// A fault of the server. The caller finds its cause by the reference.
    pub(crate) fn fault(inside: impl ToString) -> Self {
        let message = "the server has failed; its audit log says why";
        let error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message);
        Self { inside: Some(inside.to_string()), ..error }
    }

    pub(crate) fn method_not_allowed(allow: &'static str) -> Self {
        let message = "the path does not serve this method; the Allow header lists those that it serves";
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message);
        Self { remedy: Some(Remedy::Allow(allow)), ..error }
    }

    /// The same refusal, whose cause only the audit log has. The caller finds it by the reference.
    pub(crate) fn because(self, inside: impl ToString) -> Self {
        Self { inside: Some(inside.to_string()), ..self }
    }

    /// What it counts as.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::Refused(match self.status {
            StatusCode::FORBIDDEN => return Outcome::InsufficientScope,
            StatusCode::CONFLICT => return Outcome::Conflict,
            StatusCode::PRECONDITION_FAILED => return Outcome::PreconditionFailed,
            StatusCode::UNAUTHORIZED => RefusalKind::InvalidToken,
            StatusCode::NOT_FOUND => RefusalKind::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => RefusalKind::MethodNotAllowed,
            StatusCode::REQUEST_TIMEOUT => RefusalKind::RequestTimeout,
            StatusCode::PAYLOAD_TOO_LARGE => RefusalKind::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => RefusalKind::UnsupportedMediaType,
            StatusCode::TOO_MANY_REQUESTS => RefusalKind::TooManyRequests,
            StatusCode::SERVICE_UNAVAILABLE => RefusalKind::TemporarilyUnavailable,
            status if status.is_server_error() => RefusalKind::ServerError,
            _ => RefusalKind::InvalidRequest,
        })
    }

    /// As the audit log has it. The message may repeat a name that the caller has sent.
    pub(crate) fn audited(&self) -> AuditRefusal {
        AuditRefusal {
            status: self.status.as_u16(),
            code: self.code,
            description: mask_tokens(&self.message).chars().take(AUDIT_TEXT_MAX).collect(),
            inside: self.inside.clone(),
        }
    }

    /// The answer. `reference` is that of the audit event.
    pub(crate) fn response(&self, reference: Option<&str>) -> Response {
        let message = match reference.filter(|_| self.inside.is_some() || self.status.is_server_error()) {
            Some(reference) => format!("{} (reference {reference})", self.message),
            None => self.message.clone(),
        };
        let body = json!({
            "statusCode": self.status.as_u16(),
            "error": self.status.canonical_reason().unwrap_or_default(),
            "message": message,
            "errorCode": self.code,
        });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        if self.status == StatusCode::UNAUTHORIZED {
            // RFC 6750 section 3.
            let challenge = HeaderValue::from_static("Bearer realm=\"management\", error=\"invalid_token\"");
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        match &self.remedy {
            None => {}
            Some(Remedy::RetryAfter(seconds)) => drop(headers.insert(RETRY_AFTER, (*seconds).into())),
            Some(Remedy::Allow(methods)) => drop(headers.insert(ALLOW, HeaderValue::from_static(methods))),
            Some(Remedy::Scopes(scopes)) => {
                let challenge =
                    format!("Bearer realm=\"management\", error=\"insufficient_scope\", scope=\"{scopes}\"");
                if let Ok(challenge) = HeaderValue::try_from(challenge) {
                    headers.insert(WWW_AUTHENTICATE, challenge);
                }
            }
        }
        response
    }
}

/// What the server says before the engine is asked.
impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let error = Self::new(status, refusal.code(), refusal.description());
        let inside = refusal.inside().map(str::to_owned);
        Self { inside, remedy: refusal.retry_after_seconds().map(Remedy::RetryAfter), ..error }
    }
}

impl From<ManagementTokenError> for ApiError {
    fn from(error: ManagementTokenError) -> Self {
        let message = error.to_string();
        match error {
            ManagementTokenError::NotServed => Self::new(StatusCode::NOT_FOUND, "not_found", message),
            ManagementTokenError::Unavailable(why) => Self::unavailable(&message, why.0),
            _ => Self::new(StatusCode::UNAUTHORIZED, "invalid_token", message),
        }
    }
}

impl From<InvalidDocument> for ApiError {
    fn from(error: InvalidDocument) -> Self {
        let lines: Vec<String> = error.errors.iter().map(ToString::to_string).collect();
        Self::invalid_body("", &lines.join("; "))
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Invalid { error, .. } => error.into(),
            WriteError::TwoDefaults { .. } => Self::conflict("two_defaults", error.to_string()),
            WriteError::ResourceTwice { .. } => Self::conflict("resource_conflict", error.to_string()),
            WriteError::Sealed { .. } => Self::fault(error),
            error => Self::unavailable("the database is unavailable; try again", error),
        }
    }
}
