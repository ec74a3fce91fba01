//! What a request costs with servers that nodes share, by what it costs one node alone.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use locum_testing::{PostgresServer, RedisServer};

use crate::cluster::http::{Client, Reply};
use crate::cluster::tenant::{self, LENIENT};
use crate::cluster::tokens::{Tokens, refresh};
use crate::exchange::Exchange;
use crate::histogram::Histogram;
use crate::load::{Arrivals, Load};
use crate::measure::Setup;
use crate::process::{self, Service};
use crate::requests::Requests;
use crate::statistics::Spread;

/// Connections of a load.
const CONNECTIONS: usize = 8;
/// Arrivals in a second for latencies, far below the capacity.
const ARRIVALS: f64 = 200.0;

/// One row: a candidate, and its CPU time by that of the first in the same round. All in µs.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) cpu: Spread,
    pub(super) cpu_ratio: Spread,
    pub(super) p50: Spread,
    pub(super) p99: Spread,
}

/// CPU time of the node and latency of a request, in µs, of one window.
struct Window {
    cpu: f64,
    p50: f64,
    p99: f64,
}

impl Window {
    fn of(used: Duration, count: u64, latencies: &Histogram) -> Self {
        let quantile = |share| latencies.quantile(share).as_secs_f64() * 1e6;
        Self { cpu: used.as_secs_f64() * 1e6 / count.max(1) as f64, p50: quantile(0.5), p99: quantile(0.99) }
    }
}

/// Exchanges with buckets in memory and in Redis; then uses of refresh tokens with SQLite and PostgreSQL.
pub(super) fn measure(setup: &Setup, fixtures: &Path) -> Result<Vec<Row>> {
    let redis = RedisServer::start(&setup.folder).context("Redis is not installed")?;
    let mut rows = Vec::new();
    for exchange in [Exchange::Hs256Hs256, Exchange::Hs256Rs256] {
        rows.extend(exchanges(setup, exchange, &redis)?);
    }
    rows.extend(refreshes(setup, fixtures)?);
    Ok(rows)
}

fn exchanges(setup: &Setup, exchange: Exchange, redis: &RedisServer) -> Result<Vec<Row>> {
    let requests = Requests::of_users(exchange, 0, setup.users(exchange).min(20_000))?;
    let mut services = Vec::new();
    for (place, line) in [("memory", String::new()), ("Redis", format!("redis = {:?}\n", redis.url()))] {
        let folder = format!("{}-{place}", exchange.name());
        let mut command = setup.locum(&folder)?;
        let config = setup.folder.join(&folder).join("locum.toml");
        fs::write(&config, format!("{line}{}", fs::read_to_string(&config)?))?;
        let name = format!("{}, buckets in {place}", exchange.title());
        services.push((name, setup.processors.start(&mut command)?));
    }
    let mut loads = Vec::new();
    for (name, service) in &services {
        let threads = setup.processors.load_threads();
        let mut load = Load::connect(service.address(), &requests, CONNECTIONS, threads)?;
        load.run_for(Arrivals::Closed, setup.warm_up())?;
        loads.push((name.clone(), service, load));
    }
    let measure = |(_, service, load): &mut (String, &Service, Load<'_>)| {
        let before = service.cpu_time()?;
        let outcome = load.run_for(Arrivals::Closed, setup.window())?;
        let used = service.cpu_time()?.saturating_sub(before);
        ensure!(outcome.all_succeeded(), "not every request was answered: {:?}", outcome.statuses);
        let latencies = load.run_for(Arrivals::Open { per_second: ARRIVALS }, setup.window())?.latencies;
        Ok(Window::of(used, outcome.responses(), &latencies))
    };
    in_turns(setup, &mut loads, |(name, ..)| name.clone(), measure)
}

fn refreshes(setup: &Setup, fixtures: &Path) -> Result<Vec<Row>> {
    let postgres = PostgresServer::start().context("PostgreSQL is not installed")?;
    // As in production.
    postgres.ask("ALTER SYSTEM SET fsync = on");
    postgres.ask("SELECT pg_reload_conf()");
    let memory = tempfile::TempDir::new_in("/dev/shm")?;
    let places = [
        ("SQLite in /dev/shm", format!("state = {:?}", memory.path().join("state.db"))),
        ("SQLite", "state = \"state.db\"".to_owned()),
        ("PostgreSQL", format!("postgres = {:?}\nmigrate = true", postgres.url())),
    ];
    let tokens = Tokens::new(&fixtures.join("keys"))?;
    let mut services = Vec::new();
    for (index, (name, place)) in places.iter().enumerate() {
        let folder = setup.folder.join(format!("refresh-{index}"));
        fs::create_dir_all(&folder)?;
        let (plugins, tenant) = (&setup.plugins, tenant::write(&folder, fixtures)?);
        let config = folder.join("locum.toml");
        let text = format!(
            "listen = \"127.0.0.1:0\"\nplugins_dir = {plugins:?}\ntenants = [{tenant:?}]\n{place}\n\
             trusted_proxies = [\"127.0.0.1\"]\naudit = {{ file = \"audit.jsonl\" }}\n"
        );
        fs::write(&config, text)?;
        let service = setup.processors.start(&mut process::locum(&setup.locum, &config))?;
        let family = Family::start(&service, &tokens, index)?;
        services.push((format!("refresh token, {name}"), service, family));
    }
    let measure = |(_, service, family): &mut (String, Service, Family)| {
        let (start, before) = (Instant::now(), service.cpu_time()?);
        let (mut latencies, mut count) = (Histogram::default(), 0);
        while start.elapsed() < setup.window() {
            let sent = Instant::now();
            family.rotate()?;
            latencies.record(sent.elapsed());
            count += 1;
        }
        Ok(Window::of(service.cpu_time()?.saturating_sub(before), count, &latencies))
    };
    in_turns(setup, &mut services, |(name, ..)| name.clone(), measure)
}

/// Measures each candidate once a round.
fn in_turns<T>(
    setup: &Setup,
    candidates: &mut [T],
    name: impl Fn(&T) -> String,
    measure: impl Fn(&mut T) -> Result<Window>,
) -> Result<Vec<Row>> {
    let mut rounds: Vec<Vec<Window>> = Vec::new();
    for _ in 0..setup.rounds() {
        let undisturbed = |candidate: &mut T| setup.disturbances.undisturbed(|| measure(candidate));
        rounds.push(candidates.iter_mut().map(undisturbed).collect::<Result<_>>()?);
    }
    let row = |(index, candidate): (usize, &T)| {
        let each = |figure: fn(&Window) -> f64| {
            Spread::of(rounds.iter().filter_map(|round| round.get(index).map(figure)))
        };
        let ratio = |round: &Vec<Window>| Some(round.get(index)?.cpu / round.first()?.cpu);
        Row {
            name: name(candidate),
            cpu: each(|window| window.cpu),
            cpu_ratio: Spread::of(rounds.iter().filter_map(ratio)),
            p50: each(|window| window.p50),
            p99: each(|window| window.p99),
        }
    };
    Ok(candidates.iter().enumerate().map(row).collect())
}

/// The latest refresh token of a user, used over one connection.
struct Family {
    client: Client,
    token: String,
    uses: u32,
}

impl Family {
    fn start(service: &Service, tokens: &Tokens, user: usize) -> Result<Self> {
        let mut client = Client::to(service.address());
        let reply = client.post("/oauth/token", "10.0.0.1", &tokens.sign_in(LENIENT, user)?);
        let Reply::Answered(answer) = reply else { bail!("the node did not answer") };
        let token = answer.text("access_token").context("there is no refresh token")?.to_owned();
        Ok(Self { client, token, uses: 0 })
    }

    /// From another address each time, so that no limit is reached.
    fn rotate(&mut self) -> Result<()> {
        self.uses += 1;
        let [_, a, b, c] = self.uses.to_be_bytes();
        let reply =
            self.client.post("/oauth/token", &format!("10.{a}.{b}.{c}"), &refresh(LENIENT, &self.token));
        let Reply::Answered(answer) = reply else { bail!("the node did not answer") };
        self.token = answer.text("refresh_token").with_context(|| answer.body.to_string())?.to_owned();
        Ok(())
    }
}
