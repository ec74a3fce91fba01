//! What other requests notice while a plugin dies: p50 and p99 of their calls before, during and after, for each death.
//!
//! `cargo xtask bench` passes the plugins in LOCUM_BENCH_PLUGINS, and the hostile test plugin in LOCUM_BENCH_HOSTILE.

#![expect(clippy::expect_used, reason = "a benchmark that cannot start should panic with the reason")]
#![expect(clippy::print_stdout, reason = "it prints a table")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use locum_abi::configuration::{Configuration, Tenant};
use locum_abi::grant::Grant;
use locum_engine::ports::{CallContext, Issuer, Issuers, NoAudiences};
use locum_host::runner::RunnerCommand;
use locum_host::{HttpUpstreams, Isolation, LoadOptions, Pins, PluginSet};
use serde_json::{Map, Value, json};

/// How the hostile plugin dies.
const DEATHS: [&str; 9] =
    ["abort", "exit", "segv", "overflow_the_stack", "allocate", "socket", "fork", "hide_signals", "loop"];

/// How often it dies in each row.
const TIMES: usize = 5;

/// How long other calls are measured before and after.
const WHILE: Duration = Duration::from_millis(500);

/// The deadline of calls, so that of the one that does not end.
const DEADLINE: Duration = Duration::from_millis(300);

fn load(file: PathBuf) -> PluginSet {
    let mut options = LoadOptions::new(Arc::new(HttpUpstreams::new().expect("the HTTP client starts")));
    options.deadline = DEADLINE;
    options.runner = Some(RunnerCommand::Path(env!("CARGO_BIN_EXE_locum-plugin-runner").into()));
    let pins = Pins::trusting_file(&file).expect("a plugin file").at(Isolation::Runner);
    PluginSet::load([file], &pins, options).expect("it loads")
}

fn from_environment(name: &str) -> PathBuf {
    let value = std::env::var(name).expect("run this benchmark with `cargo xtask bench`");
    Path::new(&value).to_owned()
}

fn issuer(set: &PluginSet, api_type: &str, settings: &Value) -> Arc<dyn Issuer> {
    let settings = settings.as_object().cloned().expect("it is an object");
    let configuration = Configuration::new(api_type, settings, Tenant::new("acme.example.com"));
    set.configure(configuration).expect("valid settings")
}

fn attempt(set: &PluginSet, attempt: &str) -> Arc<dyn Issuer> {
    issuer(set, "hostile", &json!({"attempt": attempt, "when": "issue"}))
}

fn grant() -> Grant {
    Grant {
        user_id: "auth0|alice".to_owned(),
        client_id: "spa".to_owned(),
        target_id: "orders-api".to_owned(),
        scopes: vec!["openid".to_owned()],
        claims: Map::new(),
        profile: Map::new(),
        parameters: Map::new(),
        lifetime_seconds: 3600,
    }
}

async fn is_answered(issuer: &dyn Issuer) -> bool {
    let context = CallContext { now_unix_ms: 1_900_000_000_000, entropy: [7; 32] };
    issuer.issue(&grant(), context, &NoAudiences).await.is_ok()
}

/// The times of calls that were made until told to stop, and how many had no answer.
#[derive(Default)]
struct Times {
    answered: Vec<Duration>,
    failed: usize,
}

impl Times {
    async fn until(stop: Arc<AtomicBool>, issuer: Arc<dyn Issuer>) -> Self {
        let mut times = Self::default();
        while !stop.load(Ordering::Relaxed) {
            let start = Instant::now();
            if is_answered(&*issuer).await {
                times.answered.push(start.elapsed())
            } else {
                times.failed += 1
            }
            // As a server with other things to do; without it, this would measure how busy the machine is.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        times.answered.sort_unstable();
        times
    }

    fn microseconds(&self, hundredths: usize) -> u128 {
        let at = (self.answered.len() * hundredths / 100).min(self.answered.len().saturating_sub(1));
        self.answered.get(at).map_or(0, Duration::as_micros)
    }

    fn shown(&self) -> String {
        format!("{:>6} {:>7} {:>3}", self.microseconds(50), self.microseconds(99), self.failed)
    }
}

/// Measures calls of both issuers during this work.
async fn during(issuers: [&Arc<dyn Issuer>; 2], work: impl Future<Output = ()>) -> [Times; 2] {
    let stop = Arc::new(AtomicBool::new(false));
    let [other, same] =
        issuers.map(|issuer| tokio::spawn(Times::until(Arc::clone(&stop), Arc::clone(issuer))));
    work.await;
    stop.store(true, Ordering::Relaxed);
    [other.await.expect("no panic"), same.await.expect("no panic")]
}

async fn measure() {
    let app = load(from_environment("LOCUM_BENCH_PLUGINS").join("liblocum_plugin_app.so"));
    let settings = json!({"alg": "HS256", "secret": "spa-secret-0123456789-0123456789-0123456789"});
    let other = issuer(&app, "app", &settings);
    println!("microseconds, and calls without an answer; {TIMES} deaths in each row");
    println!("{:<20} {:<9} {:^18} {:^18} {:^18}", "death", "calls of", "before", "during", "after");
    for death in DEATHS {
        let hostile = load(from_environment("LOCUM_BENCH_HOSTILE"));
        let same = attempt(&hostile, "nothing");
        let idle = || tokio::time::sleep(WHILE);
        let before = during([&other, &same], idle()).await;
        let dying = during([&other, &same], async {
            for _ in 0..TIMES {
                // A new issuer each time: one would be paused.
                assert!(!is_answered(&*attempt(&hostile, death)).await, "{death} did not end the process");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let dying = dying.await;
        let after = during([&other, &same], idle()).await;
        for (index, of) in ["another", "the same"].into_iter().enumerate() {
            let shown = [&before, &dying, &after]
                .map(|times| times.get(index).map_or_else(String::new, Times::shown));
            println!("{death:<20} {of:<9} {}", shown.join(" "));
        }
    }
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("it starts");
    runtime.block_on(measure());
}
