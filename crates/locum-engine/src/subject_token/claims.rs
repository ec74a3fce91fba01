//! The check of a subject token's claims (RFC 7519 section 4.1). A claim that is absent or of the wrong type is refused.

use std::collections::BTreeMap;

use crate::limits::{FUTURE_SECONDS_MAX, USER_ID_BYTES_MAX};
use crate::model::{Audiences, TokenType, UserIdRule};
use crate::strict_json::{Members, Node};

/// Claims about the token itself, not about the user: they are no attributes. The last five are of token exchange (RFC
/// 8693 section 4) and of the session.
const OF_THE_TOKEN: [&str; 16] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "nonce",
    "at_hash",
    "c_hash",
    "act",
    "may_act",
    "scope",
    "client_id",
    "auth_time",
];

/// Whether a claim of this name is about the token itself.
pub(crate) fn is_of_the_token(name: &str) -> bool {
    OF_THE_TOKEN.contains(&name)
}

/// The user of a verified subject token.
#[derive(Debug)]
pub(crate) struct Subject<'t> {
    /// `sub`, or what the issuer's [rule](UserIdRule) makes of the token.
    pub(crate) user_id: String,
    /// `exp`, in unix seconds.
    pub(crate) expires_at: i64,
    /// When the user signed in, in unix seconds: the earlier of `auth_time` and `iat`.
    pub(crate) signed_in_at: i64,
    /// The client at whose request the token was issued: `azp`, or `client_id` of an access token.
    pub(crate) authorized_party: Option<String>,
    /// The words of `scope`, if the token has it.
    pub(crate) scope: Option<Vec<String>>,
    /// Whether the token is the tenant's own, or of a former issuer.
    pub(crate) is_tenants: bool,
    /// All claims of the token.
    pub(crate) claims: Members<'t>,
}

impl Subject<'_> {
    /// `iss`.
    pub(crate) fn issuer(&self) -> &str {
        self.claims.get("iss").and_then(Node::as_text).unwrap_or_default()
    }

    /// `sub`, which is the user's id only if the token is the tenant's.
    pub(crate) fn sub(&self) -> &str {
        self.claims.get("sub").and_then(Node::as_text).unwrap_or_default()
    }
}

/// What the claims of a token must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation<'a> {
    /// What the token is.
    pub(crate) token_type: TokenType,
    /// The exact `iss`.
    pub(crate) issuer: &'a str,
    /// The client that presents the token. It must be in `aud`, unless the issuer's rules list others.
    pub(crate) client_id: &'a str,
    /// The rules of an issuer that is not the tenant.
    pub(crate) foreign: Option<ForeignRules<'a>>,
    /// The time, in unix seconds.
    pub(crate) now: i64,
    /// For how many seconds after its `exp` a token is accepted.
    pub(crate) leeway_seconds: i64,
}

/// What is particular to a trusted issuer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ForeignRules<'a> {
    pub(crate) audiences: &'a Audiences,
    pub(crate) user_id: &'a UserIdRule,
    /// Our name of a claim, and the issuer's.
    pub(crate) claims: &'a BTreeMap<String, String>,
}

impl<'a> ForeignRules<'a> {
    /// The issuer's name of the claim `scope`.
    fn scope(self) -> &'a str {
        self.claims.get("scope").map_or("scope", String::as_str)
    }
}

/// Why a token is refused. Clients receive the texts, after the name of the parameter that the token was sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("has no {0} claim")]
    Missing(&'static str),
    #[error("has a {0} claim of the wrong type")]
    WrongType(&'static str),
    #[error("has a sub claim that is empty, longer than {USER_ID_BYTES_MAX} bytes or has control characters")]
    UnusableSubject,
    #[error("does not have the claim that names the user of its issuer, or not as a text")]
    NoUserId,
    #[error("has an issuer that is not trusted here")]
    IssuerMismatch,
    #[error("was issued to another client")]
    AudienceMismatch,
    #[error("has expired")]
    Expired,
    #[error("is not valid yet")]
    NotYetValid,
}

/// Checks `iss`, `aud`, `exp`, `iat` and `sub`, of an access token `client_id` and `jti` too, and of `nbf`, `auth_time`,
/// `azp` and `scope` those that the token has.
pub(crate) fn check<'t>(claims: Members<'t>, expected: Expectation<'_>) -> Result<Subject<'t>, ClaimError> {
    if text(&claims, "iss")? != expected.issuer {
        return Err(ClaimError::IssuerMismatch);
    }
    check_audience(&claims, &expected)?;
    let expires_at = seconds(&claims, "exp")?;
    if expected.now >= expires_at.saturating_add(expected.leeway_seconds) {
        return Err(ClaimError::Expired);
    }
    let latest_start = expected.now.saturating_add(FUTURE_SECONDS_MAX);
    let issued_at = seconds(&claims, "iat")?;
    let valid_from = optional_seconds(&claims, "nbf")?;
    let authenticated_at = optional_seconds(&claims, "auth_time")?;
    if [Some(issued_at), valid_from, authenticated_at].into_iter().flatten().any(|time| time > latest_start) {
        return Err(ClaimError::NotYetValid);
    }
    let user_id = user_id(&claims, expected.foreign)?;
    let authorized_party = match expected.token_type {
        TokenType::IdToken => optional_text(&claims, "azp")?,
        TokenType::AccessToken => {
            text(&claims, "jti")?;
            Some(text(&claims, "client_id")?)
        }
    };
    let scope = scope(&claims, expected.foreign.map_or("scope", ForeignRules::scope))?;
    Ok(Subject {
        authorized_party: authorized_party.map(str::to_owned),
        scope,
        user_id,
        expires_at,
        signed_in_at: authenticated_at.map_or(issued_at, |time| time.min(issued_at)),
        is_tenants: expected.foreign.is_none(),
        claims: match expected.foreign {
            Some(rules) => renamed(claims, rules.claims),
            None => claims,
        },
    })
}

/// The audience may be a string or an array. If there are several, the client must also be the authorised party (OpenID
/// Connect Core section 3.1.3.7), unless the issuer's rules list the audiences.
fn check_audience(claims: &Members<'_>, expected: &Expectation<'_>) -> Result<(), ClaimError> {
    let one;
    let audiences = match claims.get("aud") {
        None => return Err(ClaimError::Missing("aud")),
        Some(Node::List(audiences)) => audiences.as_slice(),
        Some(audience) => {
            one = [audience.clone()];
            &one
        }
    };
    if audiences.iter().any(|audience| audience.as_text().is_none()) {
        return Err(ClaimError::WrongType("aud"));
    }
    let names = |name: &str| audiences.iter().any(|audience| audience.as_text() == Some(name));
    let is_for_whom_it_must_be = match expected.foreign.map(|rules| rules.audiences) {
        Some(Audiences::Listed(listed)) => listed.iter().any(|audience| names(audience)),
        None | Some(Audiences::CallingClient) => {
            names(expected.client_id)
                && (audiences.len() == 1 || text(claims, "azp").is_ok_and(|azp| azp == expected.client_id))
        }
    };
    if is_for_whom_it_must_be { Ok(()) } else { Err(ClaimError::AudienceMismatch) }
}

/// The id of the user here. Every token has a `sub`.
fn user_id(claims: &Members<'_>, foreign: Option<ForeignRules<'_>>) -> Result<String, ClaimError> {
    let subject = text(claims, "sub")?;
    let (value, user_id) = match foreign {
        None => (subject, subject.to_owned()),
        Some(ForeignRules { user_id: UserIdRule { prefix, claim, .. }, .. }) => {
            let value = claims.get(claim).and_then(Node::as_text).ok_or(ClaimError::NoUserId)?;
            (value, format!("{prefix}{value}"))
        }
    };
    if value.is_empty() || user_id.len() > USER_ID_BYTES_MAX || user_id.chars().any(char::is_control) {
        return Err(ClaimError::UnusableSubject);
    }
    Ok(user_id)
}

/// The claims by our names. A claim whose name is ours for another one of the issuer's is dropped.
fn renamed<'t>(mut claims: Members<'t>, names: &BTreeMap<String, String>) -> Members<'t> {
    let values: Vec<_> = names.values().map(|theirs| claims.get(theirs).cloned()).collect();
    for (ours, value) in names.keys().zip(values) {
        claims.remove(ours);
        if let Some(value) = value {
            let added = claims.add(ours.clone(), value);
            debug_assert!(added.is_ok(), "it was just removed");
        }
    }
    claims
}

fn optional_text<'c>(claims: &'c Members<'_>, name: &'static str) -> Result<Option<&'c str>, ClaimError> {
    if claims.get(name).is_some() { text(claims, name).map(Some) } else { Ok(None) }
}

/// The words of the claim that the issuer calls so: a text (RFC 8693 section 4.2), or a list as some issuers write it.
fn scope(claims: &Members<'_>, name: &str) -> Result<Option<Vec<String>>, ClaimError> {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    match claims.get(name) {
        None => Ok(None),
        Some(Node::Text(text)) => Ok(Some(words(text))),
        Some(Node::List(items)) => {
            let texts: Option<Vec<&str>> = items.iter().map(Node::as_text).collect();
            texts
                .map(|texts| Some(texts.into_iter().flat_map(words).collect()))
                .ok_or(ClaimError::WrongType("scope"))
        }
        Some(_) => Err(ClaimError::WrongType("scope")),
    }
}

/// The claim of this name, which must be a text.
pub(crate) fn text<'c>(claims: &'c Members<'_>, name: &'static str) -> Result<&'c str, ClaimError> {
    match claims.get(name) {
        None => Err(ClaimError::Missing(name)),
        Some(Node::Text(text)) => Ok(text),
        Some(_) => Err(ClaimError::WrongType(name)),
    }
}

/// A NumericDate (RFC 7519 section 2) in unix seconds. A fraction is cut off.
pub(crate) fn seconds(claims: &Members<'_>, name: &'static str) -> Result<i64, ClaimError> {
    let Node::Number(date) = claims.get(name).ok_or(ClaimError::Missing(name))? else {
        return Err(ClaimError::WrongType(name));
    };
    let whole =
        date.as_i64().or_else(|| date.as_f64().filter(|date| date.abs() < 1e15).map(|date| date as i64));
    whole.ok_or(ClaimError::WrongType(name))
}

/// A NumericDate that may be absent.
pub(crate) fn optional_seconds(claims: &Members<'_>, name: &'static str) -> Result<Option<i64>, ClaimError> {
    if claims.get(name).is_some() { seconds(claims, name).map(Some) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_900_000_000;

    fn good() -> Value {
        json!({
            "iss": "https://acme.example.com/", "aud": "caller", "sub": "auth0|alice",
            "iat": NOW - 10, "exp": NOW + 10,
        })
    }

    /// The user's id, and when the user signed in.
    fn checked(claims: Value) -> Result<(String, i64), ClaimError> {
        let issuer = "https://acme.example.com/";
        let claims = claims.as_object().unwrap().into();
        check(
            claims,
            Expectation {
                token_type: TokenType::IdToken,
                issuer,
                client_id: "caller",
                foreign: None,
                now: NOW,
                leeway_seconds: 0,
            },
        )
        .map(|subject| (subject.user_id, subject.signed_in_at))
    }

    fn with(name: &str, value: Value) -> Result<(String, i64), ClaimError> {
        let mut claims = good();
        claims[name] = value;
        checked(claims)
    }

    #[test]
    fn a_good_token_names_its_user() {
        assert_eq!(checked(good()).unwrap().0, "auth0|alice");
    }

    #[test]
    fn each_claim_that_is_absent_is_refused() {
        for name in ["iss", "aud", "sub", "iat", "exp"] {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(name);
            assert_eq!(checked(claims).unwrap_err(), ClaimError::Missing(name));
        }
    }

    #[test]
    fn a_claim_of_the_wrong_type_does_not_count_as_absent() {
        for name in ["iss", "aud", "sub", "iat", "exp", "nbf", "auth_time", "azp"] {
            for value in [json!(null), json!(true), json!({}), json!([7])] {
                assert_eq!(with(name, value).unwrap_err(), ClaimError::WrongType(name), "{name}");
            }
        }
        assert_eq!(with("exp", json!((NOW + 10).to_string())).unwrap_err(), ClaimError::WrongType("exp"));
        assert_eq!(with("aud", json!(7)).unwrap_err(), ClaimError::WrongType("aud"));
    }

    #[test]
    fn a_token_expires_at_its_exp() {
        assert!(with("exp", json!(NOW + 1)).is_ok());
        assert_eq!(with("exp", json!(NOW)).unwrap_err(), ClaimError::Expired);
    }

    #[test]
    fn a_date_may_have_a_fraction_and_must_be_one_that_seconds_can_count() {
        assert!(with("exp", json!(NOW as f64 + 10.5)).is_ok());
        assert_eq!(with("exp", json!(NOW as f64 + 0.5)).unwrap_err(), ClaimError::Expired);
        assert!(with("exp", json!(1e15 - 1.0)).is_ok());
        for date in [1e15, -1e15, 1e300] {
            assert_eq!(with("exp", json!(date)).unwrap_err(), ClaimError::WrongType("exp"), "{date}");
        }
    }

    #[test]
    fn a_token_from_the_future_is_refused() {
        for name in ["iat", "nbf", "auth_time"] {
            assert!(with(name, json!(NOW + FUTURE_SECONDS_MAX)).is_ok());
            assert_eq!(with(name, json!(NOW + FUTURE_SECONDS_MAX + 1)).unwrap_err(), ClaimError::NotYetValid);
        }
    }

    #[test]
    fn the_issuer_must_match_exactly() {
        for issuer in ["https://acme.example.com", "https://ACME.example.com/", "http://acme.example.com/"] {
            assert_eq!(with("iss", json!(issuer)).unwrap_err(), ClaimError::IssuerMismatch);
        }
    }

    #[test]
    fn an_audience_may_be_a_string_or_an_array() {
        assert!(with("aud", json!(["caller"])).is_ok());
        for other in [json!("other"), json!(["other"]), json!([]), json!("caller ")] {
            assert_eq!(with("aud", other).unwrap_err(), ClaimError::AudienceMismatch);
        }
    }

    #[test]
    fn of_several_audiences_only_the_authorised_party_may_use_the_token() {
        let mut claims = good();
        claims["aud"] = json!(["other", "caller"]);
        assert_eq!(checked(claims.clone()).unwrap_err(), ClaimError::AudienceMismatch);
        claims["azp"] = json!("other");
        assert_eq!(checked(claims.clone()).unwrap_err(), ClaimError::AudienceMismatch);
        claims["azp"] = json!("caller");
        assert!(checked(claims).is_ok());
    }

    #[test]
    fn a_user_id_with_control_characters_is_refused() {
        for sub in ["", "a\nb", "a\u{0}", &"x".repeat(256)] {
            assert_eq!(with("sub", json!(sub)).unwrap_err(), ClaimError::UnusableSubject);
        }
        assert!(with("sub", json!("x".repeat(255))).is_ok());
    }

    #[test]
    fn the_user_signed_in_at_the_earlier_of_auth_time_and_iat() {
        assert_eq!(checked(good()).unwrap().1, NOW - 10);
        assert_eq!(with("auth_time", json!(NOW - 100)).unwrap().1, NOW - 100);
        assert_eq!(with("auth_time", json!(NOW)).unwrap().1, NOW - 10);
    }

    /// The user's id and the claims by the rules of a trusted issuer.
    fn foreign(
        claims: &Value,
        audiences: &Audiences,
        user_id: &str,
        names: &[(&str, &str)],
    ) -> Result<(String, Value), ClaimError> {
        let user_id = user_id.parse().unwrap();
        let names = names.iter().map(|(ours, theirs)| ((*ours).to_owned(), (*theirs).to_owned())).collect();
        let rules = ForeignRules { audiences, user_id: &user_id, claims: &names };
        let issuer = "https://acme.example.com/";
        let expected = Expectation {
            token_type: TokenType::IdToken,
            issuer,
            client_id: "caller",
            foreign: Some(rules),
            now: NOW,
            leeway_seconds: 0,
        };
        check(claims.as_object().unwrap().into(), expected)
            .map(|subject| (subject.user_id, Node::Object(subject.claims).to_value()))
    }

    #[test]
    fn the_user_of_a_trusted_issuer_is_named_by_its_rule() {
        let with = |changes: Value| {
            let mut claims = good();
            claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            claims
        };
        let named = |changes: Value, rule: &str| {
            foreign(&with(changes), &Audiences::CallingClient, rule, &[]).map(|(user_id, _)| user_id)
        };
        assert_eq!(named(json!({}), "corp|{sub}").unwrap(), "corp|auth0|alice");
        assert_eq!(named(json!({"oid": "7"}), "{oid}").unwrap(), "7");
        for (changes, rule, error) in [
            (json!({}), "corp|{oid}", ClaimError::NoUserId),
            (json!({"oid": 7}), "corp|{oid}", ClaimError::NoUserId),
            (json!({"oid": ""}), "corp|{oid}", ClaimError::UnusableSubject),
            (json!({"oid": "x".repeat(251)}), "corp|{oid}", ClaimError::UnusableSubject),
            (json!({"oid": "a\nb"}), "corp|{oid}", ClaimError::UnusableSubject),
            (json!({"sub": null, "oid": "7"}), "corp|{oid}", ClaimError::WrongType("sub")),
        ] {
            assert_eq!(named(changes.clone(), rule).unwrap_err(), error, "{changes}");
        }
        assert!(named(json!({"oid": "x".repeat(250)}), "corp|{oid}").is_ok());
    }

    #[test]
    fn listed_audiences_take_the_place_of_the_calling_client() {
        let listed = Audiences::Listed(vec!["api://a".to_owned(), "api://b".to_owned()]);
        for (audience, is_listed, is_callers) in [
            (json!("api://a"), true, false),
            (json!(["other", "api://b"]), true, false),
            (json!("caller"), false, true),
            (json!(["caller", "other"]), false, false),
            (json!("api://c"), false, false),
            (json!([]), false, false),
        ] {
            let mut claims = good();
            claims["aud"] = audience.clone();
            for (audiences, expected) in [(&listed, is_listed), (&Audiences::CallingClient, is_callers)] {
                let checked = foreign(&claims, audiences, "{sub}", &[]).map(drop);
                let expected = if expected { Ok(()) } else { Err(ClaimError::AudienceMismatch) };
                assert_eq!(checked, expected, "{audience} {audiences:?}");
            }
        }
    }

    #[test]
    fn claims_are_found_by_our_names() {
        let mut claims = good();
        claims["mail"] = json!("alice@example.com");
        claims["email"] = json!("another@example.com");
        claims["a"] = json!(1);
        claims["b"] = json!(2);
        let names = [("email", "mail"), ("a", "b"), ("b", "a"), ("name", "displayName")];
        let (_, found) = foreign(&claims, &Audiences::CallingClient, "{sub}", &names).unwrap();
        assert_eq!((&found["email"], &found["mail"]), (&json!("alice@example.com"), &claims["mail"]));
        assert_eq!((&found["a"], &found["b"]), (&json!(2), &json!(1)));
        claims["name"] = json!("Alice");
        let (_, found) = foreign(&claims, &Audiences::CallingClient, "{sub}", &names).unwrap();
        assert_eq!(found.get("name"), None, "the issuer says that another claim is the name");
    }
}
