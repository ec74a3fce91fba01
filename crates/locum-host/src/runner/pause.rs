//! The pause of an issuer whose calls end the runner again and again. Other issuers of the plugin are not paused.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{RUNNER_DEATHS_MAX, RUNNER_DEATHS_WINDOW, RUNNER_PAUSE};

/// Counts the deaths that one issuer is guilty of.
#[derive(Debug, Default)]
pub(super) struct Pause {
    deaths: Vec<Instant>,
    /// The last pause, with its end.
    last: Option<(Duration, Instant)>,
}

impl Pause {
    pub(super) fn is_paused(&self, now: Instant) -> bool {
        self.last.is_some_and(|(_, end)| now < end)
    }

    /// Counts a death. Returns the length of the pause that begins with it, if one does.
    pub(super) fn count_death(&mut self, now: Instant) -> Option<Duration> {
        self.deaths.retain(|death| now.duration_since(*death) < RUNNER_DEATHS_WINDOW);
        self.deaths.push(now);
        if self.deaths.len() < RUNNER_DEATHS_MAX {
            return None;
        }
        self.deaths.clear();
        let (shortest, longest) = RUNNER_PAUSE;
        let length = match self.last {
            // An issuer that did no harm for as long as its last pause, and a window more, starts over.
            Some((length, end)) if now.duration_since(end) <= length + RUNNER_DEATHS_WINDOW => {
                (length * 2).min(longest)
            }
            _ => shortest,
        };
        self.last = Some((length, now + length));
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Dies so often that a pause begins, and returns its length.
    fn die(pause: &mut Pause, now: Instant) -> Duration {
        assert_eq!((pause.count_death(now), pause.count_death(now)), (None, None));
        pause.count_death(now).unwrap()
    }

    #[test]
    fn three_deaths_within_a_minute_pause_for_ten_seconds() {
        let (mut pause, start) = (Pause::default(), Instant::now());
        assert_eq!(pause.count_death(start), None);
        assert_eq!(pause.count_death(start + 30 * SECOND), None);
        assert!(!pause.is_paused(start + 30 * SECOND));
        assert_eq!(pause.count_death(start + 59 * SECOND), Some(10 * SECOND));
        assert!(pause.is_paused(start + 68 * SECOND));
        assert!(!pause.is_paused(start + 69 * SECOND));
    }

    #[test]
    fn three_deaths_in_more_than_a_minute_pause_nothing() {
        let (mut pause, start) = (Pause::default(), Instant::now());
        for second in [0, 30, 60, 91, 121] {
            assert_eq!(pause.count_death(start + second * SECOND), None);
        }
    }

    #[test]
    fn a_pause_doubles_up_to_five_minutes_and_starts_over_after_a_time_without_one() {
        let (mut pause, mut now) = (Pause::default(), Instant::now());
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(die(&mut pause, now), seconds * SECOND);
            now += seconds * SECOND;
        }
        now += 361 * SECOND;
        assert_eq!(die(&mut pause, now), 10 * SECOND);
    }
}
