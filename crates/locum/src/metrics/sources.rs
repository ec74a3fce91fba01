//! What is not counted for metrics but known anyway: it is asked for at each scrape.

use std::fmt;

use locum_database::directory::DirectoryStatus;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::last_reload::LastReload;
use crate::metrics::counter::encode_counter;

/// Where values are read.
pub(crate) struct Sources {
    /// Rate-limit buckets that are kept.
    pub(crate) buckets: Box<dyn Fn() -> usize + Send + Sync>,
    /// Questions to shared rate-limit buckets that were not answered; `None` if the buckets are this server's own.
    pub(crate) buckets_unavailable: Box<dyn Fn() -> Option<u64> + Send + Sync>,
    /// Signatures that wait to be made.
    pub(crate) signing_queue: Box<dyn Fn() -> usize + Send + Sync>,
    /// Audit events that were dropped.
    pub(crate) audit_dropped: Box<dyn Fn() -> u64 + Send + Sync>,
    /// The plugins, and how often processes of their own ended.
    pub(crate) plugin_restarts: Box<dyn Fn() -> Vec<(String, u64)> + Send + Sync>,
    /// The issuers whose keys were fetched, and how many seconds ago.
    pub(crate) issuer_keys: Box<dyn Fn() -> Vec<(String, u64)> + Send + Sync>,
    /// The tenants in a database; `None` if they are in files.
    pub(crate) directory: Box<dyn Fn() -> Option<DirectoryStatus> + Send + Sync>,
    /// How the last reload ended.
    pub(crate) reload: Box<dyn Fn() -> LastReload + Send + Sync>,
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let help = "Ends of plugins' own processes, each of which was started anew.";
        let name = "locum_plugin_restarts";
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (plugin, restarts) in (self.plugin_restarts)() {
            encode_counter(&mut family, &[("plugin", plugin.as_str())], restarts)?;
        }
        let (name, help) =
            ("locum_issuer_keys_age_seconds", "How long ago the keys of an issuer were fetched.");
        let mut ages = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (issuer, age) in (self.issuer_keys)() {
            ages.encode_family(&[("issuer", issuer.as_str())])?.encode_gauge(&age)?;
        }
        let help = "Audit events that were dropped.";
        let name = "locum_audit_dropped";
        let mut dropped = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        dropped.encode_counter::<NoLabelSet, u64, f64>(&(self.audit_dropped)(), None)?;
        if let Some(unavailable) = (self.buckets_unavailable)() {
            let help = "Questions to the rate-limit buckets in Redis that were not answered.";
            let mut family =
                encoder.encode_descriptor("locum_buckets_unavailable", help, None, MetricType::Counter)?;
            family.encode_counter::<NoLabelSet, u64, f64>(&unavailable, None)?;
        }
        encode_directory(&mut encoder, (self.directory)().as_ref())?;
        let LastReload { succeeded, loaded_at_unix_seconds } = (self.reload)();
        let gauges = [
            ("locum_buckets", "Rate-limit buckets in memory.", (self.buckets)() as u64),
            ("locum_signing_queue_length", "Signatures that wait to be made.", (self.signing_queue)() as u64),
            ("locum_tenant_reload_success", "Whether the last reload succeeded.", u64::from(succeeded)),
            (
                "locum_tenant_reload_timestamp_seconds",
                "When the tenants in use were loaded, unix time.",
                loaded_at_unix_seconds,
            ),
        ];
        for (name, help, value) in gauges {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
        }
        Ok(())
    }
}

/// All are zero without such a directory, so that alerts and dashboards name nothing that is not there.
fn encode_directory(encoder: &mut DescriptorEncoder<'_>, directory: Option<&DirectoryStatus>) -> fmt::Result {
    let value = |read: fn(&DirectoryStatus) -> u64| directory.map_or(0, read);
    let help = "Look-ups of clients, users, origins and resources of tenants in a database.";
    let name = "locum_directory_lookups";
    let mut look_ups = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (outcome, count) in [
        ("from_memory", value(|directory| directory.look_ups.from_memory)),
        ("read", value(|directory| directory.look_ups.read)),
        ("absent", value(|directory| directory.look_ups.absent)),
        ("unavailable", value(|directory| directory.look_ups.unavailable)),
    ] {
        encode_counter(&mut look_ups, &[("outcome", outcome)], count)?;
    }
    for (name, help, value) in [
        (
            "locum_directory_entries",
            "Clients, users and other look-ups that are in memory.",
            value(|directory| directory.entries as u64),
        ),
        ("locum_directory_bytes", "About how many bytes these take.", value(|directory| directory.bytes)),
        (
            "locum_directory_age_seconds",
            "How long ago what is in memory was known to be what the database has.",
            value(|directory| directory.age.as_secs()),
        ),
        (
            "locum_directory_unusable_tenants",
            "Tenants whose rows cannot be used.",
            value(|directory| directory.unusable_tenants.len() as u64),
        ),
    ] {
        encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)?;
    }
    Ok(())
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
