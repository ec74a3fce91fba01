//! Management tokens: who gets one, what it allows, and that it is nothing else.

mod caller;
mod grant;
mod other_tokens;

use locum_engine::model::{ClientAuthentication, ManagementKey, SecretDigest};
use locum_engine::{ManagementCaller, ManagementTokenError, OperatorToken};
use locum_testing::{ACME, NOW, TestEngine, TestSetup, client_of, finished, hs256_by, object, tenant_at};
use serde_json::{Map, Value, json};

/// The key that signs the management tokens of [`ACME`].
const KEY: &str = "a management key of at least thirty-two bytes";
/// One that signed them before.
const OLD_KEY: &str = "an old management key of more than thirty-two bytes";
/// That of [`GLOBEX`].
const GLOBEX_KEY: &str = "another management key of more than thirty-two bytes";

const AUDIENCE: &str = "https://acme.example.com/api/v2/";
const HEADER: &str = r#"{"alg":"HS256","typ":"at+jwt"}"#;

fn key(text: &str) -> ManagementKey {
    ManagementKey::new(text.into()).unwrap()
}

/// An engine of two tenants with management keys, whose client `worker` authenticates by `s3cret` and has three scopes.
fn engine(change: impl FnOnce(&mut TestSetup)) -> TestEngine {
    TestEngine::with(|setup| {
        setup.acme.tenant.management_keys = vec![key(KEY), key(OLD_KEY)];
        setup.globex.tenant.management_keys = vec![key(GLOBEX_KEY)];
        for data in [&mut setup.acme, &mut setup.globex] {
            let worker = client_of(data, "worker");
            worker.authentication = ClientAuthentication::Secret(SecretDigest::of(&"s3cret".into()));
            worker.management_scopes =
                ["read:users", "update:users", "read:clients"].map(str::to_owned).into();
        }
        change(setup);
    })
}

/// The parameters of a good request, with these changes.
fn asked(changes: Value) -> Map<String, Value> {
    let mut parameters = object(json!({
        "grant_type": "client_credentials", "client_id": "worker", "client_secret": "s3cret", "audience": AUDIENCE,
    }));
    parameters.extend(object(changes));
    parameters
}

/// A token that `worker` gets.
fn issued(test: &TestEngine, changes: Value) -> String {
    let reply = test.exchange(asked(changes));
    let locum_engine::Credential::Bearer { token, .. } = &reply.issued().issued.credential else {
        panic!("it is a token")
    };
    token.clone()
}

/// The claims of a token of `worker` that is accepted, with these changes; a `null` takes a claim out.
fn claims(changes: Value) -> Value {
    let mut claims = json!({
        "iss": format!("https://{ACME}/"), "sub": "worker@clients", "aud": AUDIENCE, "iat": NOW, "exp": NOW + 60,
        "azp": "worker", "gty": "client-credentials", "scope": "read:users read:clients", "jti": "1",
    });
    let members = claims.as_object_mut().unwrap();
    members.extend(object(changes));
    members.retain(|_, value| !value.is_null());
    claims
}

fn signed(changes: Value) -> String {
    hs256_by(KEY, HEADER, &claims(changes))
}

fn operator_token(test: &TestEngine, domain: &str, scope: Option<&str>) -> String {
    let tenant = tenant_at(&*test.directory, domain).unwrap().unwrap();
    let token = OperatorToken {
        tenant: tenant.tenant(),
        scope,
        issued_at: NOW,
        lifetime_seconds: 300,
        entropy: [7; 32],
    };
    token.mint().unwrap().expose().to_owned()
}

fn caller_at(
    test: &TestEngine,
    host: &str,
    token: Option<&str>,
) -> Result<ManagementCaller, ManagementTokenError> {
    finished(test.engine.management_caller(tenant_at(&*test.directory, host), token))
}

fn caller_of(test: &TestEngine, token: &str) -> Result<ManagementCaller, ManagementTokenError> {
    caller_at(test, ACME, Some(token))
}

/// Why a token is refused.
fn refused(test: &TestEngine, token: &str) -> String {
    caller_of(test, token).unwrap_err().to_string()
}
