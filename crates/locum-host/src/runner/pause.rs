//! The pause of an issuer whose calls end the runner again and again. Other issuers of the plugin are not paused.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use crate::calling::backend::IssuerLabel;
use crate::limits::{RUNNER_DEATHS_MAX, RUNNER_DEATHS_WINDOW, RUNNER_PAUSE};
use crate::pauses::{PauseScope, PluginPause};

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

    /// How much longer it lasts; `None` if it has ended.
    fn remaining(&self, now: Instant) -> Option<Duration> {
        self.last.and_then(|(_, end)| end.checked_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// Ends it. Returns false if it had ended.
    fn end(&mut self, now: Instant) -> bool {
        let is_paused = self.is_paused(now);
        if let Some((_, end)) = self.last.as_mut().filter(|_| is_paused) {
            *end = now;
        }
        is_paused
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

/// The issuers of a runner that were paused, for operators. An issuer that a reload has replaced is not among them.
#[derive(Default)]
pub(super) struct PausedIssuers(Mutex<Vec<(IssuerLabel, Weak<Mutex<Pause>>)>>);

impl PausedIssuers {
    pub(super) fn add(&self, label: &IssuerLabel, pause: &Arc<Mutex<Pause>>) {
        let mut paused = locked(&self.0);
        paused.retain(|(_, other)| {
            other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), &raw const **pause)
        });
        paused.push((label.clone(), Arc::downgrade(pause)));
    }

    /// The pauses that have not ended.
    pub(super) fn all(&self, plugin: &str, now: Instant) -> Vec<PluginPause> {
        let remaining = |pause: &Weak<Mutex<Pause>>| locked(&*pause.upgrade()?).remaining(now);
        let paused = locked(&self.0);
        let pauses = paused.iter().filter_map(|(IssuerLabel { tenant, api_type }, pause)| {
            let (plugin, tenant, api_type) =
                (plugin.to_owned(), Some(tenant.clone()), Some(api_type.clone()));
            Some(PluginPause {
                scope: PauseScope { plugin, tenant, api_type },
                remaining: Some(remaining(pause)?),
            })
        });
        pauses.collect()
    }

    /// Ends the pauses within a scope. Returns how many.
    pub(super) fn end(&self, plugin: &str, scope: &PauseScope, now: Instant) -> usize {
        let paused = locked(&self.0);
        let pauses = paused.iter().filter(|(label, _)| scope.has(plugin, &label.tenant, &label.api_type));
        pauses.filter_map(|(_, pause)| pause.upgrade()).filter(|pause| locked(pause).end(now)).count()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn pauses_are_shown_until_they_end_or_their_issuer_is_gone() {
        let (paused, start) = (PausedIssuers::default(), Instant::now());
        let label = |tenant: &str| IssuerLabel { tenant: tenant.to_owned(), api_type: "aws".to_owned() };
        let pauses = ["a", "b"].map(|tenant| {
            let pause = Arc::new(Mutex::new(Pause::default()));
            die(&mut locked(&pause), start);
            // Twice: a second pause of the same issuer is not listed twice.
            paused.add(&label(tenant), &pause);
            paused.add(&label(tenant), &pause);
            pause
        });
        let shown = |seconds: u32| {
            let shown = paused.all("aws", start + seconds * SECOND).into_iter();
            shown.map(|pause| (pause.scope.tenant.unwrap(), pause.remaining.unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(shown(4), [("a".to_owned(), 6 * SECOND), ("b".to_owned(), 6 * SECOND)]);
        assert_eq!(shown(10), []);
        let scope =
            |tenant: &str| PauseScope { tenant: Some(tenant.to_owned()), ..PauseScope::of_plugin("aws") };
        assert_eq!(paused.end("aws", &PauseScope::of_plugin("app"), start), 0);
        assert_eq!(paused.end("aws", &scope("c"), start), 0);
        assert_eq!(paused.end("aws", &scope("a"), start + SECOND), 1);
        assert_eq!(paused.end("aws", &scope("a"), start + SECOND), 0);
        assert!(
            !locked(&pauses[0]).is_paused(start + SECOND) && locked(&pauses[1]).is_paused(start + SECOND)
        );
        assert_eq!(shown(1).len(), 1);
        drop(pauses);
        assert_eq!(shown(1), []);
        let next = Arc::new(Mutex::new(Pause::default()));
        paused.add(&label("d"), &next);
        assert_eq!(locked(&paused.0).len(), 1, "those that are gone are removed");
    }

    #[test]
    fn a_pause_doubles_up_to_five_minutes_and_starts_over_after_a_time_without_one() {
        let (mut pause, mut now) = (Pause::default(), Instant::now());
        for seconds in [10, 20, 40, 80, 160, 300, 300] {
            assert_eq!(die(&mut pause, now), seconds * SECOND);
            now += seconds * SECOND;
        }
        now += 360 * SECOND;
        assert_eq!(die(&mut pause, now), 300 * SECOND);
        now += 300 * SECOND + 361 * SECOND;
        assert_eq!(die(&mut pause, now), 10 * SECOND);
    }
}
