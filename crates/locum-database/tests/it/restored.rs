//! A database that is another than before.

use locum_database::{Continuity, RestoredTokens};
use locum_engine::ports::{RefreshTokenHash, RefreshTokens};
use locum_testing::{ACME, NOW, refresh_token};

use crate::places::Place;

fn hash(number: u8) -> RefreshTokenHash {
    RefreshTokenHash::from_bytes([number; 32])
}

#[tokio::test]
async fn a_database_on_another_server_or_timeline_is_noticed_until_it_is_accepted() {
    let Some(place @ Place::Postgres(_)) = Place::each().pop() else { return };
    let database = place.open().await;
    for _ in 0..2 {
        assert_eq!(database.continuity().await.unwrap(), Continuity::Unbroken);
    }
    // As in a copy that another server has restored, or after a standby has taken over.
    for change in ["'1' || identity", "identity || '7'"] {
        place.ask(&format!("UPDATE server_identity SET identity = {change}")).await;
        assert_eq!(database.continuity().await.unwrap(), Continuity::Broken);
        assert_eq!(database.continuity().await.unwrap(), Continuity::Broken);
        assert_eq!(database.accept_restored(RestoredTokens::Keep, NOW).await.unwrap(), 0);
        assert_eq!(database.continuity().await.unwrap(), Continuity::Unbroken);
    }
}

#[tokio::test]
async fn the_tokens_of_a_restored_database_are_revoked_or_kept() {
    for place in Place::each() {
        let database = place.open().await;
        for number in 1..=3 {
            let token = refresh_token(&number.to_string());
            assert_eq!(database.add(ACME, hash(number), token).wait().await, Ok(true));
        }
        let is_revoked = async |number| {
            let token = database.find(ACME, &hash(number)).wait().await.unwrap().unwrap();
            token.revoked_at.is_some()
        };
        assert_eq!(database.accept_restored(RestoredTokens::Keep, NOW).await.unwrap(), 0);
        assert!(!is_revoked(1).await);
        assert_eq!(database.accept_restored(RestoredTokens::Revoke, NOW).await.unwrap(), 3);
        assert!(is_revoked(1).await && is_revoked(3).await);
        assert_eq!(database.accept_restored(RestoredTokens::Revoke, NOW).await.unwrap(), 0);
    }
}
