//! The access token in the header `Authorization` (RFC 6750 section 2.1).

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use locum_engine::{Refusal, RefusalKind};

/// The token; `None` without the header.
///
/// # Errors
/// Another scheme, no token, or more than one header.
pub fn bearer_token(headers: &HeaderMap) -> Result<Option<&str>, Refusal> {
    let mut headers = headers.get_all(AUTHORIZATION).iter();
    let header = match (headers.next(), headers.next()) {
        (None, _) => return Ok(None),
        (Some(only), None) => only.to_str().unwrap_or_default(),
        (Some(_), Some(_)) => return Err(Refusal::invalid_request("send one Authorization header")),
    };
    let bearer = header.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let token = bearer.map(|(_, token)| token.trim_matches(' ')).filter(|token| !token.is_empty());
    token.map(Some).ok_or_else(|| {
        Refusal::new(RefusalKind::InvalidToken, "send an access token in the header Authorization: Bearer")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Result<Option<String>, String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(AUTHORIZATION, line.parse().unwrap());
        }
        bearer_token(&headers)
            .map(|token| token.map(str::to_owned))
            .map_err(|refusal| refusal.code().to_owned())
    }

    #[test]
    fn a_bearer_token_is_read_and_anything_else_refused() {
        assert_eq!(read(&[]), Ok(None));
        for header in ["Bearer a.b.c", "bearer a.b.c", "BEARER  a.b.c "] {
            assert_eq!(read(&[header]), Ok(Some("a.b.c".to_owned())), "{header}");
        }
        for header in ["Bearer", "Bearer ", "Basic YTpi", "a.b.c", ""] {
            assert_eq!(read(&[header]), Err("invalid_token".to_owned()), "{header}");
        }
        assert_eq!(read(&["Bearer a", "Bearer b"]), Err("invalid_request".to_owned()));
    }
}
