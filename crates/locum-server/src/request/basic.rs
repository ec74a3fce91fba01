//! The client in the header `Authorization`: `Basic`, as OAuth clients write it (RFC 6749 section 2.3.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use locum_engine::{BasicCredentials, Refusal, RefusalKind};

use crate::request::form;

/// Id and secret, which are encoded as in a form before they are joined; `None` without the header.
///
/// # Errors
/// Another scheme, more than one header, or what is not so encoded.
pub(crate) fn basic_credentials(headers: &HeaderMap) -> Result<Option<BasicCredentials>, Refusal> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let header = match (headers.next(), headers.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only.as_bytes(),
        (Some(_), Some(_)) => return Err(Refusal::invalid_request("send one Authorization header")),
    };
    let credentials = header.iter().position(|byte| *byte == b' ').map(|at| header.split_at(at));
    let Some((_, encoded)) = credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case(b"basic")) else {
        return Err(invalid("clients authenticate by the scheme Basic"));
    };
    let decoded = BASE64_STANDARD
        .decode(encoded.trim_ascii())
        .map_err(|_| invalid("the Basic credentials are not base64"))?;
    let mut parts = decoded.splitn(2, |byte| *byte == b':');
    let (Some(id), Some(secret)) = (parts.next(), parts.next()) else {
        return Err(invalid("the Basic credentials have no colon"));
    };
    let decode = |part| {
        form::decode(part)
            .map_err(|refusal| invalid(&format!("in the Basic credentials: {}", refusal.description())))
    };
    let (client_id, client_secret) = (decode(id)?, decode(secret)?);
    if client_id.is_empty() || client_secret.is_empty() {
        return Err(invalid("the Basic credentials lack the client's id or its secret"));
    }
    Ok(Some(BasicCredentials {
        client_id: client_id.into_owned(),
        client_secret: client_secret.into_owned().into(),
    }))
}

fn invalid(description: &str) -> Refusal {
    Refusal::new(RefusalKind::InvalidClient, description)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<(String, String)>, String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        basic_credentials(&headers)
            .map(|basic| basic.map(|basic| (basic.client_id, basic.client_secret.expose().to_owned())))
            .map_err(|refusal| format!("{} {}", refusal.code(), refusal.description()))
    }

    fn basic(text: &str) -> String {
        format!("Basic {}", BASE64_STANDARD.encode(text))
    }

    #[test]
    fn id_and_secret_are_decoded_as_in_a_form() {
        let read = |header: &str| read(&[header]).unwrap().unwrap();
        let expected = |id: &str, secret: &str| (id.to_owned(), secret.to_owned());
        assert_eq!(read(&basic("caller:s3cret")), expected("caller", "s3cret"));
        assert_eq!(read(&basic("a%3Ab:c+d%2B:e")), expected("a:b", "c d+:e"));
        assert_eq!(read(&basic("caller:s").replace("Basic", "basic")), expected("caller", "s"));
    }

    #[test]
    fn no_header_is_no_client() {
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn what_is_no_basic_header_is_refused() {
        for (header, refusal) in [
            ("Bearer abc", "clients authenticate by the scheme Basic"),
            ("Basic", "clients authenticate by the scheme Basic"),
            ("Basic !", "the Basic credentials are not base64"),
            (basic("caller").as_str(), "the Basic credentials have no colon"),
            (basic(":s").as_str(), "the Basic credentials lack the client's id or its secret"),
            (basic("caller:").as_str(), "the Basic credentials lack the client's id or its secret"),
            (
                basic("caller:%zz").as_str(),
                "in the Basic credentials: a percent sign must be followed by two hex digits",
            ),
        ] {
            assert_eq!(read(&[header]).unwrap_err(), format!("invalid_client {refusal}"), "{header}");
        }
        let twice = read(&[&basic("caller:s"), &basic("caller:s")]).unwrap_err();
        assert_eq!(twice, "invalid_request send one Authorization header");
    }
}
