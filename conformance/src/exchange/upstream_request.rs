//! Reads and replaces the parts of a plugin's request to an upstream.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::upstream::UpstreamRequest;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::fixtures::fixture::{Place, XmlEncoding};

/// The scheme of the header `authorization` that a token follows.
const BEARER: &str = "Bearer ";

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
            Some(value.strip_prefix(BEARER).unwrap_or(value).to_owned())
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

/// A text in this encoding.
pub(crate) fn encoded(text: &str, encoding: XmlEncoding) -> String {
    match encoding {
        XmlEncoding::Base64 => STANDARD.encode(text),
        XmlEncoding::Base64url => URL_SAFE_NO_PAD.encode(text),
    }
}

/// Replaces the text at a place that has one.
pub(crate) fn set(request: &mut UpstreamRequest, place: &Place, text: String) {
    match place {
        Place::Header(name) => {
            let named = request.headers.iter_mut().find(|(own, _)| own.eq_ignore_ascii_case(name));
            if let Some((_, value)) = named {
                let scheme = if value.starts_with(BEARER) { BEARER } else { "" };
                *value = format!("{scheme}{text}");
            }
        }
        Place::Form(name) => {
            let fields = form(request).into_iter().map(|(own, value)| {
                let value = if own == *name { text.clone() } else { value.into_owned() };
                (own.into_owned(), value)
            });
            set_form(request, fields.collect());
        }
        Place::Json(pointer) => {
            let mut body = Value::Object(json(request).unwrap_or_default());
            if let Some(member) = body.pointer_mut(pointer) {
                *member = text.into();
                request.body = body.to_string();
            }
        }
        Place::Body => request.body = text,
    }
}

/// Replaces the fields of the form in the body.
pub(crate) fn set_form(request: &mut UpstreamRequest, fields: Vec<(String, String)>) {
    request.body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
}

/// A header as a report shows it. User name and password are decoded, so that the password is recognised and left out.
pub(crate) fn shown_header(value: &str) -> String {
    let encoded = value.strip_prefix("Basic ").and_then(|encoded| STANDARD.decode(encoded).ok());
    match encoded.and_then(|bytes| String::from_utf8(bytes).ok()) {
        Some(credentials) => format!("Basic, decoded {credentials}"),
        None => value.to_owned(),
    }
}
