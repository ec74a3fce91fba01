//! Properties of requests: leaving out, reordering or adding what is optional never gives more than was there to be had.

mod known_user;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use serde_json::{Map, Value, json};

use known_user::{known_user, optional, scope};
use locum_testing::{TestEngine, good_with, object};

fn is_subset(small: &Map<String, Value>, large: &Map<String, Value>) -> bool {
    small.iter().all(|(name, value)| large.get(name) == Some(value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// No claim is widened: each is known of the user, selected by a word of the scope, and none is the token's own.
    #[test]
    fn claims_are_what_scope_selects_of_what_is_known(user in known_user(), scope in scope()) {
        let scope = scope.join(" ");
        let changes = object(json!({"scope": scope, "api_type": "app"}));
        let grant = user.outcome(user.request(&changes)).unwrap();
        let asked = if scope.is_empty() { "openid" } else { &scope };
        let selectable = user.selectable(asked);
        let expected: Map<String, Value> =
            selectable.iter().filter_map(|name| Some((name.clone(), user.value(name)?))).collect();
        prop_assert_eq!(&grant.claims, &expected);
        prop_assert!(grant.profile.is_empty());
        prop_assert!(grant.scopes.iter().all(|word| asked.split(' ').any(|asked| asked == word)));
    }

    /// More words never select less, and their order selects nothing.
    #[test]
    fn the_order_of_scopes_has_no_effect_and_fewer_scopes_select_no_more(
        user in known_user(), (words, shuffled) in scope().prop_flat_map(|words| (Just(words.clone()), Just(words).prop_shuffle())),
        kept in 0usize..12,
    ) {
        let claims = |words: &[&str]| {
            user.outcome(user.request(&object(json!({"scope": words.join(" "), "api_type": "app"})))).unwrap().claims
        };
        let all = claims(&words);
        prop_assert_eq!(&claims(&shuffled), &all);
        prop_assert!(is_subset(&claims(&words[..kept.min(words.len())]), &all));
    }

    /// A parameter that is left out, or empty, is the same as its default said aloud: `target` the caller, `scope`
    /// `openid`, `api_type` the first add-on of the target and without one the app. So leaving one out opens nothing
    /// that naming it would not.
    #[test]
    fn an_absent_parameter_is_the_same_as_its_default(
        user in known_user(), optional in optional(), dropped in subsequence(vec!["target", "scope", "api_type"], 0..=3),
        is_empty in any::<bool>(),
    ) {
        let mut left_out = optional.clone();
        for name in &dropped {
            if is_empty {
                left_out.insert((*name).to_owned(), json!(""));
            } else {
                left_out.remove(*name);
            }
        }
        let text = |name: &str| left_out.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let target = text("target").unwrap_or("caller").to_owned();
        let api_type = text("api_type").unwrap_or(if target == "storage" { "azure_blob" } else { "app" }).to_owned();
        let mut explicit = left_out.clone();
        explicit.insert("target".to_owned(), json!(target));
        explicit.insert("scope".to_owned(), json!(text("scope").unwrap_or("openid")));
        explicit.insert("api_type".to_owned(), json!(api_type));
        prop_assert_eq!(user.outcome(user.request(&left_out)), user.outcome(user.request(&explicit)));
    }

    /// For one target and one api_type, leaving out anything else gives no claim more, no second longer, nobody else's
    /// audience and no other user; and what was refused is not granted by it.
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

    /// Nobody gets another audience than the target that was named, or the caller itself.
    #[test]
    fn the_audience_is_the_named_target_or_the_caller(user in known_user(), optional in optional()) {
        if let Ok(grant) = user.outcome(user.request(&optional)) {
            let named = optional.get("target").and_then(Value::as_str).unwrap_or("caller");
            prop_assert_eq!(grant.target_id, named);
            prop_assert_eq!(grant.client_id, "caller");
            prop_assert_eq!(grant.user_id, "auth0|alice");
        }
    }

    /// The order of parameters is of no matter.
    #[test]
    fn the_order_of_parameters_has_no_effect(
        user in known_user(),
        (optional, order) in optional().prop_flat_map(|optional| (Just(optional), Just((0..8).collect::<Vec<usize>>()).prop_shuffle())),
    ) {
        let asked = user.request(&optional);
        let members: Vec<(String, Value)> = asked.clone().into_iter().collect();
        let reordered: Map<String, Value> =
            order.iter().filter_map(|at| members.get(*at)).cloned().collect();
        prop_assert_eq!(reordered.len(), asked.len());
        prop_assert_eq!(user.outcome(reordered), user.outcome(asked));
    }

    /// Whatever stands in the parameters, the engine answers and never panics.
    #[test]
    fn parameters_of_any_shape_are_answered(
        name in select(vec!["client_id", "grant_type", "id_token", "refresh_token", "target", "scope", "api_type", "device", "x"]),
        value in prop_oneof![
            "(?s).{0,40}".prop_map(Value::from), any::<i64>().prop_map(Value::from), Just(Value::Null), Just(json!([])),
            Just(json!({"scope": "openid"})), any::<bool>().prop_map(Value::from),
        ],
    ) {
        let reply = TestEngine::new().delegate(good_with(json!({ name: value })));
        if let Err(refusal) = &reply.response.outcome {
            prop_assert!((400..500).contains(&refusal.status()), "{}", reply.summary());
            prop_assert!(!refusal.description().chars().any(char::is_control), "{:?}", refusal.description());
        }
    }
}
