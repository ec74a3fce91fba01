//! What is allowed, and for each of it the neighbour that is not.

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
        ],
    }))
    .unwrap()
}

fn allowed() -> AllowedUpstreams {
    AllowedUpstreams::of(&manifest(), json!({"url": "http://10.0.0.7:8080/base?x=1"}).as_object().unwrap())
        .unwrap()
}

fn post(url: &str) -> UpstreamRequest {
    let mut request = UpstreamRequest::new("POST", url);
    request.body = "b".to_owned();
    request
}

fn reach(url: &str) -> Result<Reach, NotAllowed> {
    allowed().admit(post(url)).map(|request| request.reach())
}

#[test]
fn declared_hosts_are_reached_in_public() {
    assert_eq!(reach("https://login.example.com/token?x=1"), Ok(Reach::Public));
    assert_eq!(reach("https://sts.eu-west-1.amazonaws.com"), Ok(Reach::Public));
    assert_eq!(reach("https://login.example.com:443/"), Ok(Reach::Public));
}

#[test]
fn a_star_is_one_label_and_not_two_and_not_none() {
    for url in [
        "https://sts.a.b.amazonaws.com/",
        "https://sts..amazonaws.com/",
        "https://sts.amazonaws.com/",
        "https://sts.a_b.amazonaws.com/",
        "https://x.sts.a.amazonaws.com/",
        "https://sts.a.amazonaws.com.evil.example/",
    ] {
        assert!(reach(url).is_err(), "{url}");
    }
}

#[test]
fn near_misses_of_a_declared_host_are_undeclared() {
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
        assert!(matches!(reach(url), Err(NotAllowed::Undeclared(_))), "{url}: {:?}", reach(url));
    }
}

#[test]
fn a_setting_allows_its_own_origin_and_no_other() {
    assert_eq!(reach("http://10.0.0.7:8080/other"), Ok(Reach::Anywhere));
    for url in
        ["https://10.0.0.7:8080/", "http://10.0.0.7/", "http://10.0.0.7:8081/", "http://10.0.0.8:8080/"]
    {
        assert!(matches!(reach(url), Err(NotAllowed::Undeclared(_))), "{url}");
    }
}

#[test]
fn a_url_that_can_be_read_in_two_ways_is_refused() {
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
        assert_eq!(reach(url), Err(NotAllowed::Url), "{url}");
    }
}

#[test]
fn a_missing_setting_allows_nothing_and_a_wrong_one_is_named() {
    let of = |settings: Value| AllowedUpstreams::of(&manifest(), settings.as_object().unwrap());
    assert!(of(json!({})).unwrap().admit(post("http://10.0.0.7:8080/")).is_err());
    assert!(of(json!({"url": null})).is_ok());
    for wrong in [json!("10.0.0.7:8080"), json!("file:///etc/passwd"), json!("https://a@b/"), json!(7)] {
        assert_eq!(of(json!({"url": wrong})).unwrap_err(), "url");
    }
}

#[test]
fn only_get_without_body_and_post_are_made() {
    let mut get = post("https://login.example.com/");
    get.method = "GET".to_owned();
    assert_eq!(allowed().admit(get.clone()).unwrap_err(), NotAllowed::Body);
    get.body.clear();
    assert_eq!(allowed().admit(get.clone()).unwrap().method(), Method::Get);
    get.method = "PUT".to_owned();
    assert_eq!(allowed().admit(get).unwrap_err(), NotAllowed::Method);
}

#[test]
fn a_body_has_a_limit() {
    let mut request = post("https://login.example.com/");
    request.body = "x".repeat(UPSTREAM_REQUEST_BYTES_MAX);
    assert!(allowed().admit(request.clone()).is_ok());
    request.body.push('x');
    assert_eq!(allowed().admit(request).unwrap_err(), NotAllowed::Body);
}

#[test]
fn three_headers_may_be_set_once_each() {
    let admit = |headers: &[(&str, &str)]| {
        let mut request = post("https://login.example.com/");
        request.headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        allowed().admit(request).map(|_| ())
    };
    assert_eq!(
        admit(&[("Content-Type", "text/xml; charset=utf-8"), ("accept", "*/*"), ("Authorization", "x")]),
        Ok(())
    );
    assert_eq!(admit(&[("Host", "evil.example")]), Err(NotAllowed::Header("Host".to_owned())));
    assert_eq!(admit(&[("accept", "a"), ("Accept", "b")]), Err(NotAllowed::Header("Accept".to_owned())));
    for value in ["a\r\nhost: evil.example", "a\0", "ä", "a\tb"] {
        assert_eq!(
            admit(&[("accept", value)]),
            Err(NotAllowed::HeaderValue("accept".to_owned())),
            "{value:?}"
        );
    }
}

#[test]
fn debug_shows_neither_query_nor_body() {
    let request = allowed().admit(post("https://login.example.com/p?secret=1")).unwrap();
    assert_eq!(format!("{request:?}"), "POST https://login.example.com");
}

#[test]
fn patterns_end_in_two_literal_labels() {
    for good in ["a.b", "*.b.c", "a.*.b.c", "*.*.b.c", "a-1.b2.co"] {
        assert!(HostPattern::parse(good).is_ok(), "{good}");
    }
    for bad in
        ["*", "*.com", "a.*", "a", "", "A.b", "a..b", ".a.b", "a.b.", "a*.b.c", "1.2.3.4", "a.b:443", "a.b/"]
    {
        assert!(HostPattern::parse(bad).is_err(), "{bad}");
    }
}

proptest! {
    /// Whatever the text: an admitted URL has a declared host at port 443 by TLS, or the origin of the setting, and
    /// what would be sent is what was read.
    #[test]
    fn nothing_else_gets_through(
        scheme in "(https?|ftp|wss?|HTTPS)",
        user in "(|@|u@|u:p@|login.example.com@)",
        host in "(login\\.example\\.com|sts\\.[a-z0-9.%_-]{0,6}\\.amazonaws\\.com|10\\.0\\.0\\.7|[a-z0-9.]{1,12}|\\[::1\\])",
        port in "(|:443|:80|:8080)",
        rest in "(|/|/[ -~]{0,12}|\\\\[ -~]{0,6}|@[a-z.]{1,8})",
    ) {
        let text = format!("{scheme}://{user}{host}{port}{rest}");
        if let Ok(request) = allowed().admit(post(&text)) {
            let url = request.url();
            prop_assert!(user.is_empty() && url.username().is_empty() && url.password().is_none());
            match request.reach() {
                Reach::Public => {
                    prop_assert_eq!((url.scheme(), url.port()), ("https", None));
                    let domain = url.domain().unwrap();
                    let region = domain.strip_prefix("sts.").and_then(|rest| rest.strip_suffix(".amazonaws.com"));
                    prop_assert!(domain == "login.example.com" || region.is_some_and(|region| !region.contains('.')));
                }
                Reach::Anywhere => prop_assert_eq!(url.origin().ascii_serialization(), "http://10.0.0.7:8080"),
            }
            prop_assert_eq!(request.url(), &Url::parse(&text).unwrap());
        }
    }

    #[test]
    fn any_text_at_all_is_answered_without_a_panic(url in ".{0,80}", name in ".{0,12}", value in ".{0,12}") {
        let mut request = post(&url);
        request.headers = vec![(name, value)];
        let _ = allowed().admit(request);
    }
}
