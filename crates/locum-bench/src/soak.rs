//! A long run at 0.8 of the capacity: memory and latency must stay, and nothing may be refused.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::disturbances;
use crate::exchange::Exchange;
use crate::gate::{SoakLimits, Verdict};
use crate::histogram::Histogram;
use crate::load::{Arrivals, Load};
use crate::measure::{Setup, capacity};
use crate::requests::Requests;
use crate::statistics::Spread;

const EXCHANGE: Exchange = Exchange::Hs256Hs256;
const CONNECTIONS: usize = 256;
const LOAD: f64 = 0.8;
/// Lines that are printed in all.
const INTERVALS: u32 = 40;
/// How long requests arrive at one rate.
const SLICE: Duration = Duration::from_secs(1);

/// What was seen in one interval.
struct Interval {
    resident_bytes: f64,
    /// Of the seconds in which the machine was not disturbed; `None` if there was none.
    p99_ms: Option<f64>,
}

/// Runs for so long, prints what it sees, and fails on growth and on every refusal.
pub(crate) fn run(setup: &Setup, time: Duration, limits: SoakLimits, out: &mut dyn Write) -> Result<()> {
    let service = setup.processors.start(&mut setup.locum("soak")?)?;
    let requests = Requests::of_users(EXCHANGE, 0, setup.users(EXCHANGE))?;
    let mut per_second = capacity(setup, &service, EXCHANGE, &requests)? * LOAD;
    let mut load = Load::connect(service.address(), &requests, CONNECTIONS, setup.processors.load_threads())?;
    writeln!(
        out,
        "{per_second:.0} requests per second, {LOAD} of the capacity, over {CONNECTIONS} connections; then as many as keep \
         the processor busy for {LOAD} of the time"
    )?;
    writeln!(
        out,
        "{:>9}{:>14}{:>10}{:>10}{:>12}",
        "seconds", "memory, MB", "p50, ms", "p99, ms", "answered"
    )?;
    let mut intervals = Vec::new();
    let (mut refused, mut disturbed) = (0, 0);
    for number in 1..=INTERVALS {
        let (mut latencies, mut answered) = (Histogram::default(), 0);
        let begin = Instant::now();
        while begin.elapsed() < time / INTERVALS {
            let (before, slice) = (service.cpu_time()?, SLICE.min(time / INTERVALS));
            let (outcome, is_disturbed) =
                disturbances::once(|| load.run_for(Arrivals::Open { per_second }, slice))?;
            if is_disturbed {
                disturbed += 1;
            } else {
                latencies.add(&outcome.latencies);
            }
            answered += outcome.successes();
            refused += outcome.responses() - outcome.successes();
            per_second = rate(outcome.responses(), service.cpu_time()?.saturating_sub(before), per_second);
        }
        let ms = |share| (!latencies.is_empty()).then(|| latencies.quantile(share).as_secs_f64() * 1e3);
        let interval = Interval { resident_bytes: service.resident_bytes()? as f64, p99_ms: ms(0.99) };
        let shown = |ms: Option<f64>| ms.map_or("–".to_owned(), |ms| format!("{ms:.2}"));
        writeln!(
            out,
            "{:>9.0}{:>14.1}{:>10}{:>10}{:>12}",
            (time / INTERVALS * number).as_secs_f64(),
            interval.resident_bytes / 1e6,
            shown(ms(0.5)),
            shown(interval.p99_ms),
            answered,
        )?;
        intervals.push(interval);
    }
    if disturbed > 0 {
        writeln!(
            out,
            "the latencies of {disturbed} seconds are left out, because the host of this virtual machine had taken away its \
             processors"
        )?;
    }
    let verdicts = verdicts(&intervals, refused, limits);
    for verdict in verdicts.iter().filter(|verdict| !verdict.good) {
        writeln!(out, "{}: {:.2}, at most {}", verdict.what, verdict.measured, verdict.limit)?;
    }
    if !verdicts.iter().all(|verdict| verdict.good) {
        bail!("the soak found growth or refusals");
    }
    Ok(())
}

/// The rate that keeps the service's processor busy for [`LOAD`] of the time, by the CPU time that responses took: a machine
/// that is shared is not equally fast for ten minutes.
fn rate(responses: u64, cpu_time: Duration, before: f64) -> f64 {
    if responses == 0 || cpu_time.is_zero() {
        return before;
    }
    LOAD * responses as f64 / cpu_time.as_secs_f64()
}

/// The first quarter is left out: caches and buckets fill in it.
fn verdicts(intervals: &[Interval], refused: u64, limits: SoakLimits) -> [Verdict; 3] {
    let quarter = intervals.len() / 4;
    let growth = |figure: fn(&Interval) -> Option<f64>| {
        // Without a figure the growth is unknown, which is not good.
        let median = |part: &[Interval]| {
            let figures: Vec<f64> = part.iter().filter_map(figure).collect();
            if figures.is_empty() { f64::NAN } else { Spread::of(figures).median }
        };
        let second = intervals.get(quarter..2 * quarter).unwrap_or_default();
        let last = intervals.get(3 * quarter..).unwrap_or_default();
        median(last) / median(second)
    };
    [
        Verdict::at_most(
            "growth of memory",
            growth(|interval| Some(interval.resident_bytes)),
            limits.resident_growth,
        ),
        Verdict::at_most("growth of p99", growth(|interval| interval.p99_ms), limits.p99_growth),
        Verdict::at_most("refused", refused as f64, 0.0),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: SoakLimits = SoakLimits { resident_growth: 1.03, p99_growth: 1.5 };

    fn good(memory: [f64; 8], p99: [f64; 8], refused: u64) -> [bool; 3] {
        let interval =
            |(resident_bytes, p99_ms)| Interval { resident_bytes, p99_ms: (p99_ms > 0.0).then_some(p99_ms) };
        let intervals: Vec<Interval> = memory.into_iter().zip(p99).map(interval).collect();
        verdicts(&intervals, refused, LIMITS).map(|verdict| verdict.good)
    }

    #[test]
    fn the_rate_follows_the_cpu_time_of_a_response() {
        assert_eq!(rate(1000, Duration::from_millis(50), 1.0), 16_000.0);
        assert_eq!(rate(0, Duration::from_millis(50), 1.0), 1.0);
        assert_eq!(rate(10, Duration::ZERO, 1.0), 1.0);
    }

    #[test]
    fn growth_in_the_first_quarter_is_warming_up() {
        let flat = [1.0, 5.0, 10.0, 10.0, 10.0, 10.0, 10.0, 10.0];
        assert_eq!(good(flat, flat, 0), [true; 3]);
    }

    #[test]
    fn growth_after_it_and_refusals_fail() {
        let (flat, grows) = ([10.0; 8], [10.0, 10.0, 10.0, 10.0, 12.0, 14.0, 16.0, 18.0]);
        assert_eq!(good(grows, flat, 0), [false, true, true]);
        assert_eq!(good(flat, grows, 0), [true, false, true]);
        assert_eq!(good(flat, flat, 1), [true, true, false]);
    }

    #[test]
    fn intervals_without_latencies_are_left_out_unless_no_other_is_there() {
        let flat = [10.0; 8];
        assert_eq!(good(flat, [1.0, 5.0, 0.0, 10.0, 10.0, 10.0, 0.0, 10.0], 0), [true; 3]);
        assert_eq!(good(flat, [1.0, 5.0, 10.0, 10.0, 10.0, 10.0, 0.0, 0.0], 0), [true, false, true]);
    }
}
