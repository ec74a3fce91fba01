//! What happens to nodes and servers while they are under load.

use std::time::Duration;

use anyhow::Result;

use crate::cluster::nodes::{Cluster, Node};
use crate::cluster::proxy::Proxy;

/// How long a node that gets no new requests has for those that it has.
const DRAIN: Duration = Duration::from_millis(500);
/// What a later version may do to the tables of nodes that run: their statements name columns.
const LATER_SCHEMA: &str = "BEGIN; UPDATE locum_schema SET version = version + 1;
     ALTER TABLE users ADD COLUMN of_a_later_version TEXT; ALTER TABLE clients ADD COLUMN of_a_later_version TEXT;
     ALTER TABLE refresh_tokens ADD COLUMN of_a_later_version TEXT; COMMIT";
const OWN_SCHEMA: &str = "BEGIN; UPDATE locum_schema SET version = version - 1;
     ALTER TABLE users DROP COLUMN of_a_later_version; ALTER TABLE clients DROP COLUMN of_a_later_version;
     ALTER TABLE refresh_tokens DROP COLUMN of_a_later_version; COMMIT";
/// By how much the clock of a node is off.
pub(super) const CLOCK_OFF_SECONDS: i32 = 60;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Nothing,
    NodeUpgraded,
    NodeKilled,
    NodePaused,
    NodeClockAhead,
    NodeClockBehind,
    SchemaOfLaterVersion,
    PostgresRestarted,
    PostgresStopped,
    PostgresPaused,
    PostgresReadOnly,
    RedisRestarted,
    RedisStopped,
    RedisPaused,
}

impl Fault {
    pub(super) const ALL: [Self; 14] = [
        Self::Nothing,
        Self::NodeUpgraded,
        Self::NodeKilled,
        Self::NodePaused,
        Self::NodeClockAhead,
        Self::NodeClockBehind,
        Self::SchemaOfLaterVersion,
        Self::PostgresRestarted,
        Self::PostgresStopped,
        Self::PostgresPaused,
        Self::PostgresReadOnly,
        Self::RedisRestarted,
        Self::RedisStopped,
        Self::RedisPaused,
    ];

    /// One of each way, for a run that must be short.
    pub(super) const SAMPLE: [Self; 7] = [
        Self::NodeUpgraded,
        Self::NodeKilled,
        Self::NodeClockAhead,
        Self::SchemaOfLaterVersion,
        Self::PostgresPaused,
        Self::PostgresRestarted,
        Self::RedisStopped,
    ];

    /// Its name in tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::NodeUpgraded => "a node is drained and restarted",
            Self::NodeKilled => "a node is killed",
            Self::NodePaused => "a node stands still",
            Self::NodeClockAhead => "a node's clock is a minute ahead",
            Self::NodeClockBehind => "a node's clock is a minute behind",
            Self::SchemaOfLaterVersion => "a later version has changed the tables",
            Self::PostgresRestarted => "PostgreSQL is restarted",
            Self::PostgresStopped => "PostgreSQL is stopped",
            Self::PostgresPaused => "PostgreSQL stands still",
            Self::PostgresReadOnly => "PostgreSQL is read-only",
            Self::RedisRestarted => "Redis is restarted without its data",
            Self::RedisStopped => "Redis is stopped",
            Self::RedisPaused => "Redis stands still",
        }
    }

    /// Whether requests may be counted anew, or not at all.
    pub(super) const fn loses_counts(self) -> bool {
        matches!(self, Self::RedisRestarted | Self::RedisStopped | Self::RedisPaused)
    }

    /// Whether a node may not learn what another has changed while it lasts.
    pub(super) const fn parts_nodes(self) -> bool {
        matches!(
            self,
            Self::NodePaused | Self::PostgresRestarted | Self::PostgresStopped | Self::PostgresPaused
        )
    }

    pub(super) fn begin(self, cluster: &mut Cluster) -> Result<()> {
        let Cluster { proxy, nodes: [node, ..], postgres, redis, .. } = cluster;
        match self {
            Self::Nothing => {}
            Self::NodeUpgraded => drain(proxy, node)?,
            Self::NodeKilled => node.kill(),
            Self::NodePaused => node.signal("-STOP")?,
            Self::NodeClockAhead => {
                node.stop()?;
                node.start_with_shifted_clock(CLOCK_OFF_SECONDS)?;
            }
            Self::NodeClockBehind => {
                node.stop()?;
                node.start_with_shifted_clock(-CLOCK_OFF_SECONDS)?;
            }
            Self::SchemaOfLaterVersion => {
                postgres.ask(LATER_SCHEMA);
                drain(proxy, node)?;
                node.refuses_to_start("use the program that wrote it, or a later one")?;
            }
            Self::PostgresRestarted => postgres.restart(),
            Self::PostgresStopped => postgres.stop(),
            Self::PostgresPaused => postgres.signal("-STOP"),
            Self::PostgresReadOnly => set_read_only(cluster, "on"),
            Self::RedisRestarted => redis.restart(),
            Self::RedisStopped => redis.stop(),
            Self::RedisPaused => redis.signal("-STOP"),
        }
        Ok(())
    }

    pub(super) fn end(self, cluster: &mut Cluster) -> Result<()> {
        let Cluster { proxy, nodes: [node, ..], postgres, redis, .. } = cluster;
        match self {
            Self::Nothing | Self::PostgresRestarted | Self::RedisRestarted => {}
            Self::NodeUpgraded => {
                node.start_again()?;
                proxy.set_first_node("ready")?;
            }
            Self::NodeKilled => node.start_again()?,
            Self::NodePaused => node.signal("-CONT")?,
            Self::NodeClockAhead | Self::NodeClockBehind => {
                node.stop()?;
                node.start_again()?;
            }
            Self::SchemaOfLaterVersion => {
                postgres.ask(OWN_SCHEMA);
                node.start_again()?;
                proxy.set_first_node("ready")?;
            }
            Self::PostgresStopped => postgres.start_again(),
            Self::PostgresPaused => postgres.signal("-CONT"),
            Self::PostgresReadOnly => set_read_only(cluster, "off"),
            Self::RedisStopped => redis.start_again(),
            Self::RedisPaused => redis.signal("-CONT"),
        }
        Ok(())
    }
}

/// Takes the first node out of the proxy, and then stops it.
fn drain(proxy: &Proxy, node: &mut Node) -> Result<()> {
    proxy.set_first_node("drain")?;
    std::thread::sleep(DRAIN);
    node.stop()
}

/// New transactions of all connections, those that are open included.
fn set_read_only(cluster: &Cluster, value: &str) {
    cluster.postgres.ask(&format!("ALTER SYSTEM SET default_transaction_read_only = {value}"));
    cluster.postgres.ask("SELECT pg_reload_conf()");
}
