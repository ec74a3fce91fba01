//! Which host a request is for: the one name that its authority and its `Host` header agree on.

use std::net::Ipv6Addr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use locum_engine::Refusal;

/// Longest name of a host, in bytes (RFC 1035 section 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// The host, lower case, without port; an IPv6 address keeps its brackets.
///
/// # Errors
/// No host, two hosts (RFC 9112 section 3.2), an authority that names another, or what cannot be a host.
pub(crate) fn host(head: &Parts) -> Result<String, Refusal> {
    let mut headers = head.headers.get_all(HOST).iter();
    let header = match (headers.next(), headers.next()) {
        (_, Some(_)) => return Err(Refusal::invalid_request("send one host header")),
        (None, None) => None,
        (Some(only), None) => Some(only.to_str().ok().and_then(name).ok_or_else(not_a_host)?),
    };
    let authority = match head.uri.authority() {
        None => None,
        Some(authority) => Some(name(authority.as_str()).ok_or_else(not_a_host)?),
    };
    match (authority, header) {
        (Some(authority), Some(header)) if authority != header => {
            Err(Refusal::invalid_request("the host header and the request target name different hosts"))
        }
        (Some(host), _) | (None, Some(host)) => Ok(host),
        (None, None) => Err(Refusal::invalid_request("send a host header")),
    }
}

fn not_a_host() -> Refusal {
    Refusal::invalid_request("the host is not a name or an address")
}

fn name(authority: &str) -> Option<String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (format!("[{}]", address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let name_end = authority.find(':').unwrap_or(authority.len());
            let (name, port) = authority.split_at(name_end);
            (is_name(name).then(|| name.to_ascii_lowercase())?, port)
        }
    };
    is_port(port).then_some(host)
}

fn is_name(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    (1..=HOST_BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

/// Nothing, or a colon and digits; RFC 3986 allows none after the colon.
fn is_port(text: &str) -> bool {
    match text.strip_prefix(':') {
        None => text.is_empty(),
        Some(digits) => digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn host_of(uri: &str, headers: &[&str]) -> Result<String, u16> {
        let mut request = Request::builder().uri(uri);
        for value in headers {
            request = request.header(HOST, *value);
        }
        host(&request.body(()).unwrap().into_parts().0).map_err(|refusal| refusal.status())
    }

    #[test]
    fn case_and_port_do_not_matter() {
        for text in ["acme.example.com", "ACME.example.com", "acme.example.com:8080", "acme.example.com:"] {
            assert_eq!(host_of("/", &[text]), Ok("acme.example.com".to_owned()), "{text}");
        }
    }

    #[test]
    fn addresses_are_hosts() {
        assert_eq!(host_of("/", &["127.0.0.1:80"]), Ok("127.0.0.1".to_owned()));
        assert_eq!(host_of("/", &["[0:0::1]:80"]), Ok("[::1]".to_owned()));
    }

    #[test]
    fn what_cannot_be_a_host_is_refused() {
        for text in [
            "", ":80", "a b", "a/b", "user@a", "a:80:90", "a:b", "[::1", "[::1]x", "[a]", "::1", "a,b",
            "a%2eb",
        ] {
            assert_eq!(host_of("/", &[text]), Err(400), "{text}");
        }
        assert_eq!(host_of("/", &[&"a".repeat(254)]), Err(400));
    }

    #[test]
    fn there_must_be_exactly_one() {
        assert_eq!(host_of("/", &[]), Err(400));
        assert_eq!(host_of("/", &["a.example", "a.example"]), Err(400));
    }

    #[test]
    fn an_authority_replaces_a_missing_host_header_and_must_agree_with_one() {
        assert_eq!(host_of("http://a.example:80/", &[]), Ok("a.example".to_owned()));
        assert_eq!(host_of("http://a.example/", &["A.example:80"]), Ok("a.example".to_owned()));
        assert_eq!(host_of("http://a.example/", &["b.example"]), Err(400));
    }
}
