//! Properties of requests: omitting or reordering parameters never grants more.

mod known_user;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use known_user::{known_user, optional, scope};
use locum_testing::{TestEngine, TestSetup, good_with, object};

fn is_subset(small: &Map<String, Value>, large: &Map<String, Value>) -> bool {
    small.iter().all(|(name, value)| large.get(name) == Some(value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Each claim is an attribute of the user that the scope selects, and none is about the token itself.
    #[test]
    fn claims_are_the_known_attributes_that_the_scope_selects(user in known_user(), scope in scope()) {
        let scope = scope.join(" ");
        let changes = object(json!({"scope": scope, "api_type": "app"}));
        let grant = user.outcome(user.request(&changes)).unwrap();
        let requested = if scope.is_empty() { "openid" } else { &scope };
        let selectable = user.selectable(requested);
        let expected: Map<String, Value> =
            selectable.iter().filter_map(|name| Some((name.clone(), user.value(name)?))).collect();
        prop_assert_eq!(&grant.claims, &expected);
        prop_assert!(grant.profile.is_empty());
        prop_assert!(grant.scopes.iter().all(|granted| requested.split(' ').any(|scope| scope == granted)));
    }

    /// Fewer scopes never select more claims, and their order has no effect.
    #[test]
    fn the_order_of_scopes_has_no_effect_and_fewer_scopes_select_no_more(
        user in known_user(), (scopes, shuffled) in scope().prop_flat_map(|scopes| (Just(scopes.clone()), Just(scopes).prop_shuffle())),
        kept in 0usize..12,
    ) {
        let claims = |scopes: &[&str]| {
            user.outcome(user.request(&object(json!({"scope": scopes.join(" "), "api_type": "app"})))).unwrap().claims
        };
        let all = claims(&scopes);
        prop_assert_eq!(&claims(&shuffled), &all);
        prop_assert!(is_subset(&claims(&scopes[..kept.min(scopes.len())]), &all));
    }

    /// An absent or empty parameter has the same effect as its default: for `target` the caller, for `scope` `openid`, for
    /// `api_type` the first add-on of the target, or the app if there is none.
    #[test]
    fn an_absent_parameter_is_the_same_as_its_default(
        user in known_user(), optional in optional(), dropped in subsequence(vec!["target", "scope", "api_type"], 0..=3),
        is_empty in any::<bool>(),
    ) {
        let mut omitted = optional.clone();
        for name in &dropped {
            if is_empty {
                omitted.insert((*name).to_owned(), json!(""));
            } else {
                omitted.remove(*name);
            }
        }
        let text = |name: &str| omitted.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let target = text("target").unwrap_or("caller").to_owned();
        let api_type = text("api_type").unwrap_or(if target == "storage" { "azure_blob" } else { "app" }).to_owned();
        let mut explicit = omitted.clone();
        explicit.insert("target".to_owned(), json!(target));
        explicit.insert("scope".to_owned(), json!(text("scope").unwrap_or("openid")));
        explicit.insert("api_type".to_owned(), json!(api_type));
        prop_assert_eq!(user.outcome(user.request(&omitted)), user.outcome(user.request(&explicit)));
    }

    /// For one target and one api_type, omitting any other parameter grants no additional claim, no longer lifetime, no
    /// other audience and no other user; and a refused request stays refused.
    #[test]
    fn omitting_parameters_other_than_the_target_grants_no_more(
        user in known_user(), optional in optional(),
        dropped in subsequence(vec!["scope", "device", "containerName"], 0..=3),
    ) {
        let mut fewer = optional.clone();
        fewer.retain(|name, _| !dropped.contains(&name.as_str()));
        let (all, fewer) = (user.outcome(user.request(&optional)), user.outcome(user.request(&fewer)));
        match (all, fewer) {
            (Ok(all), Ok(fewer)) => {
                prop_assert!(is_subset(&fewer.claims, &all.claims));
                prop_assert!(is_subset(&fewer.parameters, &all.parameters));
                prop_assert_eq!(fewer.lifetime_seconds, all.lifetime_seconds);
                prop_assert_eq!(fewer.target_id, all.target_id);
                prop_assert_eq!(fewer.client_id, all.client_id);
                prop_assert_eq!(fewer.user_id, all.user_id);
            }
            (all, fewer) => prop_assert_eq!(all.unwrap_err(), fewer.unwrap_err()),
        }
    }

    /// The audience is always the named target or, without one, the caller.
    #[test]
    fn the_audience_is_the_named_target_or_the_caller(user in known_user(), optional in optional()) {
        if let Ok(grant) = user.outcome(user.request(&optional)) {
            let named = optional.get("target").and_then(Value::as_str).unwrap_or("caller");
            prop_assert_eq!(grant.target_id, named);
            prop_assert_eq!(grant.client_id, "caller");
            prop_assert_eq!(grant.user_id, "auth0|alice");
        }
    }

    #[test]
    fn the_order_of_parameters_has_no_effect(
        user in known_user(),
        (optional, order) in optional().prop_flat_map(|optional| (Just(optional), Just((0..8).collect::<Vec<usize>>()).prop_shuffle())),
    ) {
        let parameters = user.request(&optional);
        let members: Vec<(String, Value)> = parameters.clone().into_iter().collect();
        let reordered: Map<String, Value> =
            order.iter().filter_map(|at| members.get(*at)).cloned().collect();
        prop_assert_eq!(reordered.len(), parameters.len());
        prop_assert_eq!(user.outcome(reordered), user.outcome(parameters));
    }

    /// No value of a parameter makes the engine panic or fail.
    #[test]
    fn parameters_of_any_shape_are_answered(
        name in select(vec!["client_id", "grant_type", "id_token", "refresh_token", "target", "scope", "api_type", "device", "x"]),
        value in prop_oneof![
            "(?s).{0,40}".prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null), Just(json!([])),
            Just(json!({"scope": "openid"})), any::<bool>().prop_map(Value::from),
        ],
    ) {
        let reply = TestEngine::with(TestSetup::remove_signing_keys).delegate(good_with(json!({ name: value })));
        if let Err(refusal) = &reply.response.outcome {
            prop_assert!((400..500).contains(&refusal.status()), "{}", reply.summary());
            prop_assert!(!refusal.description().chars().any(char::is_control), "{:?}", refusal.description());
        }
    }
}
