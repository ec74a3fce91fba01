//! How long: what is asked for, within what the issuer, the tenant and the subject token allow.

use locum_abi::manifest::{Lifetime, LifetimeSetting};
use locum_engine::model::AddOn;
use serde_json::{Value, json};

use locum_testing::{TestEngine, TestSetup, good, object};

/// Who says what about a life, in seconds where nothing else is said.
struct Said {
    /// The stored setting `expiration`.
    setting: Value,
    /// How many seconds one of its units has.
    unit: u64,
    /// The issuer's minimum, default and maximum.
    issuer: (u64, u64, u64),
    /// The tenant's ceiling.
    ceiling: Option<u64>,
    /// Whether the subject token, which has five minutes left, is a cap.
    capped: bool,
}

const USUAL: Said =
    Said { setting: Value::Null, unit: 1, issuer: (60, 3600, 36_000), ceiling: None, capped: false };

impl Said {
    fn to(self, setup: &mut TestSetup) {
        let (minimum_seconds, default_seconds, maximum_seconds) = self.issuer;
        let setting = Some(LifetimeSetting { name: "expiration".to_owned(), unit_seconds: self.unit });
        setup.issuers.manifest("app").lifetime =
            Lifetime { minimum_seconds, default_seconds, maximum_seconds, setting };
        let mut settings = object(json!({"expiration": self.setting}));
        settings.retain(|_, value| !value.is_null());
        setup.client("caller").app = AddOn::new("app", settings);
        setup.acme.tenant.delegation.lifetime_ceiling_seconds = self.ceiling;
        setup.acme.tenant.delegation.cap_to_subject_exp = self.capped;
    }

    fn granted(self) -> u64 {
        let test = TestEngine::with(|setup| self.to(setup));
        assert_eq!(test.delegate(good()).summary(), "issued");
        test.script.last_grant().lifetime_seconds
    }

    fn refused(self) -> (String, Option<String>) {
        let test = TestEngine::with(|setup| self.to(setup));
        let reply = test.delegate(good());
        assert!(test.script.grants().is_empty());
        (reply.summary(), reply.refusal().inside().map(str::to_owned))
    }
}

#[test]
fn the_setting_is_read_in_its_own_unit() {
    assert_eq!(Said { setting: json!(120), ..USUAL }.granted(), 120);
    assert_eq!(Said { setting: json!(5), unit: 60, ..USUAL }.granted(), 300);
}

#[test]
fn without_a_setting_the_issuers_default_is_granted() {
    assert_eq!(USUAL.granted(), 3600);
    assert_eq!(Said { unit: 60, ..USUAL }.granted(), 3600);
}

#[test]
fn the_shortest_limit_is_granted() {
    assert_eq!(Said { setting: json!(36_001), ..USUAL }.granted(), 36_000);
    assert_eq!(Said { setting: json!(u64::MAX), unit: 60, ..USUAL }.granted(), 36_000);
    assert_eq!(Said { ceiling: Some(600), ..USUAL }.granted(), 600);
    assert_eq!(Said { ceiling: Some(36_000), ..USUAL }.granted(), 3600);
    assert_eq!(Said { setting: json!(400), ceiling: Some(600), capped: true, ..USUAL }.granted(), 300);
    assert_eq!(Said { setting: json!(200), ceiling: Some(600), capped: true, ..USUAL }.granted(), 200);
}

#[test]
fn the_subject_token_limits_the_lifetime_only_if_the_tenant_says_so() {
    assert_eq!(Said { capped: false, ..USUAL }.granted(), 3600);
    assert_eq!(Said { capped: true, ..USUAL }.granted(), 300);
}

#[test]
fn a_lifetime_below_the_issuers_minimum_is_an_internal_error() {
    for said in [
        Said { setting: json!(59), ..USUAL },
        Said { setting: json!(0), ..USUAL },
        Said { ceiling: Some(59), ..USUAL },
        Said { ceiling: Some(0), ..USUAL },
    ] {
        let (summary, inside) = said.refused();
        assert_eq!(summary, "500 server_error internal error; reference 0000000000000001");
        assert!(inside.unwrap().contains("the issuer's minimum is 60 s"));
    }
    assert_eq!(Said { setting: json!(60), ..USUAL }.granted(), 60);
}

#[test]
fn a_subject_token_that_expires_before_the_minimum_is_refused() {
    let (summary, _) = Said { issuer: (301, 3600, 36_000), capped: true, ..USUAL }.refused();
    assert_eq!(summary, "400 invalid_grant id_token expires too soon for this api_type");
    assert_eq!(Said { issuer: (300, 3600, 36_000), capped: true, ..USUAL }.granted(), 300);
    // Within the leeway there is nothing left to be capped to.
    let test = TestEngine::with(|setup| {
        Said { capped: true, ..USUAL }.to(setup);
        setup.acme.tenant.delegation.leeway_seconds = 600;
    });
    test.clock.advance(400);
    assert_eq!(
        test.delegate(good()).summary(),
        "400 invalid_grant id_token expires too soon for this api_type"
    );
}

#[test]
fn no_request_parameter_sets_the_lifetime() {
    let test = TestEngine::with(|setup| Said { setting: json!(120), ..USUAL }.to(setup));
    for name in ["expiration", "lifetime_in_seconds", "lifetime_seconds", "exp", "expires_in"] {
        let mut asked = good();
        asked.insert(name.to_owned(), json!(36_000));
        assert_eq!(test.delegate(asked).summary(), "issued");
        assert_eq!(test.script.last_grant().lifetime_seconds, 120, "{name}");
    }
}
