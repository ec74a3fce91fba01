//! Reads the parts of a plugin's request to an upstream.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::upstream::UpstreamRequest;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::fixtures::fixture::{Place, XmlEncoding};

/// The decoded fields of the form in the body, in order.
pub(crate) fn form(request: &UpstreamRequest) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    form_urlencoded::parse(request.body.as_bytes()).collect()
}

/// The JSON object in the body, if it is one.
pub(crate) fn json(request: &UpstreamRequest) -> Option<Map<String, Value>> {
    serde_json::from_str(&request.body).ok()
}

/// The value of a header, by its lower-case name.
pub(crate) fn header<'r>(request: &'r UpstreamRequest, name: &str) -> Option<&'r str> {
    let named = request.headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name));
    named.map(|(_, value)| value.as_str())
}

/// The text at a place.
pub(crate) fn at(request: &UpstreamRequest, place: &Place) -> Option<String> {
    match place {
        Place::Header(name) => {
            let value = header(request, name)?;
            Some(value.strip_prefix("Bearer ").unwrap_or(value).to_owned())
        }
        Place::Form(name) => {
            let field = form(request).into_iter().find(|(own, _)| own == name);
            field.map(|(_, value)| value.into_owned())
        }
        Place::Json(pointer) => Some(Value::Object(json(request)?).pointer(pointer)?.as_str()?.to_owned()),
        Place::Body => Some(request.body.clone()),
    }
}

/// A text, decoded; `None` if it is not encoded like this.
pub(crate) fn decoded(text: String, encoding: Option<XmlEncoding>) -> Option<String> {
    let bytes = match encoding {
        None => return Some(text),
        Some(XmlEncoding::Base64) => STANDARD.decode(text),
        Some(XmlEncoding::Base64url) => URL_SAFE_NO_PAD.decode(text),
    };
    String::from_utf8(bytes.ok()?).ok()
}

/// A header as a report shows it. User name and password are decoded, so that the password is recognised and left out.
pub(crate) fn shown_header(value: &str) -> String {
    let encoded = value.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
    match encoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(credentials) => format!("Basic, decoded {credentials}"),
        None => value.to_owned(),
    }
}
