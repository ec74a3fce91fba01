//! The table of endpoints: what the router, the checks before a handler, and the OpenAPI description are made of.

use std::pin::Pin;

use crate::answer::Answer;
use crate::call::Call;
use crate::error::ApiError;
use crate::schema::Schema;
use crate::{client_grants, clients, tenant_settings, users};

/// An endpoint.
pub(crate) struct Endpoint {
    /// Its name in audit events, and its `operationId`.
    pub(crate) operation: &'static str,
    pub(crate) method: Method,
    /// Below `/api/v2`. It has at most one parameter, the id.
    pub(crate) path: &'static str,
    /// One line for the description.
    pub(crate) summary: &'static str,
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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Get,
    Post,
    Patch,
    Delete,
}

/// A parameter of a query string.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) value: ParameterValue,
    /// One line for the description.
    pub(crate) summary: &'static str,
}

/// What a parameter may be.
pub(crate) enum ParameterValue {
    /// A number from the first to the second.
    Number(u32, u32),
    Flag,
    Text,
    /// One word of these.
    Word(&'static [&'static str]),
}

impl Parameter {
    pub(crate) fn check(&self, value: &str) -> Result<(), ApiError> {
        let is_digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        let expected = match self.value {
            ParameterValue::Number(least, most)
                if !is_digits
                    || !value.parse::<u32>().is_ok_and(|number| (least..=most).contains(&number)) =>
            {
                format!("a number from {least} to {most}")
            }
            ParameterValue::Flag if !matches!(value, "true" | "false") => "true or false".to_owned(),
            ParameterValue::Word(words) if !words.contains(&value) => words.join(" or "),
            ParameterValue::Number(..)
            | ParameterValue::Flag
            | ParameterValue::Word(_)
            | ParameterValue::Text => return Ok(()),
        };
        Err(ApiError::invalid_query(format!("{} must be {expected}", self.name)))
    }
}

/// All endpoints.
pub(crate) fn all() -> impl Iterator<Item = &'static Endpoint> {
    [clients::ENDPOINTS, client_grants::ENDPOINTS, users::ENDPOINTS, tenant_settings::ENDPOINTS]
        .into_iter()
        .flatten()
}
