//! What has ended is deleted.

use locum_database::Database;
use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens, UsedAssertions};
use locum_testing::{ACME, NOW, refresh_token};

use crate::places::Place;

const MONTH: i64 = 30 * 86_400;

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
            // A replaced token is kept as long as its successor, to be recognised.
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
