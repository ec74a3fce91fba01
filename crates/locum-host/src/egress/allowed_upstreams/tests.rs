//! Each allowed request, and similar requests that are refused.

use locum_abi::manifest::IssuerManifest;
use proptest::prelude::*;
use serde_json::json;

use super::*;

fn manifest() -> IssuerManifest {
    serde_json::from_value(json!({
        "api_type": "a", "credential": {"form": "jwt"}, "settings_schema": {}, "parameters_schema": {},
        "lifetime": {"minimum_seconds": 1, "default_seconds": 1, "maximum_seconds": 1},
        "revocation": "not_revocable", "revocation_advice": "Wait.",
        "upstreams": [
            {"kind": "host", "host": "sts.*.amazonaws.com"},
            {"kind": "host", "host": "login.example.com"},
            {"kind": "setting", "setting": "url"},
            {"kind": "later", "name": "x"},
            {"kind": "host", "host": "api.example.com", "methods": ["POST", "DELETE"], "headers": ["x-api-version", "x-vendor-*"]},
        ],
    }))
    .unwrap()
}

fn allowed() -> AllowedUpstreams {
    taken(&manifest(), json!({"url": "http://10.0.0.7:8080/base?x=1"})).unwrap()
}

fn taken(manifest: &IssuerManifest, mut settings: Value) -> Result<AllowedUpstreams, Failure> {
    AllowedUpstreams::take(manifest, settings.as_object_mut().unwrap())
}

fn post(url: &str) -> UpstreamRequest {
    let mut request = UpstreamRequest::new("POST", url);
    request.body = "b".to_owned();
    request
}

fn scope(url: &str) -> Result<AddressScope, DisallowedRequest> {
    allowed().check(post(url)).map(|request| request.address_scope())
}

#[test]
fn a_declared_host_is_allowed_at_public_addresses() {
    assert_eq!(scope("https://login.example.com/token?x=1"), Ok(AddressScope::Public));
    assert_eq!(scope("https://sts.eu-west-1.amazonaws.com"), Ok(AddressScope::Public));
    assert_eq!(scope("https://login.example.com:443/"), Ok(AddressScope::Public));
}

#[test]
fn a_wildcard_matches_exactly_one_label() {
    for url in [
        "https://sts.a.b.amazonaws.com/",
        "https://sts..amazonaws.com/",
        "https://sts.amazonaws.com/",
        "https://sts.a_b.amazonaws.com/",
        "https://x.sts.a.amazonaws.com/",
        "https://sts.a.amazonaws.com.evil.example/",
    ] {
        assert!(scope(url).is_err(), "{url}");
    }
}

#[test]
fn hosts_similar_to_a_declared_one_are_refused() {
    for url in [
        "http://login.example.com/",
        "https://login.example.com:8443/",
        "https://login.example.com./",
        "https://xlogin.example.com/",
        "https://login.example.com.evil.example/",
        "https://evil.example/login.example.com",
        "https://evil.example/?https://login.example.com/",
        "https://93.184.216.34/",
        "ftp://login.example.com/",
    ] {
        assert!(matches!(scope(url), Err(DisallowedRequest::UndeclaredOrigin(_))), "{url}: {:?}", scope(url));
    }
}

#[test]
fn a_name_with_a_trailing_dot_is_another_host() {
    for url in [
        "https://login.example.com./",
        "https://login.example.com%2e/",
        "https://login.example.com.:443/",
        "https://login.example.com../",
        "https://sts.eu-west-1.amazonaws.com./",
        "https://sts.amazonaws.com./",
        "https://sts.eu-west-1.amazonaws.com%2E/",
    ] {
        assert!(scope(url).is_err(), "{url}: {:?}", scope(url));
    }
    // The origin of a setting is compared as a whole, with or without the dot.
    let of_setting = |setting: &str, url: &str| {
        let settings = json!({"url": setting});
        let allowed = taken(&manifest(), settings).unwrap();
        allowed.check(post(url)).map(|request| request.address_scope())
    };
    let (plain, dotted) = ("https://sap.example.com/", "https://sap.example.com./");
    assert_eq!(of_setting(plain, plain), Ok(AddressScope::Any));
    assert_eq!(of_setting(dotted, dotted), Ok(AddressScope::Any));
    assert!(of_setting(plain, dotted).is_err());
    assert!(of_setting(dotted, plain).is_err());
    // A setting does not lift the rule that a declared host has public addresses.
    assert_eq!(
        of_setting("https://login.example.com./", "https://login.example.com/"),
        Ok(AddressScope::Public)
    );
}

#[test]
fn a_setting_allows_only_its_own_origin() {
    assert_eq!(scope("http://10.0.0.7:8080/other"), Ok(AddressScope::Any));
    for url in
        ["https://10.0.0.7:8080/", "http://10.0.0.7/", "http://10.0.0.7:8081/", "http://10.0.0.8:8080/"]
    {
        assert!(matches!(scope(url), Err(DisallowedRequest::UndeclaredOrigin(_))), "{url}");
    }
}

#[test]
fn an_ambiguous_url_is_refused() {
    for url in [
        "https://user@login.example.com/",
        "https://@login.example.com/",
        "https://login.example.com\\@evil.example/",
        "https://evil.example\\.login.example.com/",
        "https://login.example.com/#f",
        "https://login.example.com/a b",
        "https://login.exa\nmple.com/",
        "https:login.example.com/",
        "https:///login.example.com/",
        "//login.example.com/",
        "login.example.com",
        "https://lоgin.example.com/",
        "",
    ] {
        assert_eq!(scope(url), Err(DisallowedRequest::AmbiguousUrl), "{url}");
    }
}

#[test]
fn a_missing_setting_allows_nothing_and_an_invalid_one_is_named() {
    let from = |settings: Value| taken(&manifest(), settings);
    assert!(from(json!({})).unwrap().check(post("http://10.0.0.7:8080/")).is_err());
    assert!(from(json!({"url": null})).is_ok());
    for invalid in [json!("10.0.0.7:8080"), json!("file:///etc/passwd"), json!("https://a@b/"), json!(7)] {
        assert_eq!(from(json!({"url": invalid})).unwrap_err().pointer.as_deref(), Some("/url"));
    }
}

#[test]
fn only_post_and_get_without_a_body_are_allowed() {
    let mut get = post("https://login.example.com/");
    get.method = "GET".to_owned();
    assert_eq!(allowed().check(get.clone()).unwrap_err(), DisallowedRequest::BodyNotAllowed);
    get.body.clear();
    assert_eq!(allowed().check(get.clone()).unwrap().method(), HttpMethod::Get);
    for other in ["PUT", "DELETE", "get", "CONNECT", ""] {
        get.method = other.to_owned();
        let refused = allowed().check(get.clone()).unwrap_err();
        assert_eq!(refused, DisallowedRequest::MethodNotAllowed(other.to_owned()));
    }
}

#[test]
fn an_upstream_gets_the_methods_that_are_declared_for_it() {
    let method = |method: &str, url: &str| {
        let request = UpstreamRequest::new(method, url);
        allowed().check(request).map(|request| request.method())
    };
    assert_eq!(method("DELETE", "https://api.example.com/token"), Ok(HttpMethod::Delete));
    assert_eq!(method("POST", "https://api.example.com/token"), Ok(HttpMethod::Post));
    for (refused, url) in [
        ("GET", "https://api.example.com/token"),
        ("PATCH", "https://api.example.com/token"),
        ("delete", "https://api.example.com/token"),
        ("DELETE", "https://login.example.com/token"),
        ("DELETE", "http://10.0.0.7:8080/"),
    ] {
        assert_eq!(
            method(refused, url),
            Err(DisallowedRequest::MethodNotAllowed(refused.to_owned())),
            "{url}"
        );
    }
}

#[test]
fn an_upstream_gets_the_headers_that_are_declared_for_it() {
    let with_header = |name: &str, url: &str| {
        let mut request = post(url);
        request.headers = vec![(name.to_owned(), "1".to_owned())];
        allowed().check(request).map(|_| ())
    };
    let api = "https://api.example.com/";
    for name in ["x-api-version", "X-API-Version", "x-vendor-trace", "accept"] {
        assert_eq!(with_header(name, api), Ok(()), "{name}");
    }
    for (name, url) in [
        ("x-api-versions", api),
        ("x-vendor", api),
        ("x-vendor-", api),
        ("x-api-version", "https://login.example.com/"),
        ("x-vendor-trace", "http://10.0.0.7:8080/"),
        ("host", api),
    ] {
        assert_eq!(
            with_header(name, url),
            Err(DisallowedRequest::HeaderNotAllowed(name.to_owned())),
            "{url}"
        );
    }
}

#[test]
fn two_declarations_of_one_host_are_two_permissions() {
    let mut twice = manifest();
    twice.upstreams = vec![
        Upstream::host("api.example.com"),
        Upstream::host("*.api.example.com"),
        Upstream::host("api.example.com").methods(["DELETE"]).header("x-reason"),
    ];
    let allowed = taken(&twice, json!({})).unwrap();
    let check = |method: &str, header: &str| {
        let mut request = UpstreamRequest::new(method, "https://api.example.com/");
        request.headers = vec![(header.to_owned(), "1".to_owned())];
        allowed.check(request).is_ok()
    };
    assert!(check("POST", "accept") && check("DELETE", "x-reason"));
    assert!(!check("POST", "x-reason") && !check("PUT", "accept"));
}

#[test]
fn requests_are_equal_that_ask_the_same() {
    let request = |method: &str, url: &str, accept: &str, body: &str| {
        let mut request = UpstreamRequest::new(method, url);
        request.headers = vec![("accept".to_owned(), accept.to_owned())];
        request.body = body.to_owned();
        allowed().check(request).unwrap()
    };
    let (url, other) = ("https://api.example.com/", "https://api.example.com/x");
    let one = request("POST", url, "text/plain", "b");
    assert_eq!(one, request("POST", url, "text/plain", "b"));
    for another in [
        request("DELETE", url, "text/plain", "b"),
        request("POST", other, "text/plain", "b"),
        request("POST", url, "text/xml", "b"),
        request("POST", url, "text/plain", "c"),
    ] {
        assert_ne!(one, another);
    }
}

#[test]
fn a_body_over_the_limit_is_refused() {
    let mut request = post("https://login.example.com/");
    request.body = "x".repeat(UPSTREAM_REQUEST_BYTES_MAX);
    assert!(allowed().check(request.clone()).is_ok());
    request.body.push('x');
    assert_eq!(allowed().check(request).unwrap_err(), DisallowedRequest::BodyNotAllowed);
}

#[test]
fn a_body_in_base64_is_for_an_upstream_that_declares_it() {
    let mut declaring = manifest();
    declaring.upstreams =
        vec![Upstream::host("api.example.com").binary_bodies(), Upstream::host("login.example.com")];
    let allowed = taken(&declaring, json!({})).unwrap();
    let request = |url: &str, bytes: &[u8]| UpstreamRequest::new("POST", url).with_bytes(bytes);
    let (api, login) = ("https://api.example.com/", "https://login.example.com/");
    let (encoded, text) =
        (allowed.check(request(api, &[0, 0xff])).unwrap(), allowed.check(post(api)).unwrap());
    assert_eq!((encoded.content(), encoded.body_encoding()), (&[0, 0xff][..], Some(BodyEncoding::Base64)));
    assert_eq!((text.content(), text.body_encoding()), (&b"b"[..], None));
    let refused = |request: UpstreamRequest| allowed.check(request).unwrap_err();
    assert_eq!(refused(request(login, &[0xff])), DisallowedRequest::EncodingNotAllowed);
    let mut malformed = request(api, &[0xff]);
    malformed.body.push('!');
    assert_eq!(refused(malformed), DisallowedRequest::EncodingNotAllowed);
    // The limit is one of bytes, whatever their text takes.
    assert!(allowed.check(request(api, &vec![0xff; UPSTREAM_REQUEST_BYTES_MAX])).is_ok());
    let too_large = request(api, &vec![0xff; UPSTREAM_REQUEST_BYTES_MAX + 1]);
    assert_eq!(refused(too_large), DisallowedRequest::BodyNotAllowed);
}

#[test]
fn three_headers_may_be_set_once_each() {
    let admit = |headers: &[(&str, &str)]| {
        let mut request = post("https://login.example.com/");
        request.headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        allowed().check(request).map(|_| ())
    };
    assert_eq!(
        admit(&[("Content-Type", "text/xml; charset=utf-8"), ("accept", "*/*"), ("Authorization", "x")]),
        Ok(())
    );
    assert_eq!(
        admit(&[("Host", "evil.example")]),
        Err(DisallowedRequest::HeaderNotAllowed("Host".to_owned()))
    );
    assert_eq!(
        admit(&[("accept", "a"), ("Accept", "b")]),
        Err(DisallowedRequest::HeaderNotAllowed("Accept".to_owned()))
    );
    for value in ["a\r\nhost: evil.example", "a\0", "ä", "a\tb"] {
        assert_eq!(
            admit(&[("accept", value)]),
            Err(DisallowedRequest::HeaderValueNotAscii("accept".to_owned())),
            "{value:?}"
        );
    }
}

#[test]
fn debug_shows_neither_query_nor_body() {
    let request = allowed().check(post("https://login.example.com/p?secret=1")).unwrap();
    assert_eq!(format!("{request:?}"), "POST https://login.example.com");
}

proptest! {
    /// For any text: an allowed URL has a declared host with HTTPS on port 443, or the origin of the setting, and the
    /// request that is sent has the URL that was checked.
    #[test]
    fn no_other_url_is_allowed(
        scheme in "(https?|ftp|wss?|HTTPS)",
        user in "(|@|u@|u:p@|login.example.com@)",
        host in "(login\\.example\\.com|sts\\.[a-z0-9.%_-]{0,6}\\.amazonaws\\.com|10\\.0\\.0\\.7|[a-z0-9.]{1,12}|\\[::1\\])",
        port in "(|:443|:80|:8080)",
        rest in "(|/|/[ -~]{0,12}|\\\\[ -~]{0,6}|@[a-z.]{1,8})",
    ) {
        let text = format!("{scheme}://{user}{host}{port}{rest}");
        if let Ok(request) = allowed().check(post(&text)) {
            let url = request.url();
            prop_assert!(user.is_empty() && url.username().is_empty() && url.password().is_none());
            match request.address_scope() {
                AddressScope::Public => {
                    prop_assert_eq!((url.scheme(), url.port()), ("https", None));
                    let domain = url.domain().unwrap();
                    let region = domain.strip_prefix("sts.").and_then(|rest| rest.strip_suffix(".amazonaws.com"));
                    prop_assert!(domain == "login.example.com" || region.is_some_and(|region| !region.contains('.')));
                }
                AddressScope::Any => prop_assert_eq!(url.origin().ascii_serialization(), "http://10.0.0.7:8080"),
            }
            prop_assert_eq!(request.url(), &Url::parse(&text).unwrap());
        }
    }

    #[test]
    fn no_text_causes_a_panic(url in ".{0,80}", name in ".{0,12}", value in ".{0,12}") {
        let mut request = post(&url);
        request.headers = vec![(name, value)];
        let _ = allowed().check(request);
    }
}

#[test]
fn the_declared_origin_is_the_pattern_or_the_setting_whatever_the_request_is_for() {
    let declared = |url: &str| allowed().check(post(url)).unwrap().declared_origin().to_owned();
    assert_eq!(declared("https://sts.eu-west-1.amazonaws.com/x"), "https://sts.*.amazonaws.com");
    assert_eq!(declared("https://sts.us-east-1.amazonaws.com"), "https://sts.*.amazonaws.com");
    assert_eq!(declared("https://login.example.com/token?x=1"), "https://login.example.com");
    assert_eq!(declared("http://10.0.0.7:8080/other?y"), "http://10.0.0.7:8080");
}
