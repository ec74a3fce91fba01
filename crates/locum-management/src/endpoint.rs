//! An endpoint: what the router, the checks before its handler, and the OpenAPI description are made of.

use std::pin::Pin;

use crate::answer::Answer;
use crate::call::Call;
use crate::error::ApiError;
use crate::parameter::Parameter;
use crate::schema::Schema;

/// An endpoint.
pub(crate) struct Endpoint {
    /// Its name in audit events, and its `operationId`.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Below `/api/v2`. It has at most one parameter, the id.
    pub(crate) path: &'static str,
    /// One line for the description.
    pub(crate) summary: &'static str,
    /// What it changes. It is refused where that cannot be changed.
    pub(crate) changes: Changes,
    /// What the token needs.
    pub(crate) scope: &'static str,
    pub(crate) query: &'static [Parameter],
    /// What the body must be, if there is one.
    pub(crate) body: Option<Schema>,
    /// Status and body of a success.
    pub(crate) success: (u16, Option<Schema>),
    pub(crate) handler: Handler,
}

/// What does the work of an endpoint.
pub(crate) type Handler = fn(Call) -> Pin<Box<dyn Future<Output = Result<Answer, ApiError>> + Send>>;

/// What an endpoint changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Changes {
    Nothing,
    /// The tenant, its clients or its users.
    Tenant,
    /// Refresh tokens, which are in a database wherever tenants are.
    RefreshTokens,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}
