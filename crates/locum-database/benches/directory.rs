//! Times a directory in PostgreSQL with many clients and users: its start, its memory, and what the first look-up of a client or user
//! costs. PostgreSQL is on this machine, over a Unix socket; other places add their network.
//!
//! `LOCUM_BENCH_CLIENTS` and `LOCUM_BENCH_USERS` say how many; filling 100,000 clients takes some minutes.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot start should panic with the reason, and what it measures is its output"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_database::directory::{DatabaseDirectory, DirectoryOptions, DirectoryWrite, Existing, import};
use locum_database::sealing::MasterKeys;
use locum_database::{Database, SchemaChanges};
use locum_engine::ports::Directory;
use locum_engine::prepared::PreparedTenant;
use locum_store::documents::{self, Document};
use locum_store::tenant_file::References;
use locum_testing::{ACME, PostgresServer, ScriptedIssuers};

/// How many different clients and users are looked up.
const LOOK_UPS: usize = 10_000;

/// How many clients are written in one transaction.
const WRITTEN_AT_ONCE: usize = 500;

#[tokio::main]
async fn main() {
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let (clients, users) = (number("LOCUM_BENCH_CLIENTS", 10_000), number("LOCUM_BENCH_USERS", 100_000));
    let Some(server) = PostgresServer::start() else { return };
    let url = server.url().parse().expect("a URL");
    let database = Database::connect(&url, SchemaChanges::Apply).await.expect("the server answers");
    let keys = "one:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let keys = Arc::new(MasterKeys::parse(keys, "the bench").expect("a key"));
    fill(&database, &keys, clients).await;
    server.ask(&format!(
        "INSERT INTO users (tenant, user_id, email, document, version)
         SELECT '{ACME}', 'auth0|' || n, 'user' || n || '@acme.example',
             '{{\"user_id\":\"auth0|' || n || '\",\"email\":\"user' || n || '@acme.example\",\"name\":\"User ' || n || '\"}}', 1
         FROM generate_series(0, {}) AS n; ANALYZE",
        users - 1
    ));
    for table in ["clients", "users"] {
        let size = format!("SELECT pg_total_relation_size('{table}')");
        println!("{table} in PostgreSQL, bytes with indexes: {}", server.ask(&size));
    }

    let before = resident();
    let start = Instant::now();
    let issuers = Arc::new(ScriptedIssuers::default());
    let options = DirectoryOptions::default();
    let directory = DatabaseDirectory::open(database, keys, issuers, options).await.expect("it opens");
    println!("start with {clients} clients and {users} users: {:?}", start.elapsed());
    println!("memory for the start: {} kB", resident().saturating_sub(before));

    let directory = Arc::new(directory);
    let followed = Arc::clone(&directory);
    tokio::spawn(async move { followed.follow().await });
    let tenant = directory.served(ACME).expect("the tenant is there");
    let client = async |number: usize| {
        let found = directory.client(&tenant, &format!("client{}", number * 7919 % clients)).wait().await;
        assert!(found.expect("an answer").is_some());
    };
    let user = async |number: usize| {
        let found = directory.user(&tenant, &format!("auth0|{}", number * 7919 % users)).wait().await;
        assert!(found.expect("an answer").is_some());
    };
    let before = resident();
    report("cold client", clients.min(LOOK_UPS), client).await;
    report("warm client", clients.min(LOOK_UPS), client).await;
    report("cold user", users.min(LOOK_UPS), user).await;
    report("warm user", users.min(LOOK_UPS), user).await;
    report("unknown client", LOOK_UPS, async |number| unknown(&directory, &tenant, number).await).await;
    let status = directory.status();
    println!(
        "memory for {} entries: {} kB; by its own count {} kB",
        status.entries,
        resident().saturating_sub(before),
        status.bytes / 1024
    );
}

async fn unknown(directory: &DatabaseDirectory, tenant: &PreparedTenant, number: usize) {
    let found = directory.client(tenant, &format!("nobody{number}")).wait().await;
    assert!(found.expect("an answer").is_none());
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Writes the tenant and its clients, each with a secret and an add-on.
async fn fill(database: &Database, keys: &Arc<MasterKeys>, clients: usize) {
    let file = format!("domain: {ACME}\n");
    let references = References::new(&|_| None, Path::new("."));
    let (documents, read) =
        documents::from_tenant_file(&file, "tenant.yaml", &references).expect("a tenant file");
    import(database, keys, &[documents], Existing::Refuse).await.expect("it is written");
    let tenant = read.data.tenant;
    for first in (0..clients).step_by(WRITTEN_AT_ONCE) {
        let mut write = DirectoryWrite::begin(database, Arc::clone(keys)).await.expect("it begins");
        write.everything_changes(ACME);
        for number in first..(first + WRITTEN_AT_ONCE).min(clients) {
            let id = format!("client{number}");
            let document = Document::from(format!(
                r#"{{"client_id":"{id}","name":"Client {number}","client_secret":"secret-of-{id}-0123456789-0123456789","callbacks":["https://{id}.example/callback"],"addons":{{"azure_blob":{{"accountName":"acme","storageAccessKey":"a2V5LW9mLXRoZS1zdG9yYWdlLWFjY291bnQtMDEyMzQ1Njc4OQ=="}}}}}}"#
            ));
            write.put_client(&tenant, &id, &document).await.expect("it is written");
        }
        write.commit().await.expect("it is committed");
    }
}

/// Prints the median and the 99th percentile of looking up each, one after another.
async fn report(name: &str, count: usize, look_up: impl AsyncFn(usize)) {
    let mut times = Vec::with_capacity(count);
    for number in 0..count {
        let start = Instant::now();
        look_up(number).await;
        times.push(start.elapsed());
    }
    times.sort();
    let at = |part: f64| -> Duration { times[((times.len() - 1) as f64 * part) as usize] };
    println!("{name}: p50 {:?}, p99 {:?}, of {count}", at(0.5), at(0.99));
}

/// Resident memory of this process, in kB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel says");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
