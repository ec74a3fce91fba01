//! What the host signs for a plugin: with its keys, what their rules permit, at both levels; and no plugin is given a key.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;

use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::answer::Credential;
use locum_abi::configuration::SigningKey;
use locum_abi::grant::Grant;
use locum_engine::ports::{
    Issuer, IssuerFailure, Issuers as _, PortReply, StoreUnavailable, TenantAudiences,
};
use locum_host::{
    CallObserver, CallObservers, CallOutcome, Isolation, LoadErrorCode, LoadOptions, Operation, Pins,
    PluginSet, UpstreamOutcome, inspect,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::{
    NOW, ScriptedUpstreams, TestDirectory, call_context, configuration, grant, load, load_in_runner,
    load_with, parrot, presented,
};

const PRIVATE_KEY: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pem");
const PUBLIC_KEY: &str = include_str!("../../../../fixtures/keys/tenant-rsa.pub.pem");
const CERTIFICATE: &str = include_str!("../../../../fixtures/keys/tenant-rsa.cert.pem");
const OTHER_KEY: &str = include_str!("../../../../fixtures/keys/layer.pem");

/// The audience of an upstream, which is nobody's in the tenant.
const UPSTREAM: &str = "https://login.example.com/";

/// Says that two audiences are the tenant's, and does not know about a third.
struct Audiences;

impl TenantAudiences for Audiences {
    fn include<'a>(&'a self, audience: &'a str) -> PortReply<'a, Result<bool, StoreUnavailable>> {
        PortReply::Now(match audience {
            "another-client" | "https://acme.example.com/api/v2/" => Ok(true),
            "unknown" => Err(StoreUnavailable("the database is down".to_owned())),
            _ => Ok(false),
        })
    }
}

fn options() -> LoadOptions {
    LoadOptions::new(Arc::new(ScriptedUpstreams::default()))
}

/// The parrot at both levels, with every permission.
fn both_levels() -> [PluginSet; 2] {
    [load(parrot()).unwrap(), load_in_runner(parrot(), options()).unwrap()]
}

fn tenant_key(certificate: Option<&str>) -> SigningKey {
    SigningKey {
        kid: "2030".to_owned(),
        private_key_pem: PRIVATE_KEY.into(),
        certificate_pem: certificate.map(str::to_owned),
    }
}

/// An issuer with the tenant's key that first asks for a signature, and then answers with all it was given.
fn signing(set: &PluginSet, request: &Value) -> Arc<dyn Issuer> {
    let ask = json!({"kind": "sign", "request": request}).to_string();
    let settings = json!({
        "answers": [ask, echo("{input}")],
        "consumer": "consumer-key",
        "principal": "login",
        "private_key": OTHER_KEY,
    });
    let mut configuration = configuration("parrot_signs", settings);
    configuration.tenant.signing_key = Some(tenant_key(None));
    set.configure(configuration).unwrap()
}

/// The answer that issues a text.
fn echo(text: &str) -> String {
    format!(r#"{{"kind":"issued","credential":{{"text":{text}}},"issued_at":{NOW}}}"#)
}

/// The grant of 60 s, with claims and an attribute.
fn full_grant() -> Grant {
    let claims = json!({"email": "alice@example.com", "email_verified": true, "auth_time": NOW - 30});
    let profile = json!({"login": "alice.adams"});
    Grant {
        claims: claims.as_object().unwrap().clone(),
        profile: profile.as_object().unwrap().clone(),
        scopes: vec!["openid".to_owned(), "email".to_owned()],
        ..grant()
    }
}

/// The signature that the issuer was given.
async fn signature(issuer: &dyn Issuer) -> Result<String, IssuerFailure> {
    let issued = issuer.issue(&full_grant(), call_context(), &Audiences).await?;
    let Credential::Text(input) = issued.credential else { panic!("no text") };
    let input: Value = serde_json::from_str(&input).unwrap();
    Ok(input["signatures"][0].as_str().unwrap().to_owned())
}

async fn refusal(issuer: &dyn Issuer) -> String {
    match signature(issuer).await {
        Err(IssuerFailure::ContractBroken(how)) => how,
        other => panic!("expected a refusal, got {other:?}"),
    }
}

/// A request that the rules permit.
fn tenant_token() -> Value {
    json!({"key": "tenant", "jwt": {"alg": "RS256", "claims": {
        "iss": "https://acme.example.com/",
        "sub": "auth0|alice",
        "aud": UPSTREAM,
        "iat": NOW,
        "exp": NOW + 60,
    }}})
}

#[tokio::test]
async fn a_signature_of_rsa_waits_for_its_turn() {
    for set in both_levels() {
        let issuer = signing(&set, &tenant_token());
        assert_eq!(set.signatures_waiting(), 0);
        // In a runtime of one thread, what signs runs when the test waits.
        let mut seen = 0;
        let signature = signature(&*issuer);
        tokio::pin!(signature);
        while seen == 0 {
            tokio::select! {
                biased;
                done = &mut signature => panic!("signed before it was seen to wait: {done:?}"),
                () = std::future::ready(()) => seen = set.signatures_waiting(),
            }
            if seen == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(seen, 1);
        assert!(signature.await.is_ok());
        assert_eq!(set.signatures_waiting(), 0);
    }
}

/// Counts the calls of plugins.
#[derive(Default)]
struct Calls(AtomicUsize);

impl CallObserver for Calls {
    fn now_nanos(&self) -> u64 {
        0
    }

    fn plugin_called(&self, _: Operation, _: CallOutcome, _: u64) {
        self.0.fetch_add(1, Relaxed);
    }

    fn upstream_called(&self, _: &str, _: UpstreamOutcome, _: u64) {}
}

/// Gives one counter to every issuer.
struct Counted(Arc<Calls>);

impl CallObservers for Counted {
    fn of_issuer(&self, _: &str, _: Isolation, _: &str) -> Arc<dyn CallObserver> {
        Arc::clone(&self.0) as _
    }
}

#[tokio::test]
async fn in_an_overload_no_plugin_is_asked_for_what_could_not_be_signed() {
    const REQUESTS: usize = 4000;
    const AT_ONCE: usize = 256;
    let calls = Arc::new(Calls::default());
    let mut options = options();
    options.observers = Some(Arc::new(Counted(Arc::clone(&calls))));
    let set = load_with(parrot(), options).unwrap();
    let issuer = signing(&set, &tenant_token());
    let (mut issued, mut refused, mut requests) = (0, 0, JoinSet::new());
    for number in 0..REQUESTS + AT_ONCE {
        if number < REQUESTS {
            let issuer = Arc::clone(&issuer);
            requests.spawn(async move { signature(&*issuer).await });
        }
        if number >= AT_ONCE {
            match requests.join_next().await.unwrap().unwrap() {
                Ok(_) => issued += 1,
                Err(IssuerFailure::Overloaded) => refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    // What is issued takes two calls: before and after the signature. What the queue refuses takes one.
    let calls = calls.0.load(Relaxed);
    assert!((issued * 2..issued * 2 + refused).contains(&calls), "{calls} {issued} {refused}");
    // Afterwards everything is as before.
    assert!(signature(&*issuer).await.is_ok());
}

fn with(mut request: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    request.pointer_mut(parent).unwrap()[name] = value;
    request
}

fn without(mut request: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    request.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(name);
    request
}

/// Whether the tenant's key made this signature with RS256.
fn is_tenants(message: &str, signature: &[u8]) -> bool {
    let spki = STANDARD.decode(PUBLIC_KEY.lines().filter(|line| !line.starts_with('-')).collect::<String>());
    // A SubjectPublicKeyInfo of a 2048-bit RSA key is a header of 24 bytes and the RSAPublicKey.
    let public_key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, spki.unwrap().split_off(24));
    public_key.verify(message.as_bytes(), signature).is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_jwt_about_the_user_is_signed_with_the_tenants_key() {
    for set in both_levels() {
        let token = signature(&*signing(&set, &tenant_token())).await.unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        assert!(is_tenants(message, &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        assert!(!is_tenants("another", &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        let (header, claims) = message.split_once('.').unwrap();
        let text = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
        assert_eq!(text(header), r#"{"typ":"JWT","alg":"RS256","kid":"2030"}"#);
        assert_eq!(text(claims), tenant_token()["jwt"]["claims"].to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_manifest_declares_and_the_grant_contains_may_be_signed() {
    let claims = "/jwt/claims";
    for set in both_levels() {
        for (name, value) in [
            ("iss", json!("consumer-key")),
            ("sub", json!("alice.adams")),
            ("aud", json!([UPSTREAM, "https://sts.example.com/"])),
            ("exp", json!(NOW)),
            ("email", json!("alice@example.com")),
            ("email_verified", json!(true)),
            ("auth_time", json!(NOW - 30)),
            ("azp", json!("caller")),
            ("scope", json!("openid email")),
            ("anything", json!({"else": [1.5, null]})),
        ] {
            let request = with(tenant_token(), &format!("{claims}/{name}"), value);
            assert!(signature(&*signing(&set, &request)).await.is_ok(), "{name}");
        }
        for algorithm in ["RS384", "RS512", "PS256"] {
            let request = with(tenant_token(), "/jwt/alg", json!(algorithm));
            assert!(signature(&*signing(&set, &request)).await.is_ok(), "{algorithm}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forged_request_is_refused_whichever_claim_is_forged() {
    let audience = "its `aud` belongs to the tenant";
    let granted = "a claim about the user or the grant is not as granted";
    let expiry = "its `exp` is missing or too late";
    let issuer = "its `iss` is neither";
    let subject = "its `sub` is neither";
    for set in both_levels() {
        for (pointer, value, reason) in [
            // An id_token for another client, and a token for the tenant's own API.
            ("/jwt/claims/aud", json!("another-client"), audience),
            ("/jwt/claims/aud", json!("https://acme.example.com/api/v2/"), audience),
            ("/jwt/claims/aud", json!([UPSTREAM, "another-client"]), audience),
            ("/jwt/claims/aud", json!([]), "it has no `aud`"),
            ("/jwt/claims/aud", json!(7), "its `aud` is not a text"),
            ("/jwt/claims/aud", json!([UPSTREAM, {}]), "its `aud` is not a text"),
            ("/jwt/claims/sub", json!("auth0|bob"), subject),
            ("/jwt/claims/sub", json!(["auth0|alice"]), subject),
            ("/jwt/claims/iss", json!("https://other.example.com/"), issuer),
            ("/jwt/claims/iss", json!("https://acme.example.com"), issuer),
            ("/jwt/claims/exp", json!(NOW + 61), expiry),
            ("/jwt/claims/exp", json!((NOW as f64) + 0.5), expiry),
            ("/jwt/claims/exp", json!(NOW.to_string()), expiry),
            ("/jwt/claims/email", json!("bob@example.com"), granted),
            ("/jwt/claims/email_verified", json!("true"), granted),
            ("/jwt/claims/scope", json!("openid email admin"), granted),
            ("/jwt/claims/azp", json!("another-client"), granted),
            ("/jwt/claims/auth_time", json!(NOW), granted),
            ("/jwt/claims/act", json!({"sub": "admin"}), granted),
            ("/jwt/claims/may_act", json!({"sub": "admin"}), granted),
            ("/jwt/header", json!({"typ": "at+jwt"}), "it states members of the header"),
            ("/jwt/header", json!({"kid": "other"}), "it states members of the header"),
            ("/jwt/alg", json!("HS256"), "an algorithm that the key does not sign with"),
            ("/jwt/alg", json!("none"), "an algorithm that the key does not sign with"),
            ("/jwt/alg", json!("ES256"), "an algorithm that the key does not sign with"),
            ("/key", json!("somebody"), "a key that it does not have"),
            ("/bytes", json!({"alg": "RS256", "text": "<a/>"}), "something that this host does not know"),
        ] {
            let reasons = refusal(&*signing(&set, &with(tenant_token(), pointer, value.clone()))).await;
            assert!(reasons.contains(reason), "{pointer} {value}: {reasons}");
        }
        for (pointer, reason) in [
            ("/jwt/claims/aud", "it has no `aud`"),
            ("/jwt/claims/sub", subject),
            ("/jwt/claims/iss", issuer),
            ("/jwt/claims/exp", expiry),
            ("/jwt", "something that this host does not know"),
        ] {
            let reasons = refusal(&*signing(&set, &without(tenant_token(), pointer))).await;
            assert!(reasons.contains(reason), "without {pointer}: {reasons}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_signed_for_only_if_it_is_verified() {
    let set = load(parrot()).unwrap();
    let signed = async |login: &str, verified: Value| {
        let issuer = signing(&set, &with(tenant_token(), "/jwt/claims/sub", json!(login)));
        let profile = json!({"login": login, "email_verified": verified});
        let grant = Grant { profile: profile.as_object().unwrap().clone(), ..full_grant() };
        issuer.issue(&grant, call_context(), &Audiences).await.is_ok()
    };
    assert!(signed("alice@example.com", json!(true)).await);
    for unverified in [json!(false), json!("true"), Value::Null] {
        assert!(!signed("alice@example.com", unverified.clone()).await, "{unverified}");
        assert!(signed("alice.adams", unverified).await);
    }
    assert!(signed("@alice", json!(false)).await && signed("alice@", json!(false)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_that_is_sent_twice_is_signed_as_it_was_checked() {
    let set = load(parrot()).unwrap();
    let ask = |first: &str, second: &str| {
        let claims = format!(
            r#"{{"iss":"https://acme.example.com/","sub":"auth0|alice","aud":"{first}","aud":"{second}","exp":{NOW}}}"#
        );
        let ask = format!(
            r#"{{"kind":"sign","request":{{"key":"tenant","jwt":{{"alg":"RS256","claims":{claims}}}}}}}"#
        );
        let mut configuration = configuration("parrot_signs", json!({"answers": [ask, echo("{input}")]}));
        configuration.tenant.signing_key = Some(tenant_key(None));
        set.configure(configuration).unwrap()
    };
    assert!(refusal(&*ask(UPSTREAM, "another-client")).await.contains("belongs to the tenant"));
    let token = signature(&*ask("another-client", UPSTREAM)).await.unwrap();
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
    assert!(!String::from_utf8(claims).unwrap().contains("another-client"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_grant_does_not_make_a_token_for_an_upstream_long() {
    let set = load(parrot()).unwrap();
    for (seconds, signed) in [(300, true), (301, false)] {
        let request = with(tenant_token(), "/jwt/claims/exp", json!(NOW + seconds));
        let grant = Grant { lifetime_seconds: 3600, ..full_grant() };
        let issued = signing(&set, &request).issue(&grant, call_context(), &Audiences).await;
        assert_eq!(issued.is_ok(), signed, "{seconds}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_audience_that_the_directory_does_not_know_about_is_not_signed_for() {
    let set = load(parrot()).unwrap();
    let request = with(tenant_token(), "/jwt/claims/aud", json!("unknown"));
    let failure = signature(&*signing(&set, &request)).await.unwrap_err();
    assert!(matches!(failure, IssuerFailure::DirectoryUnavailable(_)), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_the_settings_signs_what_expires_within_the_grant() {
    let request = json!({"key": "private_key", "jwt": {
        "alg": "RS256",
        "header": {"typ": "eit", "kid": "k1"},
        "claims": {"iss": "anybody", "aud": "another-client", "exp": NOW + 60},
    }});
    for set in both_levels() {
        let token = signature(&*signing(&set, &request)).await.unwrap();
        let (message, signature) = token.rsplit_once('.').unwrap();
        assert!(!is_tenants(message, &URL_SAFE_NO_PAD.decode(signature).unwrap()));
        let header = URL_SAFE_NO_PAD.decode(message.split('.').next().unwrap()).unwrap();
        assert_eq!(header, br#"{"typ":"eit","alg":"RS256","kid":"k1"}"#);
        for (pointer, value) in [
            ("/jwt/claims/exp", json!(NOW + 61)),
            ("/jwt/claims/exp", Value::Null),
            ("/jwt/header/alg", json!("none")),
            ("/jwt/header/crit", json!(["exp"])),
            ("/jwt/header/b64", json!(false)),
            ("/jwt/header/zip", json!("DEF")),
            ("/jwt/alg", json!("EdDSA")),
        ] {
            refusal(&*signing(&set, &with(request.clone(), pointer, value))).await;
        }
        let bytes = json!({"key": "private_key", "bytes": {"alg": "RS256", "text": "<a/>"}});
        assert!(refusal(&*signing(&set, &bytes)).await.contains("its pin does not allow that"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_are_signed_if_the_pin_allows_it_and_they_cannot_be_a_jwt() {
    let bytes = |text: &str| json!({"key": "tenant", "bytes": {"alg": "RS256", "text": text}});
    let xml = "<ds:SignedInfo>é</ds:SignedInfo>";
    for set in both_levels() {
        let signed = signature(&*signing(&set, &bytes(xml))).await.unwrap();
        assert!(is_tenants(xml, &STANDARD.decode(signed).unwrap()));
        // A JWS without its signature, and XML that does not begin as such.
        let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"RS256"}"#);
        let claims = URL_SAFE_NO_PAD.encode(r#"{"iss":"https://acme.example.com/","sub":"auth0|bob"}"#);
        for text in [format!("{header}.{claims}"), format!(" {xml}"), String::new()] {
            assert!(
                refusal(&*signing(&set, &bytes(&text))).await.contains("do not begin with `<`"),
                "{text}"
            );
        }
        let request = with(bytes(xml), "/bytes/alg", json!("HS256"));
        assert!(refusal(&*signing(&set, &request)).await.contains("an algorithm"));
    }
    for isolation in [Isolation::InProcess, Isolation::Runner] {
        let mut pins = Pins::default();
        pins.pin(inspect(parrot()).unwrap().pin().at(isolation));
        let mut options = options();
        options.runner = Some(crate::harness::runner());
        let set = PluginSet::load([parrot()], &pins, options).unwrap();
        assert!(refusal(&*signing(&set, &bytes(xml))).await.contains("its pin does not allow that"));
        assert!(signature(&*signing(&set, &tenant_token())).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_signed_while_a_credential_is_revoked() {
    for set in both_levels() {
        let revoked = signing(&set, &tenant_token()).revoke(presented("credential"), call_context()).await;
        let Err(IssuerFailure::ContractBroken(how)) = revoked else { panic!("{revoked:?}") };
        assert!(how.contains("it asks for a signature, but issues no credential"), "{how}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_has_four_signatures_at_most() {
    let set = load(parrot()).unwrap();
    let ask = json!({"kind": "sign", "request": tenant_token()}).to_string();
    for (asked, answered) in [(4, true), (5, false)] {
        let mut answers = vec![ask.clone(); asked];
        answers.push(echo(r#""done""#));
        let mut configuration = configuration("parrot_signs", json!({"answers": answers}));
        configuration.tenant.signing_key = Some(tenant_key(None));
        let issuer = set.configure(configuration).unwrap();
        let issued = issuer.issue(&full_grant(), call_context(), &Audiences).await;
        assert_eq!(issued.is_ok(), answered, "{asked}: {issued:?}");
    }
}

/// What the parrot's `create` received.
async fn configured_with(set: &PluginSet, api_type: &str, certificate: Option<&str>) -> Value {
    let mut settings = json!({"answers": [echo("{configuration}")]});
    if api_type == "parrot_signs" {
        settings["private_key"] = json!(OTHER_KEY);
    }
    let mut configuration = configuration(api_type, settings);
    configuration.tenant.signing_key = Some(tenant_key(certificate));
    let issuer = set.configure(configuration).unwrap();
    let issued = issuer.issue(&grant(), call_context(), &Audiences).await.unwrap();
    let Credential::Text(received) = issued.credential else { panic!("no text") };
    serde_json::from_str(&received).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_plugin_is_given_a_private_key() {
    let rsa = json!(["RS256", "RS384", "RS512", "PS256"]);
    for set in both_levels() {
        let received = configured_with(&set, "parrot_signs", Some(CERTIFICATE)).await;
        assert!(!received.to_string().contains("PRIVATE KEY"), "{received}");
        assert_eq!(received["tenant"], json!({"domain": "acme.example.com"}));
        assert_eq!(received["settings"].get("private_key"), None);
        let tenants =
            json!({"kid": "2030", "algorithms": rsa, "signs_bytes": true, "certificate_pem": CERTIFICATE});
        let own = json!({"algorithms": rsa, "signs_bytes": false});
        assert_eq!(received["signing"], json!({"private_key": own, "tenant": tenants}));
        let other = configured_with(&set, "parrot_text", None).await;
        assert_eq!((&other["tenant"], other.get("signing")), (&json!({"domain": "acme.example.com"}), None));
    }
}

#[test]
fn a_certificate_of_another_key_and_a_setting_that_is_no_key_are_refused() {
    let set = load(parrot()).unwrap();
    let refused = |certificate: &str, private_key: &str| {
        let mut configuration = configuration("parrot_signs", json!({"private_key": private_key}));
        configuration.tenant.signing_key =
            Some(SigningKey { private_key_pem: PRIVATE_KEY.into(), ..tenant_key(Some(certificate)) });
        set.configure(configuration).err()
    };
    assert_eq!(refused(CERTIFICATE, OTHER_KEY), None);
    let other = refused(OTHER_KEY, OTHER_KEY).unwrap();
    assert!(other.message.contains("its certificate is malformed or that of another key"), "{other}");
    let setting = refused(CERTIFICATE, "no key").unwrap();
    assert_eq!(setting.pointer.as_deref(), Some("/private_key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_needs_the_key_itself_is_loaded_only_if_its_pin_gives_it_in_process() {
    let directory = TestDirectory::new();
    // The parrot as a plugin of contract 1 would state it.
    let file = directory.parrot_with("libparrot.so", &[("\"notes\": [\"tenant", "\"needs\": [\"tenant")]);
    let load = |give_tenant_key: bool, isolation: Isolation| {
        let mut pin = inspect(&file).unwrap().pin().at(isolation);
        pin.give_tenant_key = give_tenant_key;
        let mut pins = Pins::default();
        pins.pin(pin);
        let mut options = options();
        options.runner = Some(crate::harness::runner());
        PluginSet::load([&file], &pins, options)
    };
    for (give_tenant_key, isolation) in
        [(false, Isolation::InProcess), (false, Isolation::Runner), (true, Isolation::Runner)]
    {
        let error = load(give_tenant_key, isolation).err().unwrap();
        assert_eq!(error.code, LoadErrorCode::TenantKeyNotGiven, "{give_tenant_key} {isolation}");
        assert!(error.to_string().contains("pin --in-process --give-tenant-key"), "{error}");
    }
    let set = load(true, Isolation::InProcess).unwrap();
    // A credential that contained a real key would be refused.
    let private_key_pem = "-----BEGIN PRIVATE KEY-----";
    let mut configuration = configuration("parrot_text", json!({"answers": [echo("{configuration}")]}));
    configuration.tenant.signing_key =
        Some(SigningKey { private_key_pem: private_key_pem.into(), ..tenant_key(None) });
    let issuer = set.configure(configuration).unwrap();
    let issued = issuer.issue(&grant(), call_context(), &Audiences).await.unwrap();
    let Credential::Text(received) = issued.credential else { panic!("no text") };
    let received: Value = serde_json::from_str(&received).unwrap();
    assert_eq!(received["tenant"]["signing_key"]["private_key_pem"], private_key_pem);
}
