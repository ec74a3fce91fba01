//! The granted lifetime: that of the setting, within the limits of issuer, tenant and subject token.

use locum_abi::manifest::{Lifetime, LifetimeSetting};
use locum_engine::model::AddOn;
use serde_json::{Value, json};

use locum_testing::{TestEngine, TestSetup, good, object};

/// Everything that determines a lifetime. Times are in seconds unless stated.
struct LifetimeSetup {
    /// The stored setting `expiration`.
    setting: Value,
    /// The seconds in one unit of the setting.
    unit: u64,
    /// The issuer's minimum, default and maximum.
    issuer: (u64, u64, u64),
    /// The tenant's ceiling.
    ceiling: Option<u64>,
    /// Whether the subject token, which expires in five minutes, limits the lifetime.
    capped: bool,
}

const USUAL: LifetimeSetup =
    LifetimeSetup { setting: Value::Null, unit: 1, issuer: (60, 3600, 36_000), ceiling: None, capped: false };

impl LifetimeSetup {
    fn apply(self, setup: &mut TestSetup) {
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
        let test = TestEngine::with(|setup| self.apply(setup));
        assert_eq!(test.delegate(good()).summary(), "issued");
        test.script.last_grant().lifetime_seconds
    }

    fn refused(self) -> (String, Option<String>) {
        let test = TestEngine::with(|setup| self.apply(setup));
        let reply = test.delegate(good());
        assert!(test.script.grants().is_empty());
        (reply.summary(), reply.refusal().inside().map(str::to_owned))
    }
}

#[test]
fn the_setting_is_read_in_its_own_unit() {
    assert_eq!(LifetimeSetup { setting: json!(120), ..USUAL }.granted(), 120);
    assert_eq!(LifetimeSetup { setting: json!(5), unit: 60, ..USUAL }.granted(), 300);
}

#[test]
fn without_a_setting_the_issuers_default_is_granted() {
    assert_eq!(USUAL.granted(), 3600);
    assert_eq!(LifetimeSetup { unit: 60, ..USUAL }.granted(), 3600);
}

#[test]
fn the_shortest_limit_is_granted() {
    assert_eq!(LifetimeSetup { setting: json!(36_001), ..USUAL }.granted(), 36_000);
    assert_eq!(LifetimeSetup { setting: json!(u64::MAX), unit: 60, ..USUAL }.granted(), 36_000);
    assert_eq!(LifetimeSetup { ceiling: Some(600), ..USUAL }.granted(), 600);
    assert_eq!(LifetimeSetup { ceiling: Some(36_000), ..USUAL }.granted(), 3600);
    assert_eq!(
        LifetimeSetup { setting: json!(400), ceiling: Some(600), capped: true, ..USUAL }.granted(),
        300
    );
    assert_eq!(
        LifetimeSetup { setting: json!(200), ceiling: Some(600), capped: true, ..USUAL }.granted(),
        200
    );
}

#[test]
fn the_subject_token_limits_the_lifetime_only_if_the_tenant_says_so() {
    assert_eq!(LifetimeSetup { capped: false, ..USUAL }.granted(), 3600);
    assert_eq!(LifetimeSetup { capped: true, ..USUAL }.granted(), 300);
}

#[test]
fn a_lifetime_below_the_issuers_minimum_is_an_internal_error() {
    for lifetime_setup in [
        LifetimeSetup { setting: json!(59), ..USUAL },
        LifetimeSetup { setting: json!(0), ..USUAL },
        LifetimeSetup { ceiling: Some(59), ..USUAL },
        LifetimeSetup { ceiling: Some(0), ..USUAL },
    ] {
        let (summary, inside) = lifetime_setup.refused();
        assert_eq!(summary, "500 server_error internal error; reference 0000000000000001");
        assert!(inside.unwrap().contains("the issuer's minimum is 60 s"));
    }
    assert_eq!(LifetimeSetup { setting: json!(60), ..USUAL }.granted(), 60);
}

#[test]
fn a_subject_token_that_expires_before_the_minimum_is_refused() {
    let (summary, _) = LifetimeSetup { issuer: (301, 3600, 36_000), capped: true, ..USUAL }.refused();
    assert_eq!(summary, "400 invalid_grant id_token expires too soon for this api_type");
    assert_eq!(LifetimeSetup { issuer: (300, 3600, 36_000), capped: true, ..USUAL }.granted(), 300);
    // A token within the leeway has no lifetime left.
    let test = TestEngine::with(|setup| {
        LifetimeSetup { capped: true, ..USUAL }.apply(setup);
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
    let test = TestEngine::with(|setup| LifetimeSetup { setting: json!(120), ..USUAL }.apply(setup));
    for name in ["expiration", "lifetime_in_seconds", "lifetime_seconds", "exp", "expires_in"] {
        let mut parameters = good();
        parameters.insert(name.to_owned(), json!(36_000));
        assert_eq!(test.delegate(parameters).summary(), "issued");
        assert_eq!(test.script.last_grant().lifetime_seconds, 120, "{name}");
    }
}
