//! PostgreSQL, Redis, the nodes that share them, and the proxy in front, in a temporary folder.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use locum_testing::{PostgresServer, RedisServer};
use tempfile::TempDir;

use crate::cluster::proxy::Proxy;
use crate::cluster::tenant;
use crate::process::{self, Service};

/// How many nodes there are.
pub(super) const NODES: usize = 3;

/// A library that shows a program another time.
const CLOCK_AHEAD: &str = include_str!("clock_ahead.c");

/// A running service of several nodes. All of it stops when it is dropped, in this order.
pub(super) struct Cluster {
    pub(super) proxy: Proxy,
    pub(super) nodes: [Node; NODES],
    pub(super) redis: RedisServer,
    pub(super) postgres: PostgresServer,
    pub(super) tenant: PathBuf,
    pub(super) folder: TempDir,
}

impl Cluster {
    /// Starts all of it: `locum` with plugins, for the tenant of the fixtures.
    pub(super) fn start(locum: &Path, plugins: &Path, fixtures: &Path) -> Result<Self> {
        let folder = TempDir::new()?;
        let postgres = PostgresServer::start().context("PostgreSQL is not installed")?;
        let redis = RedisServer::start(folder.path()).context("Redis is not installed")?;
        let tenant = tenant::write(folder.path(), fixtures)?;
        let [first, second, third, front] = free_addresses()?;
        let shared = Shared { plugins, tenant: &tenant, postgres: postgres.url(), redis: redis.url() };
        let node = |number: usize, address| Node::start(locum, folder.path(), number, address, &shared);
        let nodes = [node(1, first)?, node(2, second)?, node(3, third)?];
        let proxy = Proxy::start(folder.path(), front, [first, second, third])?;
        Ok(Self { proxy, nodes, redis, postgres, tenant, folder })
    }

    pub(super) fn addresses(&self) -> [SocketAddr; NODES] {
        self.nodes.each_ref().map(|node| node.address)
    }
}

/// What the config of every node names.
struct Shared<'a> {
    plugins: &'a Path,
    tenant: &'a Path,
    postgres: String,
    redis: String,
}

impl Shared<'_> {
    /// The config of a node.
    fn config(&self, address: SocketAddr) -> String {
        let Self { plugins, tenant, postgres, redis } = self;
        format!(
            "listen = \"{address}\"\nplugins_dir = {plugins:?}\ntenants = [{tenant:?}]\npostgres = {postgres:?}\n\
             migrate = true\nredis = {redis:?}\ntrusted_proxies = [\"127.0.0.1\"]\naudit = {{ file = \"audit.jsonl\" }}\n"
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
    fn start(
        locum: &Path,
        folder: &Path,
        number: usize,
        address: SocketAddr,
        shared: &Shared<'_>,
    ) -> Result<Self> {
        let folder = folder.join(format!("node-{number}"));
        fs::create_dir(&folder)?;
        fs::write(folder.join("locum.toml"), shared.config(address))?;
        let mut node = Self { locum: locum.to_owned(), folder, address, service: None };
        node.start_again()?;
        Ok(node)
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

    /// The same with a clock that is ahead.
    pub(super) fn start_with_clock_ahead(&mut self, seconds: u32) -> Result<()> {
        let (source, library) = (self.folder.join("clock_ahead.c"), self.folder.join("clock_ahead.so"));
        fs::write(&source, CLOCK_AHEAD)?;
        let compiled =
            Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status()?;
        ensure!(compiled.success(), "cc does not compile {}", source.display());
        let mut command = self.command()?;
        self.start_as(command.env("LD_PRELOAD", &library).env("CLOCK_AHEAD", seconds.to_string()))
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
        let log = self.folder.join("log");
        let started = Service::start(command);
        let said = || fs::read_to_string(&log).unwrap_or_default();
        self.service = Some(started.with_context(said)?);
        Ok(())
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
