//! What is not counted for metrics but known anyway: it is asked for at each scrape.

use std::fmt;

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

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").finish_non_exhaustive()
    }
}
