//! What a credential must be before it leaves the host: of the promised form, and no longer alive than granted.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use locum_abi::answer::{Credential, Issued};
use locum_abi::manifest::CredentialForm;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::limits::{BACKDATING_SECONDS_MAX, CREDENTIAL_BYTES_MAX};

/// How a credential breaks the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CredentialFault {
    #[error("the credential has not the form that the manifest promises")]
    OtherForm,
    #[error("the credential is empty")]
    Empty,
    #[error("the credential is larger than {} KiB", CREDENTIAL_BYTES_MAX >> 10)]
    TooLarge,
    #[error("the credential is an object with a member `error`")]
    AlsoAnError,
    #[error("the credential outlives its grant")]
    OutlivesGrant,
    #[error("the credential has ended already")]
    Ended,
    #[error("the credential's life starts at another time than now")]
    StartsAtAnotherTime,
    #[error("the answer does not say when the token ends")]
    NoEnd,
    #[error("the token is not a signed JWT in its compact form")]
    NotAJwt,
    #[error("the token states other times than the answer")]
    OtherTimes,
}

/// Checks what was issued at `now`, unix seconds, for so many seconds of life.
pub(crate) fn check(
    issued: &Issued,
    form: &CredentialForm,
    now: i64,
    lifetime_seconds: u64,
) -> Result<(), CredentialFault> {
    check_times(issued, now, lifetime_seconds)?;
    match (form, &issued.credential) {
        (CredentialForm::Jwt, Credential::Jwt(token)) => {
            check_size(token)?;
            check_jwt(token, issued)
        }
        (CredentialForm::Text { .. }, Credential::Text(text)) => check_size(text),
        (CredentialForm::Object, Credential::Object(object)) if object.is_empty() => {
            Err(CredentialFault::Empty)
        }
        // A client that looks for `error` first would take it for a refusal, one that does not for a credential.
        (CredentialForm::Object, Credential::Object(object)) if object.contains_key("error") => {
            Err(CredentialFault::AlsoAnError)
        }
        (CredentialForm::Object, Credential::Object(_)) => Ok(()),
        _ => Err(CredentialFault::OtherForm),
    }
}

fn check_times(issued: &Issued, now: i64, lifetime_seconds: u64) -> Result<(), CredentialFault> {
    let earliest = now.saturating_sub(BACKDATING_SECONDS_MAX);
    if !(earliest..=now).contains(&issued.issued_at) {
        return Err(CredentialFault::StartsAtAnotherTime);
    }
    match issued.expires_at {
        Some(end) if end <= now => Err(CredentialFault::Ended),
        Some(end) if end > now.saturating_add_unsigned(lifetime_seconds) => {
            Err(CredentialFault::OutlivesGrant)
        }
        _ => Ok(()),
    }
}

fn check_size(text: &str) -> Result<(), CredentialFault> {
    match text.len() {
        0 => Err(CredentialFault::Empty),
        1..=CREDENTIAL_BYTES_MAX => Ok(()),
        _ => Err(CredentialFault::TooLarge),
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Times {
    iat: Option<i64>,
    exp: i64,
}

/// RFC 7515 section 7.1 and RFC 7519 section 4.1. The signature is the issuer's affair: the host holds no key.
fn check_jwt(token: &str, issued: &Issued) -> Result<(), CredentialFault> {
    let mut parts = token.split('.');
    let (Some(header), Some(payload), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(CredentialFault::NotAJwt);
    };
    let Header { alg } = part(header)?;
    if alg.eq_ignore_ascii_case("none") || signature.is_empty() || !signature.bytes().all(is_base64url) {
        return Err(CredentialFault::NotAJwt);
    }
    let Times { iat, exp } = part(payload)?;
    let end = issued.expires_at.ok_or(CredentialFault::NoEnd)?;
    if exp != end || iat.is_some_and(|iat| iat != issued.issued_at) {
        return Err(CredentialFault::OtherTimes);
    }
    Ok(())
}

fn part<T: DeserializeOwned>(part: &str) -> Result<T, CredentialFault> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| CredentialFault::NotAJwt)?;
    // serde would take an array for a struct as well.
    if !json.starts_with(b"{") {
        return Err(CredentialFault::NotAJwt);
    }
    serde_json::from_slice(&json).map_err(|_| CredentialFault::NotAJwt)
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const NOW: i64 = 1_900_000_000;
    const LIFETIME: u64 = 60;

    fn token(header: Value, payload: Value) -> String {
        let part = |part: Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        format!("{}.{}.c2ln", part(header), part(payload))
    }

    fn good_token() -> String {
        token(json!({"alg": "HS256"}), json!({"iat": NOW, "exp": NOW + 60}))
    }

    fn jwt(token: String) -> Issued {
        Issued { credential: Credential::Jwt(token), issued_at: NOW, expires_at: Some(NOW + 60) }
    }

    fn check_jwt_of(issued: &Issued) -> Result<(), CredentialFault> {
        check(issued, &CredentialForm::Jwt, NOW, LIFETIME)
    }

    #[test]
    fn a_jwt_that_states_its_times_passes() {
        assert_eq!(check_jwt_of(&jwt(good_token())), Ok(()));
        assert_eq!(check_jwt_of(&jwt(token(json!({"alg": "x"}), json!({"exp": NOW + 60})))), Ok(()));
    }

    #[test]
    fn a_life_has_its_limits_to_the_second() {
        let ends = |end| check_jwt_of(&Issued { expires_at: end, ..jwt(good_token()) });
        assert_eq!(ends(Some(NOW + 61)), Err(CredentialFault::OutlivesGrant));
        assert_eq!(ends(Some(NOW)), Err(CredentialFault::Ended));
        assert_eq!(ends(None), Err(CredentialFault::NoEnd));
        let starts = |start| {
            let issued =
                Issued { credential: Credential::Text("t".to_owned()), issued_at: start, expires_at: None };
            check(&issued, &CredentialForm::Text { member: "m".to_owned() }, NOW, LIFETIME)
        };
        assert_eq!(starts(NOW), Ok(()));
        assert_eq!(starts(NOW - 300), Ok(()));
        assert_eq!(starts(NOW - 301), Err(CredentialFault::StartsAtAnotherTime));
        assert_eq!(starts(NOW + 1), Err(CredentialFault::StartsAtAnotherTime));
    }

    #[test]
    fn a_token_whose_own_times_differ_is_refused() {
        for payload in [json!({"iat": NOW, "exp": NOW + 61}), json!({"iat": NOW - 1, "exp": NOW + 60})] {
            assert_eq!(
                check_jwt_of(&jwt(token(json!({"alg": "HS256"}), payload))),
                Err(CredentialFault::OtherTimes)
            );
        }
    }

    #[test]
    fn what_is_no_signed_jwt_is_refused() {
        let good = good_token();
        let unsigned = good.replace("c2ln", "");
        let odd = good.replace("c2ln", "c2=n");
        for token in [
            "a.b.c".to_owned(),
            format!("{good}.x"),
            unsigned,
            odd,
            token(json!({"alg": "nOnE"}), json!({"exp": NOW + 60})),
            token(json!({}), json!({"exp": NOW + 60})),
            token(json!({"alg": "HS256"}), json!([NOW, NOW + 60])),
            token(json!({"alg": "HS256"}), json!({"iat": NOW})),
            token(json!({"alg": "HS256"}), json!({"exp": (NOW + 60).to_string()})),
        ] {
            assert_eq!(check_jwt_of(&jwt(token.clone())), Err(CredentialFault::NotAJwt), "{token}");
        }
    }

    #[test]
    fn every_prefix_of_a_good_token_is_refused() {
        let good = good_token();
        let signature = good.rfind('.').unwrap();
        for end in 0..=signature {
            assert!(check_jwt_of(&jwt(good[..end].to_owned())).is_err(), "{end}");
        }
    }

    #[test]
    fn only_the_promised_form_passes() {
        let object = |value: Value| Credential::Object(value.as_object().unwrap().clone());
        let text = |text: &str| Credential::Text(text.to_owned());
        let check_form = |credential, form: CredentialForm| {
            check(&Issued { credential, issued_at: NOW, expires_at: None }, &form, NOW, LIFETIME)
        };
        let member = || CredentialForm::Text { member: "m".to_owned() };
        assert_eq!(check_form(text("t"), member()), Ok(()));
        assert_eq!(check_form(text(""), member()), Err(CredentialFault::Empty));
        assert_eq!(
            check_form(text(&"t".repeat(CREDENTIAL_BYTES_MAX + 1)), member()),
            Err(CredentialFault::TooLarge)
        );
        assert_eq!(check_form(text("t"), CredentialForm::Object), Err(CredentialFault::OtherForm));
        assert_eq!(check_form(object(json!({"a": 1})), CredentialForm::Object), Ok(()));
        assert_eq!(check_form(object(json!({})), CredentialForm::Object), Err(CredentialFault::Empty));
        assert_eq!(
            check_form(object(json!({"a": 1, "error": "x"})), CredentialForm::Object),
            Err(CredentialFault::AlsoAnError)
        );
        assert_eq!(check_form(object(json!({"a": 1})), member()), Err(CredentialFault::OtherForm));
        assert_eq!(check_form(Credential::Jwt(good_token()), member()), Err(CredentialFault::OtherForm));
    }
}
