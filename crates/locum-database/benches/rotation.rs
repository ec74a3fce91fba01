//! Times what a refresh exchange asks of its store: the token is found, and replaced by its successor. In memory, in SQLite, and
//! in PostgreSQL on this machine over a Unix socket, with and without waiting for the disk. Where tenants are in that database as
//! well, it asks first for what others have changed: alone, and when 16 ask at one moment.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, criterion_group, criterion_main};
use locum_database::directory::{DatabaseDirectory, DirectoryOptions};
use locum_database::sealing::MasterKeys;
use locum_database::{Database, SchemaChanges};
use locum_engine::ports::{Directory, RefreshToken, RefreshTokenHash, RefreshTokens, Rotation};
use locum_store::MemoryRefreshTokens;
use locum_testing::{ACME, NOW, PostgresServer, ScriptedIssuers, refresh_token};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

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

/// A directory without tenants.
async fn directory(database: &Database) -> Arc<DatabaseDirectory> {
    let keys = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let keys = Arc::new(MasterKeys::parse(keys, "the bench").expect("a key"));
    let (issuers, options) = (Arc::new(ScriptedIssuers::default()), DirectoryOptions::default());
    Arc::new(DatabaseDirectory::open(database.clone(), keys, issuers, options).await.expect("it opens"))
}

/// So many ask at one moment, each in a task of its own.
async fn catch_up(directory: &Arc<DatabaseDirectory>, at_once: usize) {
    if at_once == 1 {
        return directory.catch_up().wait().await.expect("the database answers");
    }
    let mut asking = JoinSet::new();
    for _ in 0..at_once {
        let directory = Arc::clone(directory);
        asking.spawn(async move { directory.catch_up().wait().await.expect("the database answers") });
    }
    asking.join_all().await;
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
    group.finish();

    let mut group = criterion.benchmark_group("catch_up");
    for (name, database) in [("sqlite", &sqlite), ("postgres", &postgres)] {
        let directory = runtime.block_on(directory(database));
        for at_once in [1, 16] {
            group.bench_function(format!("{name}/{at_once}"), |bencher| {
                bencher.iter(|| runtime.block_on(catch_up(&directory, at_once)));
            });
        }
    }
}

criterion_group!(benches, rotation);
criterion_main!(benches);
