//! Query strings: strict, with the parameters that an endpoint declares and no others.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;

use crate::error::ApiError;
use crate::limits::QUERY_BYTES_MAX;
use crate::parameter::{Parameter, ParameterValue};

/// The parameters of a request.
#[derive(Debug, Default)]
pub(crate) struct Query(BTreeMap<String, String>);

impl Query {
    /// Reads those that an endpoint declares.
    pub(crate) fn read(text: &str, declared: &[Parameter]) -> Result<Self, ApiError> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(ApiError::invalid_query("the query string is too long"));
        }
        let mut parameters = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            let Some(parameter) = declared.iter().find(|parameter| parameter.name == name) else {
                return Err(ApiError::invalid_query(
                    "the query string has a parameter that this path does not know",
                ));
            };
            parameter.check(&value)?;
            if parameters.insert(name, value).is_some() {
                return Err(ApiError::invalid_query(format!("send {} once", parameter.name)));
            }
        }
        let is_missing = |parameter: &&Parameter| {
            matches!(parameter.value, ParameterValue::Required) && !parameters.contains_key(parameter.name)
        };
        match declared.iter().find(is_missing) {
            None => Ok(Self(parameters)),
            Some(parameter) => Err(ApiError::invalid_query(format!("{} is missing", parameter.name))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The number; its declaration has checked it.
    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    /// The truth value; its declaration has checked it.
    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "true")
    }
}

fn decoded(text: &str) -> Result<String, ApiError> {
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    let decoded = decoded.map_err(|_| ApiError::invalid_query("the query string is not UTF-8"))?;
    if decoded.contains('\0') {
        return Err(ApiError::invalid_query("the query string contains U+0000"));
    }
    Ok(decoded.into_owned())
}
