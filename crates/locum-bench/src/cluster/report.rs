//! The tables of a run.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::cluster::faults::Fault;
use crate::cluster::ratios::Row;
use crate::cluster::tally::{Bursts, Count, Kind, Tally};
use crate::table::spread;

/// What came of each kind of request during each fault.
pub(super) fn requests(runs: &[(Fault, Tally)]) -> String {
    let mut rows = vec![
        [
            "fault",
            "requests",
            "sent",
            "answered",
            "refused, by status",
            "ambiguous",
            "not sent",
            "first success after, ms",
            "last failure after, ms",
        ]
        .map(str::to_owned),
    ];
    for (fault, tally) in runs {
        for kind in Kind::ALL {
            let Some(count) = tally.counts.get(&kind) else { continue };
            let Count { sent, answered, refused, ambiguous, not_sent, first_success, last_failure } = count;
            rows.push([
                fault.name().to_owned(),
                kind.name().to_owned(),
                sent.to_string(),
                answered.to_string(),
                listed(refused),
                listed(ambiguous),
                not_sent.to_string(),
                milliseconds(*first_success),
                milliseconds(*last_failure),
            ]);
        }
    }
    table(&rows)
}

/// What must be zero, and what happened to the limit of requests.
pub(super) fn promises(runs: &[(Fault, Tally)]) -> String {
    let mut rows = vec![
        [
            "fault",
            "refresh tokens that worked twice",
            "assertions accepted twice",
            "lost",
            "changes that a node did not follow after a second, of so many asked",
            "by a node that could not learn of them",
            "families ended by a repetition: connection died, 503",
            "bursts: ten answered",
            "more, counted anew",
            "more, uncounted",
            "incomplete",
        ]
        .map(str::to_owned),
    ];
    for (fault, tally) in runs {
        let Bursts { exact, over, uncounted, incomplete } = &tally.bursts;
        let [died, unavailable] = tally.ended_by_repetition;
        rows.push([
            fault.name().to_owned(),
            tally.double_spent.to_string(),
            tally.accepted_twice.to_string(),
            tally.lost.to_string(),
            format!("{} of {}", tally.not_followed, tally.asked_for_changes),
            tally.not_learned.to_string(),
            format!("{died}, {unavailable}"),
            exact.to_string(),
            over.to_string(),
            uncounted.to_string(),
            incomplete.to_string(),
        ]);
    }
    table(&rows)
}

/// Costs in µs; ratios are to the first row of an exchange.
pub(super) fn ratios(rows: &[Row]) -> String {
    let head = ["request", "CPU time of the node, µs", "by the first's", "p50, µs", "p99, µs"];
    let mut lines = vec![head.map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let Row { name, cpu, cpu_ratio, p50, p99 } = row;
        [name.clone(), spread(cpu, 1), spread(cpu_ratio, 2), spread(p50, 0), spread(p99, 0)]
    }));
    table(&lines)
}

fn listed<K: ToString>(counts: &BTreeMap<K, u64>) -> String {
    let each = counts.iter().map(|(name, count)| format!("{}: {count}", name.to_string()));
    if counts.is_empty() { "0".to_owned() } else { each.collect::<Vec<_>>().join(", ") }
}

fn milliseconds(duration: Option<Duration>) -> String {
    duration.map_or_else(|| "–".to_owned(), |duration| duration.as_millis().to_string())
}

/// A table of Markdown; the first row is its head.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let line = |cells: &[String; N]| format!("| {} |", cells.join(" | "));
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    lines.insert(1.min(lines.len()), format!("|{}", "---|".repeat(N)));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_for_each_fault() {
        let runs = [(Fault::Nothing, Tally { lost: 3, ..Tally::default() })];
        let text = promises(&runs);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.ends_with("| none | 0 | 0 | 3 | 0 of 0 | 0 | 0, 0 | 0 | 0 | 0 | 0 |"), "{text}");
    }
}
