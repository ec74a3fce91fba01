//! Values that an issuer has the host keep, as `grant.kept` and `presented.kept` have them.

use locum_plugin::prelude::*;
use locum_plugin::testing::{ReadyIssuer, grant, tenant_with_key};

/// Answers with what is kept, and keeps what the request says; fails for `fail`, and forgets all.
struct Notes(Option<PrivateKey>);

#[derive(Deserialize, JsonSchema)]
struct Parameters {
    keep: Option<String>,
    sign: Option<bool>,
}

impl Issuer for Notes {
    type Settings = NoParameters;
    type Parameters = Parameters;

    fn api_types() -> Vec<ApiType> {
        vec![ApiType::text("notes", "notes").keeps().signs_with_tenant_key()]
    }

    fn configure(_: &str, _: NoParameters, tenant: &Tenant) -> Result<Self, Failure> {
        Ok(Self(tenant.signing_key.clone()))
    }

    fn issue(&self, grant: &Grant<Parameters>, _: &[UpstreamReply]) -> Result<IssueAnswer, Failure> {
        let Parameters { keep, sign } = &grant.parameters;
        match keep.as_deref() {
            Some("fail") => {
                grant.kept.forget("note");
                return Err(Failure::internal("as asked"));
            }
            // With a signature the issuer is called twice, and asks twice.
            Some(note) => grant.kept.keep("note", note, grant.now + 60),
            None => {}
        }
        if let (Some(true), Some(key)) = (sign, &self.0) {
            let claims = json!({ "iss": "https://acme.example.com/", "sub": grant.user_id, "aud": "x", "exp": grant.now + 60 });
            grant.sign_jwt(key, Algorithm::RS256, &claims)?;
        }
        Ok(grant.text(grant.kept.get("note").unwrap_or("none").to_owned()))
    }

    fn revoke(&self, presented: &PresentedCredential, _: &[UpstreamReply]) -> Result<RevokeAnswer, Failure> {
        Ok(match presented.kept.get("note") {
            Some(note) if note == presented.text => RevokeAnswer::Revoked,
            _ => RevokeAnswer::AlreadyGone,
        })
    }
}

#[test]
fn what_is_kept_is_there_in_the_next_request_and_not_before() {
    let issuer = ReadyIssuer::configure::<Notes>("notes", json!({}), tenant_with_key()).unwrap();
    let ask = |parameters: Value| issuer.issue_token(&grant(parameters)).map_err(|failure| failure.message);
    assert_eq!(ask(json!({ "keep": "one" })).unwrap(), "none");
    assert_eq!(ask(json!({ "keep": "two", "sign": true })).unwrap(), "one");
    assert_eq!(ask(json!({})).unwrap(), "two");
    assert_eq!(issuer.revoke("two", &[]), Ok(RevokeAnswer::Revoked));
    assert_eq!(issuer.revoke("one", &[]), Ok(RevokeAnswer::AlreadyGone));
    assert_eq!(ask(json!({ "keep": "fail" })).unwrap_err(), "as asked");
    assert_eq!(ask(json!({})).unwrap(), "none");
}
