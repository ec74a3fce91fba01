//! PostgreSQL, Redis, the nodes that share them, and the proxy in front, in a temporary folder.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use locum_testing::{PostgresServer, RedisServer};
use tempfile::TempDir;

use crate::cluster::proxy::Proxy;
use crate::cluster::tenant::{self, Place};
use crate::process::{self, Service};

/// How many nodes there are.
pub(super) const NODES: usize = 3;

/// The name of the file with the master keys.
const MASTER_KEYS: &str = "master.keys";

/// A library that shows a program another time.
const SHIFTED_CLOCK: &str = include_str!("shifted_clock.c");

/// A running service of several nodes. All of it stops when it is dropped, in this order.
pub(super) struct Cluster {
    pub(super) proxy: Proxy,
    pub(super) nodes: [Node; NODES],
    pub(super) redis: RedisServer,
    pub(super) postgres: PostgresServer,
    pub(super) tenant: PathBuf,
    /// A token of the tenant's Management API, where it has one: its rows are in the database.
    pub(super) management: Option<String>,
    pub(super) folder: TempDir,
}

impl Cluster {
    /// Starts all of it: `locum` with plugins, for the tenant of the fixtures.
    pub(super) fn start(locum: &Path, plugins: &Path, fixtures: &Path, place: Place) -> Result<Self> {
        let folder = TempDir::new()?;
        let postgres = PostgresServer::start().context("PostgreSQL is not installed")?;
        let redis = RedisServer::start(folder.path()).context("Redis is not installed")?;
        let tenant = tenant::write(folder.path(), fixtures)?;
        let [first, second, third, front] = free_addresses()?;
        let master_keys = folder.path().join(MASTER_KEYS);
        let (postgres_url, redis_url) = (postgres.url(), redis.url());
        let shared =
            Shared { plugins, tenant: &tenant, place, master_keys, postgres: postgres_url, redis: redis_url };
        let node = |number: usize, address| Node::new(locum, folder.path(), number, address, &shared);
        let mut nodes = [node(1, first)?, node(2, second)?, node(3, third)?];
        let mut management = None;
        if place == Place::Database {
            let [node, ..] = &nodes;
            node.run(&["state", "init"])?;
            node.run(&["state", "import", &tenant.to_string_lossy()])?;
            let minted = node.run(&["token", "mint-management", "--tenant", &tenant.to_string_lossy()])?;
            management = Some(minted.trim().to_owned());
        }
        for node in &mut nodes {
            node.start_again()?;
        }
        let proxy = Proxy::start(folder.path(), front, [first, second, third])?;
        Ok(Self { proxy, nodes, redis, postgres, tenant, management, folder })
    }

    /// The key that seals secrets in the database, if the tenant is there.
    pub(super) fn master_key(&self) -> Result<Option<String>> {
        if self.management.is_none() {
            return Ok(None);
        }
        let line = fs::read_to_string(self.folder.path().join(MASTER_KEYS))?;
        let (_, key) = line.trim_end().split_once(':').context("the master keys have no line ID:KEY")?;
        Ok(Some(key.to_owned()))
    }

    pub(super) fn addresses(&self) -> [SocketAddr; NODES] {
        self.nodes.each_ref().map(|node| node.address)
    }
}

/// What the config of every node names.
struct Shared<'a> {
    plugins: &'a Path,
    tenant: &'a Path,
    place: Place,
    master_keys: PathBuf,
    postgres: String,
    redis: String,
}

impl Shared<'_> {
    /// The config of a node.
    fn config(&self, address: SocketAddr) -> String {
        let Self { plugins, tenant, place, master_keys, postgres, redis } = self;
        let tenants = match place {
            Place::Files => format!("tenants = [{tenant:?}]\nmigrate = true"),
            Place::Database => format!("directory = \"database\"\nmaster_keys_file = {master_keys:?}"),
        };
        format!(
            "listen = \"{address}\"\nplugins_dir = {plugins:?}\n{tenants}\npostgres = {postgres:?}\nredis = {redis:?}\n\
             trusted_proxies = [\"127.0.0.1\"]\naudit = {{ file = \"audit.jsonl\" }}\n"
        )
    }
}

/// One server.
pub(super) struct Node {
    locum: PathBuf,
    folder: PathBuf,
    address: SocketAddr,
    service: Option<Service>,
}

impl Node {
    /// One with a folder and a config, which does not run yet.
    fn new(
        locum: &Path,
        folder: &Path,
        number: usize,
        address: SocketAddr,
        shared: &Shared<'_>,
    ) -> Result<Self> {
        let folder = folder.join(format!("node-{number}"));
        fs::create_dir(&folder)?;
        fs::write(folder.join("locum.toml"), shared.config(address))?;
        Ok(Self { locum: locum.to_owned(), folder, address, service: None })
    }

    /// Runs a command beside its config. Returns what it prints.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new(&self.locum).args(arguments).current_dir(&self.folder).output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "locum {}: {said}", arguments.join(" "));
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Kills it, so that it finishes nothing.
    pub(super) fn kill(&mut self) {
        self.service = None;
    }

    /// Stops it as an operator does: it finishes what it has begun.
    pub(super) fn stop(&mut self) -> Result<()> {
        self.signal("-TERM")?;
        let service = self.service.take().context("the node does not run")?;
        service.wait()
    }

    /// Starts it after [`Self::kill`] or [`Self::stop`], and waits until it listens.
    pub(super) fn start_again(&mut self) -> Result<()> {
        self.start_as(&mut self.command()?)
    }

    /// Tries the same, and fails unless it refuses to start and says this.
    pub(super) fn refuses_to_start(&mut self, because: &str) -> Result<()> {
        let before = self.log().len();
        ensure!(self.start_again().is_err(), "a node starts although {because}");
        self.service = None;
        let log = self.log();
        let said = log.get(before..).unwrap_or_default();
        ensure!(said.contains(because), "a node that does not start does not say that {because}: {said}");
        Ok(())
    }

    /// Starts it with a clock that is off by so many seconds: ahead, or behind if there are less than none.
    pub(super) fn start_with_shifted_clock(&mut self, seconds: i32) -> Result<()> {
        let (source, library) = (self.folder.join("shifted_clock.c"), self.folder.join("shifted_clock.so"));
        fs::write(&source, SHIFTED_CLOCK)?;
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status()?;
        ensure!(compiled.success(), "cc does not compile {}", source.display());
        let mut command = self.command()?;
        self.start_as(command.env("LD_PRELOAD", &library).env("CLOCK_SHIFT", seconds.to_string()))
    }

    /// Lets it stand still by `-STOP`, and go on by `-CONT`.
    pub(super) fn signal(&self, signal: &str) -> Result<()> {
        let service = self.service.as_ref().context("the node does not run")?;
        Command::new("kill").args([signal, &service.id().to_string()]).status()?;
        Ok(())
    }

    fn command(&self) -> Result<Command> {
        let mut command = process::locum(&self.locum, &self.folder.join("locum.toml"));
        command.stderr(File::options().create(true).append(true).open(self.folder.join("log"))?);
        Ok(command)
    }

    fn start_as(&mut self, command: &mut Command) -> Result<()> {
        let started = Service::start(command);
        self.service = Some(started.with_context(|| self.log())?);
        Ok(())
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// Addresses of this machine that are free: the system gives others first when they are.
fn free_addresses<const N: usize>() -> Result<[SocketAddr; N]> {
    let mut listeners = Vec::new();
    for _ in 0..N {
        listeners.push(TcpListener::bind("127.0.0.1:0")?);
    }
    let addresses = listeners.iter().map(TcpListener::local_addr).collect::<Result<Vec<_>, _>>()?;
    addresses.try_into().ok().context("there are as many addresses as listeners")
}
