//! The audit event: one per request, complete, and without secrets.

use locum_abi::answer::{Credential, Failure, Issued};
use locum_engine::model::AddOn;
use locum_engine::ports::IssuerFailure;
use locum_engine::{AuditCode, AuditEvent, Caller, JWT_BEARER, Refusal, RefusalKind};
use serde_json::{Map, Value, json};

use locum_testing::{
    ACME, NOW, REFERENCE, TestEngine, bucket_rule, caller, claims_for, good, good_with, hs256, object,
};

const CANARY: &str = "c4n4ry";

/// SHA-256 of a text, in hexadecimal.
pub(crate) fn sha256(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_success_is_recorded_in_full() {
    let test = TestEngine::new();
    let parameters = good_with(json!({
        "target": "storage", "api_type": "azure_blob", "scope": "openid  email openid", "device": "phone",
        "containerName": "photos",
    }));
    let token = parameters["id_token"].as_str().unwrap().to_owned();
    let from = Caller {
        auth0_client: Some("eyJuYW1lIjoiYXV0aDAuanMifQ".to_owned()),
        user_agent: Some("Mozilla/5.0".to_owned()),
        ..caller()
    };
    let expected = AuditEvent {
        at_unix_ms: u64::try_from(NOW).unwrap() * 1000,
        code: AuditCode::Success,
        reference: REFERENCE.to_owned(),
        host: ACME.to_owned(),
        ip: "203.0.113.7".parse().unwrap(),
        tenant: Some(ACME.to_owned()),
        client_id: Some("caller".to_owned()),
        user_id: Some("auth0|alice".to_owned()),
        actor: None,
        target: Some("storage".to_owned()),
        api_type: Some("azure_blob".to_owned()),
        scope: Some("openid email".to_owned()),
        device: Some("phone".to_owned()),
        subject_token_sha256: Some(sha256(&token)),
        expires_at: Some(NOW + 3600),
        refusal: None,
        auth0_client: from.auth0_client.clone(),
        user_agent: from.user_agent.clone(),
        uncounted: false,
        reused: false,
        management: None,
    };
    assert_eq!(test.delegate_from(&from, parameters).event, expected);
}

#[test]
fn a_token_in_the_wrong_place_is_not_recorded() {
    let jwt = hs256(&claims_for("caller"));
    let from = Caller {
        host: format!("{ACME}.{jwt}"),
        auth0_client: Some(jwt.clone()),
        user_agent: Some(format!("Bearer {jwt}")),
        ..caller()
    };
    for field in ["client_id", "target", "api_type", "scope", "device"] {
        let text = format!("a {jwt}");
        let reply = TestEngine::new().delegate_from(&from, good_with(json!({ (field): text })));
        let event = format!("{:?}", reply.event);
        let [header, payload, signature]: [&str; 3] = jwt.split('.').collect::<Vec<_>>().try_into().unwrap();
        for part in [header, payload, signature] {
            assert!(!event.contains(part), "{field}: {event}");
        }
        assert!(event.contains("[token]"), "{field}: {event}");
        // What stands beside it is kept.
        assert!(event.contains("Bearer [token]"), "{event}");
    }
    let usual = TestEngine::new().delegate(good_with(json!({"device": "eyJuYW1lIjoiYXV0aDAuanMifQ=="})));
    assert_eq!(usual.event.device.as_deref(), Some("eyJuYW1lIjoiYXV0aDAuanMifQ=="));
}

#[test]
fn the_event_names_the_target_and_api_type_that_were_selected() {
    let event = TestEngine::new().delegate(good()).event;
    assert_eq!((event.target.as_deref(), event.api_type.as_deref()), (Some("caller"), Some("app")));
    let refused = TestEngine::new().delegate(good_with(json!({"target": "nobody"}))).event;
    assert_eq!((refused.target.as_deref(), refused.api_type), (Some("nobody"), None));
}

#[test]
fn the_event_of_an_early_refusal_leaves_unknown_fields_empty() {
    let unread = TestEngine::new().delegate(Map::new()).event;
    assert_eq!((unread.tenant.as_deref(), unread.client_id, unread.user_id), (Some(ACME), None, None));
    let forged = TestEngine::new().delegate(good_with(json!({"id_token": "a.b.c"}))).event;
    assert_eq!((forged.client_id.as_deref(), forged.user_id), (Some("caller"), None));
    assert_eq!(forged.subject_token_sha256, Some(sha256("a.b.c")));
}

#[test]
fn the_codes_are_those_of_the_tenant_log() {
    let codes = [
        AuditCode::Success,
        AuditCode::Failure,
        AuditCode::Limited,
        AuditCode::Revoked,
        AuditCode::RevocationFailure,
        AuditCode::ClientCredentials,
        AuditCode::ClientCredentialsFailure,
    ];
    let logged = ["sd", "fd", "limit_delegation", "srrt", "frrt", "seccft", "feccft"];
    assert_eq!(codes.map(AuditCode::as_str), logged);
}

#[test]
fn long_client_texts_are_truncated() {
    let long = "x".repeat(10_000);
    let from = Caller { auth0_client: Some(long.clone()), user_agent: Some(long.clone()), ..caller() };
    let parameters = good_with(json!({"scope": long, "device": long, "target": long, "api_type": long}));
    let event = TestEngine::new().delegate_from(&from, parameters).event;
    for text in
        [event.scope, event.device, event.target, event.api_type, event.auth0_client, event.user_agent]
    {
        assert_eq!(text.unwrap().chars().count(), 256);
    }
}

#[test]
fn each_request_has_its_own_reference_which_no_issuer_receives() {
    let test = TestEngine::new();
    let first = test.delegate(good()).event.reference;
    let entropy: String =
        test.script.last_context().entropy[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    assert_ne!(first, entropy);
    assert_ne!(test.delegate(good()).event.reference, first);
    // One for the engine's references, and one for each credential.
    assert_eq!(test.entropy.draws(), 3);
}

#[test]
fn an_unreadable_body_is_recorded_as_one_event() {
    let test = TestEngine::new();
    let refusal = Refusal::new(RefusalKind::BodyTooLarge, "the body is larger than 64 KiB");
    let answer = test.engine.refuse_unread(refusal.clone(), None, &caller());
    let event = test.sink.take_only_event();
    assert_eq!(answer.outcome.unwrap_err(), refusal);
    assert_eq!((event.code.as_str(), event.refusal.unwrap().status), ("fd", 413));
}

/// An engine in which every value that must not be disclosed is, or contains, the canary.
fn engine_with_canaries() -> TestEngine {
    TestEngine::with(|setup| {
        // The last of the requests below that reach the bucket finds it empty.
        setup.acme.tenant.delegation.rate = bucket_rule(6, 1);
        let settings = object(json!({"storageAccessKey": CANARY, CANARY: CANARY}));
        for api_type in ["app", "azure_blob"] {
            setup.issuers.answers(api_type, issue_or_refuse);
        }
        let storage = setup.client("storage");
        storage.app = AddOn::new("app", settings.clone());
        storage.add_ons = vec![
            AddOn::new("azure_blob", settings.clone()),
            AddOn::new("aws", settings.clone()),
            AddOn::new("salesforce_api", settings),
        ];
        setup.issuers.refuses_settings("aws", Failure::setting("role", "role must be an ARN"));
        let alice = setup.acme.users.get_mut("auth0|alice").unwrap();
        alice.profile.insert("favourite_food".to_owned(), json!(CANARY));
    })
}

fn issue_or_refuse(
    grant: &locum_abi::grant::Grant,
    context: locum_engine::ports::CallContext,
) -> Result<Issued, IssuerFailure> {
    let issued_at = i64::try_from(context.now_unix_ms / 1000).unwrap();
    match grant.parameters.get("make").and_then(Value::as_str) {
        Some("refusal") => Err(IssuerFailure::Failed(Failure::parameter("role", "role must be an ARN"))),
        Some("other form") => {
            let credential = Credential::Object(object(json!({CANARY: CANARY})));
            Ok(Issued { credential, issued_at, expires_at: Some(issued_at + 300) })
        }
        _ if grant.target_id == "storage" => {
            let credential = Credential::Text(CANARY.to_owned());
            Ok(Issued { credential, issued_at, expires_at: Some(issued_at + 300) })
        }
        _ => Ok(Issued {
            credential: Credential::Jwt(format!("{CANARY}.{CANARY}.{CANARY}")),
            issued_at,
            expires_at: Some(issued_at + 300),
        }),
    }
}

/// Requests of every outcome, each with the canary wherever a secret or a free-form value may be.
fn requests_with_canaries() -> Vec<Map<String, Value>> {
    let mut claims = claims_for("caller");
    claims[CANARY] = json!(CANARY);
    claims["email"] = json!(CANARY);
    let token = hs256(&claims);
    let free_form = json!({CANARY: {CANARY: [CANARY]}, "containerName": CANARY, "client_secret": CANARY});
    let changes = [
        json!({}),
        json!({"target": "storage"}),
        json!({"target": "storage", "api_type": "aws"}),
        json!({"target": "storage", "make": "refusal"}),
        json!({"target": "storage", "make": "other form"}),
        json!({"scope": "openid profile email passthrough favourite_food"}),
        json!({"scope": {CANARY: CANARY}}),
        json!({"id_token": format!("{token}{CANARY}")}),
        json!({"id_token": CANARY}),
        json!({"id_token": [CANARY]}),
        json!({"id_token": "", "refresh_token": CANARY}),
        json!({"refresh_token": CANARY}),
        json!({"grant_type": CANARY}),
        json!({"client_id": ""}),
        json!({"device": "phone"}),
    ];
    let request = |changes: Value| {
        let mut request = object(json!({"client_id": "caller", "grant_type": JWT_BEARER, "id_token": token}));
        request.extend(object(free_form.clone()));
        request.extend(object(changes));
        request
    };
    changes.into_iter().map(request).collect()
}

#[test]
fn no_event_holds_a_token_a_secret_or_a_free_form_parameter() {
    let test = engine_with_canaries();
    let mut codes = Vec::new();
    for request in requests_with_canaries() {
        let presented = request.get("id_token").and_then(Value::as_str).unwrap_or_default().to_owned();
        let reply = test.delegate(request);
        let shown = format!("{reply:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        assert!(presented.is_empty() || !shown.contains(&presented), "{shown}");
        codes.push(reply.event.code.as_str());
    }
    for code in ["sd", "fd", "limit_delegation"] {
        assert!(codes.contains(&code), "no request has the code {code}");
    }
    let (outcome, event) = test.revoke(json!({"client_id": "storage", "token": CANARY, "x": CANARY}));
    assert!(!format!("{outcome:?} {event:?}").contains(CANARY), "{event:?}");
}

#[test]
fn the_debug_text_of_a_tenant_shows_no_secret_of_its_own_or_of_its_add_ons() {
    let mut tenant = locum_testing::tenant(ACME);
    tenant.tenant.signing_keys.push(locum_testing::signing_key(ACME));
    let mut storage = locum_testing::client("storage");
    storage.add_ons.push(AddOn::new("azure_blob", object(json!({"storageAccessKey": CANARY}))));
    tenant.clients.push(storage);
    let text = format!("{tenant:?}");
    assert!(text.contains("azure_blob") && text.contains("storageAccessKey"), "{text}");
    assert!(!text.contains(CANARY) && !text.contains("BEGIN"), "{text}");
}
