//! The process itself, as Prometheus' own clients name it. Read from `/proc` at each scrape; where there is no such file, the
//! metric is absent.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// The metrics of this process.
#[derive(Debug)]
pub(super) struct ProcessMetrics;

/// What `/proc/self/stat` says.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    /// Parses it, see proc(5). The name of the program, in parentheses, may contain blanks and parentheses.
    fn parse(text: &str) -> Option<Self> {
        let (_, fields) = text.rsplit_once(')')?;
        // The first of these is the third field.
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            threads: field(20)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

impl Collector for ProcessMetrics {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let read = |path: &str| fs::read_to_string(path).ok();
        if let Some(stat) = read("/proc/self/stat").and_then(|text| Stat::parse(&text)) {
            let ticks_per_second = rustix::param::clock_ticks_per_second();
            let help = "User and system CPU time.";
            let mut cpu =
                encoder.encode_descriptor("process_cpu_seconds", help, None, MetricType::Counter)?;
            cpu.encode_counter::<NoLabelSet, f64, f64>(&ratio(stat.cpu_ticks, ticks_per_second), None)?;
            gauge(&mut encoder, "process_threads", "Threads.", stat.threads)?;
            gauge(&mut encoder, "process_virtual_memory_bytes", "Virtual memory.", stat.virtual_bytes)?;
            let resident = stat.resident_pages * rustix::param::page_size() as u64;
            gauge(&mut encoder, "process_resident_memory_bytes", "Resident memory.", resident)?;
            if let Some(boot) = read("/proc/stat").and_then(|text| boot_unix_seconds(&text)) {
                let start = ratio(boot * ticks_per_second + stat.start_ticks, ticks_per_second);
                gauge(&mut encoder, "process_start_time_seconds", "Start of the process, unix time.", start)?;
            }
        }
        if let Ok(open) = fs::read_dir("/proc/self/fd") {
            // One of them is this directory's.
            let open = (open.count() as u64).saturating_sub(1);
            gauge(&mut encoder, "process_open_fds", "Open file descriptors.", open)?;
        }
        if let Some(max) = read("/proc/self/limits").and_then(|text| max_open_files(&text)) {
            gauge(&mut encoder, "process_max_fds", "Most file descriptors that may be open.", max)?;
        }
        Ok(())
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> fmt::Result {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

#[expect(clippy::cast_precision_loss, reason = "ticks are exact up to two million years")]
fn ratio(ticks: u64, ticks_per_second: u64) -> f64 {
    ticks as f64 / ticks_per_second as f64
}

/// From `/proc/stat`.
fn boot_unix_seconds(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()
}

/// The soft limit from `/proc/self/limits`; without a limit there is no number.
fn max_open_files(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_the_program_may_look_like_other_fields() {
        let rest = "S 1 2 3 4 5 6 7 8 9 10 70 30 13 14 15 16 8 18 5000 90000 21 22";
        let stat =
            Stat { cpu_ticks: 100, threads: 8, start_ticks: 5000, virtual_bytes: 90_000, resident_pages: 21 };
        assert_eq!(Stat::parse(&format!("7 (a b) 1 2) {rest}")), Some(stat));
        assert_eq!(Stat::parse("7 (a) S 1 2"), None);
        assert_eq!(Stat::parse(""), None);
    }

    #[test]
    fn the_other_files_of_proc_are_read_by_their_lines() {
        assert_eq!(boot_unix_seconds("cpu 1 2\nbtime 1700000000\nprocesses 3\n"), Some(1_700_000_000));
        assert_eq!(boot_unix_seconds("cpu 1 2\n"), None);
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\n";
        assert_eq!(max_open_files(limits), Some(1024));
        assert_eq!(max_open_files(&limits.replace("1024", "unlimited")), None);
    }
}
