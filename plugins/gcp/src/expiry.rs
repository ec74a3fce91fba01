//! When a token of Google expires, as this server states it.

use locum_plugin::prelude::*;

/// How much later than granted a token may expire: Google's clock may be ahead, and the call takes time.
const TOLERANCE_SECONDS: i64 = 300;

/// The expiry to state: that of the token, but not later than that of the grant.
///
/// Google counts the lifetime from the moment at which it answers, by its own clock, so its expiry is a little later.
pub(crate) fn within_grant(
    expires_at: UnixTime,
    now: UnixTime,
    grant_expires_at: UnixTime,
) -> Result<UnixTime, Failure> {
    if expires_at <= now {
        return Err(Failure::upstream_nonsense("Google answered with a token that has expired"));
    }
    if expires_at > grant_expires_at + TOLERANCE_SECONDS {
        return Err(Failure::upstream_nonsense(
            "Google answered with a token that expires later than granted",
        ));
    }
    Ok(expires_at.min(grant_expires_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_may_expire_five_minutes_after_the_grant_and_is_stated_to_expire_with_it() {
        let at = UnixTime::from_seconds;
        let stated = |expiry| within_grant(at(expiry), at(1000), at(2000));
        assert_eq!(stated(1001), Ok(at(1001)));
        assert_eq!(stated(2000), Ok(at(2000)));
        assert_eq!(stated(2300), Ok(at(2000)));
        assert!(stated(2301).is_err());
        assert!(stated(1000).is_err());
    }
}
