//! The check of a subject token's claims (RFC 7519 section 4.1). A claim that is absent or of the wrong type is refused.

use crate::limits::{FUTURE_SECONDS_MAX, USER_ID_BYTES_MAX};
use crate::strict_json::{Members, Node};

/// The user of a verified subject token.
#[derive(Debug)]
pub(crate) struct Subject<'t> {
    /// `sub`.
    pub(crate) user_id: String,
    /// `exp`, in unix seconds.
    pub(crate) expires_at: i64,
    /// When the user signed in, in unix seconds: the earlier of `auth_time` and `iat`.
    pub(crate) signed_in_at: i64,
    /// `azp`, the client at whose request the token was issued.
    pub(crate) authorized_party: Option<String>,
    /// All claims of the token.
    pub(crate) claims: Members<'t>,
}

/// What the claims of a token must be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expectation<'a> {
    /// The exact `iss`.
    pub(crate) issuer: &'a str,
    /// The client that must be in `aud`.
    pub(crate) audience: &'a str,
    /// The time, in unix seconds.
    pub(crate) now: i64,
    /// For how many seconds after its `exp` a token is accepted.
    pub(crate) leeway_seconds: i64,
}

/// Why a token is refused. Clients receive the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClaimError {
    #[error("id_token has no {0} claim")]
    Missing(&'static str),
    #[error("id_token has a {0} claim of the wrong type")]
    WrongType(&'static str),
    #[error(
        "the sub claim of the id_token must have 1 to {USER_ID_BYTES_MAX} bytes and no control characters"
    )]
    UnusableSubject,
    #[error("the issuer of the id_token is not trusted here")]
    IssuerMismatch,
    #[error("id_token was issued to another client")]
    AudienceMismatch,
    #[error("id_token has expired")]
    Expired,
    #[error("id_token is not valid yet")]
    NotYetValid,
}

/// Checks `iss`, `aud`, `exp`, `iat` and `sub`, and of `nbf`, `auth_time` and `azp` those that the token has.
pub(crate) fn check<'t>(claims: Members<'t>, expected: Expectation<'_>) -> Result<Subject<'t>, ClaimError> {
    if text(&claims, "iss")? != expected.issuer {
        return Err(ClaimError::IssuerMismatch);
    }
    check_audience(&claims, expected.audience)?;
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
    let user_id = text(&claims, "sub")?;
    if user_id.is_empty() || user_id.len() > USER_ID_BYTES_MAX || user_id.chars().any(char::is_control) {
        return Err(ClaimError::UnusableSubject);
    }
    let authorized_party = match claims.get("azp") {
        None => None,
        Some(_) => Some(text(&claims, "azp")?.to_owned()),
    };
    Ok(Subject {
        user_id: user_id.to_owned(),
        expires_at,
        signed_in_at: authenticated_at.map_or(issued_at, |time| time.min(issued_at)),
        authorized_party,
        claims,
    })
}

/// The audience may be a string or an array. If there are several, the client must also be the authorised party (OpenID
/// Connect Core section 3.1.3.7).
fn check_audience(claims: &Members<'_>, client_id: &str) -> Result<(), ClaimError> {
    let found = match claims.get("aud") {
        None => return Err(ClaimError::Missing("aud")),
        Some(Node::Text(audience)) => audience == client_id,
        Some(Node::List(audiences)) => {
            if audiences.iter().any(|audience| audience.as_text().is_none()) {
                return Err(ClaimError::WrongType("aud"));
            }
            let named = audiences.iter().any(|audience| audience.as_text() == Some(client_id));
            named && (audiences.len() == 1 || text(claims, "azp").is_ok_and(|azp| azp == client_id))
        }
        Some(_) => return Err(ClaimError::WrongType("aud")),
    };
    if found { Ok(()) } else { Err(ClaimError::AudienceMismatch) }
}

fn text<'c>(claims: &'c Members<'_>, name: &'static str) -> Result<&'c str, ClaimError> {
    match claims.get(name) {
        None => Err(ClaimError::Missing(name)),
        Some(Node::Text(text)) => Ok(text),
        Some(_) => Err(ClaimError::WrongType(name)),
    }
}

/// A NumericDate (RFC 7519 section 2) in unix seconds. A fraction is cut off.
fn seconds(claims: &Members<'_>, name: &'static str) -> Result<i64, ClaimError> {
    let Node::Number(date) = claims.get(name).ok_or(ClaimError::Missing(name))? else {
        return Err(ClaimError::WrongType(name));
    };
    let whole =
        date.as_i64().or_else(|| date.as_f64().filter(|date| date.abs() < 1e15).map(|date| date as i64));
    whole.ok_or(ClaimError::WrongType(name))
}

fn optional_seconds(claims: &Members<'_>, name: &'static str) -> Result<Option<i64>, ClaimError> {
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
        check(claims, Expectation { issuer, audience: "caller", now: NOW, leeway_seconds: 0 })
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
}
