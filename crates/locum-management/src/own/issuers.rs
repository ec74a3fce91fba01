//! `/locum/issuers`: the issuers besides the tenant whose tokens it accepts, and how it fares with their keys.

use locum_engine::model::{IssuerKeySource, KeyLocation};
use serde_json::Value;

use crate::answer::Answer;
use crate::body::Members;
use crate::call::Call;
use crate::endpoint::{Changes, Endpoint, Method};
use crate::error::ApiError;
use crate::moment::time;
use crate::schema::Schema;
use crate::server_view::IssuerKeysView;

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint {
    operation: "list_issuers",
    method: Method::Get,
    path: "/locum/issuers",
    summary: "Lists the tenant's former and trusted issuers, with what this server knows of their keys.",
    changes: Changes::Nothing,
    scope: "read:locum_issuers",
    query: &[],
    body: None,
    success: (200, Some(Schema::Issuers)),
    handler: |call| Box::pin(list(call)),
}];

async fn list(call: Call) -> Result<Answer, ApiError> {
    let tenant = call.caller.tenant().tenant();
    let former = tenant.former_issuers.iter().map(|former| ("former", &former.issuer, former.keys.as_ref()));
    let trusted =
        tenant.trusted_issuers.iter().map(|trusted| ("trusted", &trusted.issuer, Some(&trusted.keys)));
    let shown = former.chain(trusted).map(|(kind, issuer, keys)| shown(&call, kind, issuer, keys));
    Ok(Answer::of(shown.map(Value::Object).collect()))
}

fn shown(call: &Call, kind: &str, issuer: &str, keys: Option<&IssuerKeySource>) -> Members {
    let mut shown = Members::new();
    shown.insert("issuer".to_owned(), issuer.into());
    shown.insert("kind".to_owned(), kind.into());
    let source = match keys {
        None => "none",
        Some(IssuerKeySource::Set(_)) => "tenant",
        Some(IssuerKeySource::Remote(remote)) => match remote.location {
            KeyLocation::JwkSet(_) => "jwks_uri",
            KeyLocation::Discovery(_) => "discovery",
        },
        Some(_) => "other",
    };
    shown.insert("keys".to_owned(), source.into());
    let remote = call.caller.tenant().remote_issuers().find(|remote| remote.issuer() == issuer);
    let Some(remote) = remote else { return shown };
    shown.insert("keys_url".to_owned(), remote.keys().location.url().to_string().into());
    let known = call.service.server.issuer_keys(remote);
    let state = match &known {
        None => "not_needed",
        Some(IssuerKeysView { failure: Some(_), .. }) => "failing",
        Some(IssuerKeysView { age: Some(_), .. }) => "fetched",
        Some(_) => "fetching",
    };
    shown.insert("keys_state".to_owned(), state.into());
    let IssuerKeysView { age, failure } = known.unwrap_or(IssuerKeysView { age: None, failure: None });
    if let Some(age) = age {
        let age = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
        let fetched = call.record.at_unix_seconds().saturating_sub(age);
        shown.insert("keys_fetched_at".to_owned(), time(fetched).into());
    }
    if let Some(failure) = failure {
        shown.insert("keys_failure".to_owned(), failure.into());
    }
    shown
}
