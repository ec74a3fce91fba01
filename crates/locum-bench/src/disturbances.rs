//! Measures again what was measured while the machine was not ours: the host of a virtual machine takes its processors away.

use std::cell::Cell;
use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

/// How much of the processors' time may have been taken away while something was measured.
const STOLEN_MAX: f64 = 0.02;
/// How often one thing is measured again.
const REPEATS_MAX: u32 = 10;
/// The same of all things together, so that a run ends.
const ALL_REPEATS_MAX: u32 = 300;
/// Before something is measured again.
const PAUSE: Duration = Duration::from_millis(500);

/// Counts what was measured again.
#[derive(Debug, Default)]
pub(crate) struct Disturbances(Cell<u32>);

impl Disturbances {
    /// Measures, and again if the machine was disturbed. An error is one only if it was not, or if it always was.
    pub(crate) fn undisturbed<T>(&self, mut measure: impl FnMut() -> Result<T>) -> Result<T> {
        for _ in 0..REPEATS_MAX {
            let before = ProcessorTime::now()?;
            let measured = measure();
            if !disturbed_since(&before)? || self.0.get() == ALL_REPEATS_MAX {
                return measured;
            }
            self.0.set(self.0.get() + 1);
            sleep(PAUSE);
        }
        measure()
    }

    /// How often something was measured again.
    pub(crate) fn repeats(&self) -> u32 {
        self.0.get()
    }

    /// A sentence about that, unless nothing was.
    pub(crate) fn sentence(&self) -> Option<String> {
        (self.repeats() > 0).then(|| {
            format!(
                "Windows that were measured again because the host of this virtual machine had taken away more than {:.0} % of \
                 its processors' time: {}.",
                STOLEN_MAX * 100.0,
                self.repeats()
            )
        })
    }
}

/// Measures once. Also returns whether the machine was disturbed.
pub(crate) fn once<T>(measure: impl FnOnce() -> Result<T>) -> Result<(T, bool)> {
    let before = ProcessorTime::now()?;
    let measured = measure()?;
    Ok((measured, disturbed_since(&before)?))
}

fn disturbed_since(before: &ProcessorTime) -> Result<bool> {
    Ok(ProcessorTime::now()?.stolen_since(before) > STOLEN_MAX)
}

/// The time of all processors since the start of the machine, in ticks of the kernel.
#[derive(Debug, Clone, Copy, PartialEq)]
struct ProcessorTime {
    all: u64,
    stolen: u64,
}

impl ProcessorTime {
    fn now() -> Result<Self> {
        Self::read(&fs::read_to_string("/proc/stat")?).context("/proc/stat has no line of all processors")
    }

    /// User, nice, system, idle, waiting for I/O, two kinds of interrupts, stolen; then guests, whose time is in the first two.
    fn read(stat: &str) -> Option<Self> {
        let times = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
        let times = times.map(str::parse).collect::<Result<Vec<u64>, _>>().ok()?;
        Some(Self { all: times.iter().sum(), stolen: *times.get(7)? })
    }

    /// The share of the time since then.
    fn stolen_since(&self, before: &Self) -> f64 {
        let [all, stolen] = [(self.all, before.all), (self.stolen, before.stolen)]
            .map(|(now, before)| now.saturating_sub(before));
        stolen as f64 / all.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stolen_share_is_that_of_the_time_between() {
        let read = |stat: &str| ProcessorTime::read(stat);
        let before = read("cpu  100 0 50 800 10 0 0 40 7 7\ncpu0 1 2 3 4 5 6 7 8 9 10\n").unwrap();
        assert_eq!(before, ProcessorTime { all: 1000, stolen: 40 });
        let after = read("cpu  150 0 60 830 10 0 0 50 7 7\n").unwrap();
        assert_eq!(after.stolen_since(&before), 0.1);
        assert_eq!(before.stolen_since(&before), 0.0);
        for stat in ["", "cpu0 1 2 3 4 5 6 7 8", "cpu  1 2 3", "cpu  a b c d e f g h"] {
            assert_eq!(read(stat), None, "{stat}");
        }
        assert!(ProcessorTime::now().unwrap().all > 0);
    }
}
