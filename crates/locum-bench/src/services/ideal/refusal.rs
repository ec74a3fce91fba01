//! Why a request is refused.

use axum::http::StatusCode;

/// The status, the error's code and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) description: &'static str,
}

impl Refusal {
    pub(crate) const TOO_MANY: Self = Self {
        status: StatusCode::TOO_MANY_REQUESTS,
        code: "too_many_requests",
        description: "too many requests for this user",
    };

    pub(crate) const fn request(description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "invalid_request", description }
    }

    pub(crate) const fn id_token(description: &'static str) -> Self {
        Self { status: StatusCode::BAD_REQUEST, code: "invalid_grant", description }
    }

    pub(crate) const fn internal(description: &'static str) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, code: "server_error", description }
    }
}
