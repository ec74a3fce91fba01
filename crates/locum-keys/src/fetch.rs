//! Fetches the documents of an issuer: its OpenID configuration where the keys are found by that, and its JWK Set.

use std::time::Duration;

use locum_egress::{Addresses, HttpAnswer, HttpClient, HttpMethod, HttpRequest};
use locum_engine::KeySet;
use locum_engine::model::{IssuerUrl, KeyLocation};
use locum_engine::prepared::RemoteIssuer;
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use crate::limits::{DOCUMENT_BYTES_MAX, FETCH_DEADLINE, FRESH_DEFAULT, FRESH_MAX, FRESH_MIN};

/// What an issuer has answered.
#[derive(Debug)]
pub(crate) struct Fetched {
    /// The keys; `None` if they are those of the `ETag` that was sent.
    pub(crate) keys: Option<FetchedSet>,
    /// For how long they are fresh.
    pub(crate) lifetime: Duration,
}

/// A JWK Set, and the name of this version of it.
#[derive(Debug)]
pub(crate) struct FetchedSet {
    pub(crate) keys: KeySet,
    pub(crate) etag: Option<String>,
}

/// Fetches the keys of an issuer, unless they are still those of this `ETag`.
///
/// # Errors
/// What is wrong, for operators. What the issuer has sent may be in it.
pub(crate) async fn fetch(
    http: &HttpClient,
    issuer: &RemoteIssuer,
    etag: Option<&str>,
) -> Result<Fetched, String> {
    let fetched = timeout(FETCH_DEADLINE, fetch_documents(http, issuer, etag)).await;
    fetched.unwrap_or_else(|_| Err(format!("it did not answer within {} s", FETCH_DEADLINE.as_secs())))
}

async fn fetch_documents(
    http: &HttpClient,
    issuer: &RemoteIssuer,
    etag: Option<&str>,
) -> Result<Fetched, String> {
    match &issuer.keys().location {
        KeyLocation::JwkSet(url) => fetch_set(http, url.as_url(), Addresses::Any, etag).await,
        KeyLocation::Discovery(url) => {
            let configuration = get(http, url.as_url(), Addresses::Any, &[]).await?;
            let configuration = body(configuration, "its OpenID configuration")?;
            let (url, addresses) = jwk_set_of(&configuration, issuer.issuer(), url)?;
            fetch_set(http, url.as_url(), addresses, etag).await
        }
    }
}

async fn fetch_set(
    http: &HttpClient,
    url: &Url,
    addresses: Addresses,
    etag: Option<&str>,
) -> Result<Fetched, String> {
    let condition = etag.map(|etag| ("if-none-match".to_owned(), etag.to_owned()));
    let answer = get(http, url, addresses, condition.as_slice()).await?;
    let header = |name: &str| answer.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value);
    let lifetime = lifetime(header("cache-control").map_or("", String::as_str));
    if answer.status == 304 && etag.is_some() {
        return Ok(Fetched { keys: None, lifetime });
    }
    let etag = header("etag").cloned();
    let keys = KeySet::from_json(&body(answer, "its JWK Set")?)
        .map_err(|invalid| format!("its JWK Set cannot be used: {invalid}"))?;
    Ok(Fetched { keys: Some(FetchedSet { keys, etag }), lifetime })
}

async fn get(
    http: &HttpClient,
    url: &Url,
    addresses: Addresses,
    headers: &[(String, String)],
) -> Result<HttpAnswer, String> {
    let request = HttpRequest {
        method: HttpMethod::Get,
        body: b"",
        url,
        headers,
        addresses,
        answer_bytes_max: DOCUMENT_BYTES_MAX,
    };
    http.send(request).await.map_err(|error| error.to_string())
}

fn body(answer: HttpAnswer, what: &str) -> Result<String, String> {
    if answer.status == 200 {
        String::from_utf8(answer.body).map_err(|_| format!("{what} is not UTF-8"))
    } else {
        Err(format!("{what} was answered with status {}", answer.status))
    }
}

/// The URL of the JWK Set in an OpenID configuration, and the addresses that it may lead to. The issuer chooses it, so it
/// leads to the issuer's own host or to the public internet.
fn jwk_set_of(
    configuration: &str,
    issuer: &str,
    found_at: &IssuerUrl,
) -> Result<(IssuerUrl, Addresses), String> {
    #[derive(Deserialize)]
    struct Configuration {
        issuer: String,
        jwks_uri: String,
    }
    let Configuration { issuer: stated, jwks_uri } = serde_json::from_str(configuration)
        .map_err(|_| "its OpenID configuration is not JSON with `issuer` and `jwks_uri`".to_owned())?;
    // OpenID Connect Discovery 1.0 section 4.3.
    if stated != issuer {
        return Err(format!("its OpenID configuration is that of another issuer, `{stated}`"));
    }
    let url: IssuerUrl = jwks_uri
        .parse()
        .map_err(|_| format!("the `jwks_uri` of its OpenID configuration, `{jwks_uri}`, cannot be used"))?;
    let addresses = if url.host() == found_at.host() { Addresses::Any } else { Addresses::Public };
    Ok((url, addresses))
}

/// For how long an answer with this `Cache-Control` is fresh (RFC 9111 section 5.2.2).
fn lifetime(cache_control: &str) -> Duration {
    let directives = cache_control.split(',').map(|directive| directive.trim().to_ascii_lowercase());
    let mut lifetime = FRESH_DEFAULT;
    for directive in directives {
        if directive == "no-cache" || directive == "no-store" {
            return FRESH_MIN;
        }
        if let Some(seconds) = directive.strip_prefix("max-age=").and_then(|seconds| seconds.parse().ok()) {
            lifetime = Duration::from_secs(seconds);
        }
    }
    lifetime.clamp(FRESH_MIN, FRESH_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ISSUER: &str = "https://login.corp.example";

    fn found(configuration: &str) -> Result<(String, Addresses), String> {
        let url = "https://login.corp.example/.well-known/openid-configuration".parse().unwrap();
        jwk_set_of(configuration, ISSUER, &url).map(|(url, addresses)| (url.to_string(), addresses))
    }

    fn configuration(issuer: &str, jwks_uri: &str) -> String {
        format!(r#"{{"issuer":"{issuer}","jwks_uri":"{jwks_uri}","scopes_supported":["openid"]}}"#)
    }

    #[test]
    fn keys_are_at_the_issuers_host_or_at_a_public_address() {
        for (uri, addresses) in [
            ("https://login.corp.example/keys", Addresses::Any),
            ("https://login.corp.example:8443/keys", Addresses::Any),
            ("https://keys.corp.example/", Addresses::Public),
            ("https://10.0.0.1/", Addresses::Public),
            ("http://127.0.0.1/keys", Addresses::Public),
        ] {
            assert_eq!(found(&configuration(ISSUER, uri)), Ok((uri.to_owned(), addresses)));
        }
        for uri in
            ["http://login.corp.example/keys", "file:///etc/passwd", "https://user@login.corp.example/", ""]
        {
            let refused = found(&configuration(ISSUER, uri)).unwrap_err();
            assert!(refused.starts_with("the `jwks_uri` of its OpenID configuration"), "{uri}: {refused}");
        }
    }

    #[test]
    fn the_configuration_is_that_of_the_issuer() {
        for other in ["https://login.corp.example/", "https://evil.example", ""] {
            let refused = found(&configuration(other, "https://login.corp.example/keys")).unwrap_err();
            assert_eq!(refused, format!("its OpenID configuration is that of another issuer, `{other}`"));
        }
        for text in ["<html>", "{}", "[]", r#"{"issuer":"https://login.corp.example"}"#] {
            let refused = found(text).unwrap_err();
            assert_eq!(refused, "its OpenID configuration is not JSON with `issuer` and `jwks_uri`");
        }
    }

    #[test]
    fn keys_are_fresh_for_as_long_as_the_issuer_says_within_limits() {
        for (cache_control, seconds) in [
            ("", 3600),
            ("public", 3600),
            ("public, max-age=600", 600),
            ("Max-Age=600", 600),
            ("max-age=0", 60),
            ("max-age=59", 60),
            ("max-age=61, must-revalidate", 61),
            ("max-age=999999999", 86400),
            ("max-age=-1", 3600),
            ("max-age=x", 3600),
            ("no-cache", 60),
            ("max-age=600, no-store", 60),
        ] {
            assert_eq!(lifetime(cache_control), Duration::from_secs(seconds), "{cache_control}");
        }
    }
}
