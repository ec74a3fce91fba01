//! What has ended is deleted.

use locum_database::Database;
use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens, Rotation, UsedAssertions};
use locum_testing::{ACME, NOW, refresh_token};

use crate::places::Place;

const DAY: i64 = 86_400;
const MONTH: i64 = 30 * DAY;

async fn left(state: &Database, numbers: impl IntoIterator<Item = u8>) -> Vec<u8> {
    let mut left = Vec::new();
    for number in numbers {
        let hash = RefreshTokenHash::from_bytes([number; 32]);
        if state.find(ACME, &hash).wait().await.unwrap().is_some() {
            left.push(number);
        }
    }
    left
}

#[tokio::test]
async fn families_are_deleted_when_they_have_ended() {
    for place in Place::each() {
        let state = place.open().await;
        let token = |family: &str, expires_at, idle_expires_at| RefreshToken {
            expires_at,
            idle_expires_at,
            ..refresh_token(family)
        };
        for (number, token) in [
            (1, token("ends now", Some(NOW), None)),
            (2, token("ends later", Some(NOW + 1), Some(NOW - MONTH))),
            (3, token("never ends", None, None)),
            (4, token("unused for a month", None, Some(NOW - MONTH))),
            (5, token("unused for less", None, Some(NOW - MONTH + 1))),
            // Not replaced: another one was made from it.
            (6, token("rotating", None, Some(NOW - MONTH))),
            (7, token("rotating", None, Some(NOW + 1))),
        ] {
            let hash = RefreshTokenHash::from_bytes([number; 32]);
            assert_eq!(state.add(ACME, hash, token).wait().await, Ok(true));
        }
        assert_eq!(state.sweep(NOW).await.unwrap(), 3);
        assert_eq!(left(&state, 1..=7).await, [3, 5, 6, 7]);
        assert_eq!(state.sweep(NOW).await.unwrap(), 0);
        assert_eq!(state.sweep(NOW + MONTH + 1).await.unwrap(), 3);
        assert_eq!(left(&state, 1..=7).await, [3]);
    }
}

/// Until it ends, whoever shows it ends its family.
#[tokio::test]
async fn a_replaced_token_is_kept_until_it_has_ended_itself() {
    for place in Place::each() {
        let state = place.open().await;
        let token = |rotated_at, expires_at, idle_expires_at| RefreshToken {
            expires_at,
            idle_expires_at,
            rotated_at,
            ..refresh_token("rotating")
        };
        for (number, token) in [
            (1, token(Some(NOW - MONTH), None, Some(NOW - DAY))),
            (2, token(Some(NOW - MONTH), None, Some(NOW - DAY + 1))),
            (3, token(Some(NOW - MONTH), Some(NOW + 1), None)),
            (4, token(Some(NOW - MONTH), None, None)),
            (5, token(None, None, Some(NOW - DAY))),
            (6, token(None, None, Some(NOW + MONTH))),
        ] {
            let hash = RefreshTokenHash::from_bytes([number; 32]);
            assert_eq!(state.add(ACME, hash, token).wait().await, Ok(true));
        }
        assert_eq!(state.sweep(NOW).await.unwrap(), 1);
        assert_eq!(left(&state, 1..=6).await, [2, 3, 4, 5, 6]);
        // The reuse of one that is kept ends the family as before, and no token is added to it any more.
        let successor = (RefreshTokenHash::from_bytes([7; 32]), refresh_token("rotating"));
        let reused = RefreshTokenHash::from_bytes([2; 32]);
        assert_eq!(state.rotate(ACME, &reused, successor, NOW, 0).wait().await, Ok(Rotation::Reused));
        assert_eq!(state.sweep(NOW + 1).await.unwrap(), 2, "what has ended of a family that is revoked too");
        let added = RefreshTokenHash::from_bytes([8; 32]);
        assert_eq!(state.add(ACME, added, refresh_token("rotating")).wait().await, Ok(false));
    }
}

#[tokio::test]
async fn a_family_that_is_used_every_day_has_as_many_rows_as_days_without_use_are_allowed() {
    for place in Place::each() {
        let state = place.open().await;
        let token = |day: i64| RefreshToken {
            created_at: NOW + day * DAY,
            expires_at: Some(NOW + 60 * DAY),
            idle_expires_at: Some(NOW + (day + 15) * DAY),
            ..refresh_token("daily")
        };
        let hash = |day: i64| RefreshTokenHash::from_bytes([u8::try_from(day).unwrap(); 32]);
        assert_eq!(state.add(ACME, hash(0), token(0)).wait().await, Ok(true));
        for day in 1..50 {
            let (successor, now) = ((hash(day), token(day)), NOW + day * DAY);
            assert_eq!(
                state.rotate(ACME, &hash(day - 1), successor, now, 0).wait().await,
                Ok(Rotation::Done)
            );
            state.sweep(now).await.unwrap();
            let rows = place.ask("SELECT CAST(count(*) AS TEXT) FROM refresh_tokens").await;
            assert_eq!(rows, (day + 1).min(16).to_string(), "{day}");
        }
        // The oldest that is kept has ended today, and the next is still recognised.
        let successor = (hash(50), token(50));
        assert_eq!(
            state.rotate(ACME, &hash(35), successor, NOW + 49 * DAY, 0).wait().await,
            Ok(Rotation::Reused)
        );
    }
}

#[tokio::test]
async fn many_are_deleted_in_batches() {
    for place in Place::each() {
        let state = place.open().await;
        for number in 0_u16..1100 {
            let mut hash = [0; 32];
            hash[..2].copy_from_slice(&number.to_be_bytes());
            let token = RefreshToken { expires_at: Some(NOW), ..refresh_token(&number.to_string()) };
            assert_eq!(state.add(ACME, RefreshTokenHash::from_bytes(hash), token).wait().await, Ok(true));
        }
        assert_eq!(state.sweep(NOW).await.unwrap(), 1100);
    }
}

#[tokio::test]
async fn assertions_are_deleted_when_they_have_expired_for_every_clock() {
    for place in Place::each() {
        let state = place.open().await;
        let is_first = async |id: &str, expires_at| {
            state.use_once(ACME, "worker", id, expires_at, NOW).wait().await.unwrap()
        };
        assert!(is_first("expires now", NOW).await);
        assert!(is_first("expires later", NOW + 1).await);
        // By a node whose clock is ahead.
        assert_eq!(state.sweep(NOW + 299).await.unwrap(), 0);
        assert!(!is_first("expires now", NOW).await);
        assert_eq!(state.sweep(NOW + 300).await.unwrap(), 1);
        assert!(is_first("expires now", NOW).await);
        assert!(!is_first("expires later", NOW + 1).await);
    }
}
