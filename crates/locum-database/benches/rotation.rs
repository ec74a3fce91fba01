//! Times what a refresh exchange asks of its store: the token is found, and replaced by its successor. In memory, in SQLite, and
//! in PostgreSQL on this machine over a Unix socket, with and without waiting for the disk.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use locum_database::{Database, SchemaChanges};
use locum_engine::ports::{RefreshToken, RefreshTokenHash, RefreshTokens, Rotation};
use locum_store::MemoryRefreshTokens;
use locum_testing::{ACME, NOW, PostgresServer, refresh_token};
use tokio::runtime::Runtime;

/// Tokens that no other call has used.
struct NewTokens(u64);

impl NewTokens {
    fn next(&mut self) -> (RefreshTokenHash, RefreshToken) {
        self.0 += 1;
        let mut hash = [0; 32];
        // The first bytes differ, as those of a SHA-256 do.
        hash[..8].copy_from_slice(&self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
        (RefreshTokenHash::from_bytes(hash), refresh_token(&format!("family {}", self.0)))
    }
}

/// Each call is for a family of its own.
async fn find_and_rotate(store: &dyn RefreshTokens, tokens: &mut NewTokens, iterations: u64) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..iterations {
        let (hash, token) = tokens.next();
        let successor = (tokens.next().0, token.clone());
        assert_eq!(store.add(ACME, hash, token).wait().await, Ok(true));
        let start = Instant::now();
        assert!(black_box(store.find(ACME, &hash).wait().await).is_ok_and(|token| token.is_some()));
        assert_eq!(store.rotate(ACME, &hash, successor, NOW, 0).wait().await, Ok(Rotation::Done));
        spent += start.elapsed();
    }
    spent
}

fn rotation(criterion: &mut Criterion) {
    let runtime = Runtime::new().expect("the runtime starts");
    let mut group = criterion.benchmark_group("find_and_rotate");
    let mut tokens = NewTokens(0);
    let mut measure = |name: &str, store: &dyn RefreshTokens| {
        group.bench_function(name, |bencher| {
            bencher
                .iter_custom(|iterations| runtime.block_on(find_and_rotate(store, &mut tokens, iterations)));
        });
    };
    measure("memory", &MemoryRefreshTokens::default());

    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = runtime.block_on(Database::open(&folder.path().join("state.db"))).expect("the file opens");
    measure("sqlite", &sqlite);

    let Some(server) = PostgresServer::start() else { return };
    let url = server.url().parse().expect("a URL");
    let postgres = runtime.block_on(Database::connect(&url, SchemaChanges::Apply)).expect("it connects");
    measure("postgres_without_fsync", &postgres);
    for setting in ["ALTER SYSTEM SET fsync = on", "SELECT pg_reload_conf()"] {
        server.ask(setting);
    }
    measure("postgres", &postgres);
}

criterion_group!(benches, rotation);
criterion_main!(benches);
