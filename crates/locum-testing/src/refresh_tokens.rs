//! Refresh tokens in memory whose store counts, and can be made to fail; and what every store of them must do.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use locum_engine::ports::{
    PortReply, RefreshToken, RefreshTokenHash, RefreshTokens, Rotation, StoreReply, StoreUnavailable,
};
use locum_store::MemoryRefreshTokens;
use serde_json::json;

use crate::NOW;
use crate::faults::{PortCalls, UNAVAILABLE};

/// A store in memory that records its calls among those of the other ports, each as `refresh_tokens.` and its method.
pub struct FaultyRefreshTokens {
    inner: MemoryRefreshTokens,
    calls: Arc<PortCalls>,
}

impl FaultyRefreshTokens {
    pub(crate) fn new(calls: Arc<PortCalls>) -> Self {
        Self { inner: MemoryRefreshTokens::default(), calls }
    }

    /// The store itself.
    pub fn inner(&self) -> &MemoryRefreshTokens {
        &self.inner
    }

    fn call<'a, T>(&self, name: &'static str, call: impl FnOnce() -> StoreReply<'a, T>) -> StoreReply<'a, T> {
        if self.calls.succeeds(name) {
            call()
        } else {
            PortReply::Now(Err(StoreUnavailable(UNAVAILABLE.to_owned())))
        }
    }
}

impl RefreshTokens for FaultyRefreshTokens {
    fn find<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
    ) -> StoreReply<'a, Option<RefreshToken>> {
        self.call("refresh_tokens.find", || self.inner.find(tenant, hash))
    }

    fn add<'a>(
        &'a self,
        tenant: &'a str,
        hash: RefreshTokenHash,
        token: RefreshToken,
    ) -> StoreReply<'a, bool> {
        self.call("refresh_tokens.add", || self.inner.add(tenant, hash, token))
    }

    fn keep_until<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        idle_expires_at: i64,
    ) -> StoreReply<'a, ()> {
        self.call("refresh_tokens.keep_until", || self.inner.keep_until(tenant, hash, idle_expires_at))
    }

    fn rotate<'a>(
        &'a self,
        tenant: &'a str,
        hash: &'a RefreshTokenHash,
        successor: (RefreshTokenHash, RefreshToken),
        now: i64,
        leeway_seconds: u64,
    ) -> StoreReply<'a, Rotation> {
        self.call("refresh_tokens.rotate", || self.inner.rotate(tenant, hash, successor, now, leeway_seconds))
    }

    fn revoke_family<'a>(&'a self, tenant: &'a str, family: &'a str, now: i64) -> StoreReply<'a, ()> {
        self.call("refresh_tokens.revoke_family", || self.inner.revoke_family(tenant, family, now))
    }
}

/// A refresh token of the client `caller` for Alice.
pub fn refresh_token(family: &str) -> RefreshToken {
    RefreshToken {
        client_id: "caller".to_owned(),
        user_id: "auth0|alice".to_owned(),
        family: family.to_owned(),
        scope: vec!["openid".to_owned(), "offline_access".to_owned()],
        act: None,
        signed_in_at: NOW - 60,
        device: None,
        created_at: NOW,
        expires_at: Some(NOW + 1000),
        idle_expires_at: Some(NOW + 100),
        rotated_at: None,
        revoked_at: None,
    }
}

/// What every store of refresh tokens must do. Panics unless this one does.
pub async fn check_refresh_token_store(store: &dyn RefreshTokens) {
    finds_what_was_added(store).await;
    replaces_a_token_once(store).await;
    without_leeway_replaces_a_token_once_by_any_clock(store).await;
    replaces_a_token_again_within_the_leeway(store).await;
    revokes_a_family_of_one_tenant(store).await;
    lets_one_of_many_replace_a_token(store).await;
}

const TENANT: &str = "acme.example.com";

fn hash(number: u8) -> RefreshTokenHash {
    RefreshTokenHash::from_bytes([number; 32])
}

async fn found(store: &dyn RefreshTokens, number: u8) -> Option<RefreshToken> {
    store.find(TENANT, &hash(number)).wait().await.unwrap()
}

async fn add(store: &dyn RefreshTokens, number: u8, family: &str) -> RefreshToken {
    let token = refresh_token(family);
    assert_eq!(store.add(TENANT, hash(number), token.clone()).wait().await, Ok(true));
    token
}

async fn rotate(store: &dyn RefreshTokens, from: u8, to: u8, family: &str, at: i64, leeway: u64) -> Rotation {
    let successor = (hash(to), RefreshToken { created_at: at, ..refresh_token(family) });
    store.rotate(TENANT, &hash(from), successor, at, leeway).wait().await.unwrap()
}

async fn finds_what_was_added(store: &dyn RefreshTokens) {
    let full = RefreshToken {
        scope: vec!["openid".to_owned(), "read:\u{e4}".to_owned()],
        act: Some(json!({"sub": "agent", "act": {"sub": "other", "iss": "https://corp.example/"}})),
        device: Some("a 'phone".to_owned()),
        ..refresh_token("full")
    };
    let bare =
        RefreshToken { scope: Vec::new(), expires_at: None, idle_expires_at: None, ..refresh_token("bare") };
    for (number, token) in [(1, &full), (2, &bare)] {
        assert_eq!(store.add(TENANT, hash(number), token.clone()).wait().await, Ok(true));
        assert_eq!(found(store, number).await.as_ref(), Some(token));
        assert_eq!(store.find("globex.example.com", &hash(number)).wait().await.unwrap(), None);
    }
    assert_eq!(found(store, 3).await, None);
    store.keep_until(TENANT, &hash(1), NOW + 500).wait().await.unwrap();
    let kept = RefreshToken { idle_expires_at: Some(NOW + 500), ..full };
    assert_eq!(found(store, 1).await, Some(kept));
    assert_eq!(found(store, 2).await, Some(bare), "only one token is kept longer");
    // Nothing is added by that.
    store.keep_until(TENANT, &hash(3), NOW + 500).wait().await.unwrap();
    assert_eq!(found(store, 3).await, None);
}

async fn replaces_a_token_once(store: &dyn RefreshTokens) {
    let first = add(store, 10, "once").await;
    assert_eq!(rotate(store, 10, 11, "once", NOW + 5, 0).await, Rotation::Done);
    assert_eq!(found(store, 10).await, Some(RefreshToken { rotated_at: Some(NOW + 5), ..first.clone() }));
    assert_eq!(found(store, 11).await, Some(RefreshToken { created_at: NOW + 5, ..first }));
    assert_eq!(rotate(store, 10, 12, "once", NOW + 5, 0).await, Rotation::Reused);
    assert_eq!(found(store, 12).await, None);
    for number in [10, 11] {
        assert_eq!(found(store, number).await.unwrap().revoked_at, Some(NOW + 5));
    }
    for number in [10, 11, 13] {
        assert_eq!(rotate(store, number, 14, "once", NOW + 6, 60).await, Rotation::Gone);
    }
    assert_eq!(found(store, 14).await, None);
}

async fn without_leeway_replaces_a_token_once_by_any_clock(store: &dyn RefreshTokens) {
    add(store, 15, "clocks").await;
    assert_eq!(rotate(store, 15, 16, "clocks", NOW + 60, 0).await, Rotation::Done);
    assert_eq!(rotate(store, 15, 17, "clocks", NOW, 0).await, Rotation::Reused);
    assert_eq!(found(store, 17).await, None);
}

async fn replaces_a_token_again_within_the_leeway(store: &dyn RefreshTokens) {
    add(store, 20, "leeway").await;
    for (to, at) in [(21, NOW), (22, NOW + 9)] {
        assert_eq!(rotate(store, 20, to, "leeway", at, 10).await, Rotation::Done);
    }
    assert_eq!(found(store, 20).await.unwrap().rotated_at, Some(NOW), "the leeway begins once");
    assert_eq!(rotate(store, 20, 23, "leeway", NOW + 10, 10).await, Rotation::Reused);
    for number in 20..=22 {
        assert_eq!(found(store, number).await.unwrap().revoked_at, Some(NOW + 10));
    }
}

async fn revokes_a_family_of_one_tenant(store: &dyn RefreshTokens) {
    for (number, family) in [(30, "ended"), (31, "ended"), (32, "other")] {
        add(store, number, family).await;
    }
    let elsewhere = "globex.example.com";
    assert_eq!(store.add(elsewhere, hash(30), refresh_token("ended")).wait().await, Ok(true));
    store.revoke_family(TENANT, "ended", NOW + 1).wait().await.unwrap();
    store.revoke_family(TENANT, "ended", NOW + 2).wait().await.unwrap();
    for number in [30, 31] {
        assert_eq!(found(store, number).await.unwrap().revoked_at, Some(NOW + 1));
    }
    assert_eq!(found(store, 32).await.unwrap().revoked_at, None);
    assert_eq!(store.add(TENANT, hash(33), refresh_token("ended")).wait().await, Ok(false));
    assert_eq!(found(store, 33).await, None);
    let other = store.find(elsewhere, &hash(30)).wait().await.unwrap();
    assert_eq!(other.unwrap().revoked_at, None);
}

async fn lets_one_of_many_replace_a_token(store: &dyn RefreshTokens) {
    add(store, 40, "raced").await;
    let attempts = [41, 42, 43, 44].map(|to| rotate(store, 40, to, "raced", NOW, 0));
    let outcomes = join_all(attempts).await;
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == Rotation::Done).count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&Rotation::Reused), "{outcomes:?}");
    let mut stored = 0;
    for number in 41..=44 {
        stored += usize::from(found(store, number).await.is_some());
    }
    assert_eq!(stored, 1, "only the winner's successor is stored");
}

/// Polls all futures until each is ready.
async fn join_all<T, F: Future<Output = T>, const N: usize>(futures: [F; N]) -> Vec<T> {
    let mut running: Vec<_> = futures.into_iter().map(|future| Box::pin(future)).collect();
    let mut outputs: Vec<Option<T>> = (0..N).map(|_| None).collect();
    poll_fn(|context| {
        for (future, output) in running.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    outputs.into_iter().flatten().collect()
}
