//! The media type and the codings of a body.

use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, TRANSFER_ENCODING};
use locum_engine::{Refusal, RefusalKind};

/// The two kinds of body that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MediaType {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

impl MediaType {
    /// What the headers say of the body. Parameters such as `charset` are skipped: old HTTP libraries send
    /// `ISO-8859-1` over plain ASCII, and a body that is not UTF-8 is refused when it is read.
    ///
    /// # Errors
    /// Another type, none, more than one, or a body in another coding than `chunked`.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let mut stated = headers.get_all(CONTENT_TYPE).iter();
        let (Some(only), None) = (stated.next(), stated.next()) else {
            return Err(unsupported(
                "send one content-type, application/json or application/x-www-form-urlencoded",
            ));
        };
        if headers
            .get_all(CONTENT_ENCODING)
            .iter()
            .any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
        {
            return Err(unsupported("send the body without content-encoding"));
        }
        let codings = headers.get_all(TRANSFER_ENCODING).iter();
        if codings
            .flat_map(|codings| codings.as_bytes().split(|byte| *byte == b','))
            .any(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"chunked"))
        {
            return Err(unsupported("send the body without a transfer-encoding other than chunked"));
        }
        let essence = only.as_bytes().split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
        if essence.eq_ignore_ascii_case(b"application/json") {
            Ok(Self::Json)
        } else if essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
            Ok(Self::Form)
        } else {
            Err(unsupported("send application/json or application/x-www-form-urlencoded"))
        }
    }
}

fn unsupported(what_to_do: &str) -> Refusal {
    Refusal::new(RefusalKind::UnsupportedMediaType, what_to_do)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lines: &[(&'static str, &'static str)]) -> Result<MediaType, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        MediaType::of(&headers).map_err(|refusal| refusal.status())
    }

    #[test]
    fn both_types_are_read_in_any_case_and_with_parameters() {
        for text in [
            "application/json",
            "Application/JSON",
            "application/json;charset=utf-8",
            "application/json ; charset=\"x\"",
        ] {
            assert_eq!(of(&[("content-type", text.to_owned().leak())]), Ok(MediaType::Json), "{text}");
        }
        let form = "application/x-www-form-urlencoded; charset=ISO-8859-1";
        assert_eq!(of(&[("content-type", form)]), Ok(MediaType::Form));
    }

    #[test]
    fn any_other_type_is_refused() {
        for text in [
            "text/plain",
            "application/jsonp",
            "application/json+x",
            "",
            "multipart/form-data",
            "application/json, text/plain",
        ] {
            assert_eq!(of(&[("content-type", text.to_owned().leak())]), Err(415), "{text}");
        }
    }

    #[test]
    fn one_type_must_be_stated() {
        assert_eq!(of(&[]), Err(415));
        assert_eq!(
            of(&[("content-type", "application/json"), ("content-type", "application/json")]),
            Err(415)
        );
    }

    #[test]
    fn a_compressed_body_is_refused() {
        assert_eq!(of(&[("content-type", "application/json"), ("content-encoding", "gzip")]), Err(415));
        assert_eq!(
            of(&[("content-type", "application/json"), ("content-encoding", "identity")]),
            Ok(MediaType::Json)
        );
    }
}
