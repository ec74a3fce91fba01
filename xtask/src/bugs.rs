//! Applies bugs that authors make to the plugins, one at a time, and sees which of them the conformance suite notices.

mod bug;
mod cause;
mod copy;
mod readme;
mod spec;
mod suite;
mod table;
mod verdict;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use clap::Args as ClapArgs;

use crate::bugs::bug::Bug;
use crate::bugs::copy::Copy;
use crate::bugs::suite::{Fixtures, Suite};
use crate::bugs::verdict::{Found, Verdict};
use crate::build::{self, Built};
use crate::shell::{commits, target_dir, workspace_root};

/// Where the patches are, one folder for each plugin.
const FOLDER: &str = "conformance/bugs";
/// How many runs of the suite there are at once. CI has two cores.
const RUNS_AT_ONCE: usize = 2;
/// The share of the bugs that must be noticed, in percent.
const NOTICED_PERCENT_MIN: usize = 95;
/// The share of these that the core cases must notice without the plugin's own, in percent.
const CORE_PERCENT_MIN: usize = 50;

#[derive(ClapArgs)]
pub struct Args {
    /// Only the bugs of this plugin, such as `firebase`, or only the bug `PLUGIN/NAME`.
    only: Option<String>,
    /// Only one bug of each plugin, another one after each commit.
    #[arg(long)]
    sample: bool,
    /// Rewrites the tables in conformance/bugs/README.md.
    #[arg(long)]
    bless: bool,
}

impl Args {
    /// One bug of each plugin.
    pub fn sample() -> Self {
        Self { only: None, sample: true, bless: false }
    }

    fn is_full(&self) -> bool {
        self.only.is_none() && !self.sample
    }
}

/// A round is one bug of each plugin, so that one call of cargo builds them all.
type Round<'b> = Vec<&'b Bug>;

pub fn run(args: &Args) -> Result<()> {
    ensure!(args.is_full() || !args.bless, "only a run of all bugs can rewrite the tables");
    let started = Instant::now();
    let bugs = bug::read_all(&workspace_root().join(FOLDER), args.only.as_deref())?;
    let commits = if args.sample { Some(commits()?) } else { None };
    let rounds = rounds(&bugs, commits);
    let built = build::build(build::Args { release: false })?;
    let folder = target_dir()?.join("bugs");
    let fixtures = Fixtures::prepare(&workspace_root().join("fixtures"), &folder)?;
    let suite = Suite { locum: &built.locum, fixtures, without_expectations: !args.sample };
    baseline(&suite, &built, &rounds, args)?;

    let copy = Copy::make(&folder)?;
    let mut found = Vec::new();
    for (number, round) in rounds.iter().enumerate() {
        println!("round {} of {}", number + 1, rounds.len());
        copy.build(round)?;
        let verdicts = in_parallel(round, |bug| suite.verdict(&bug.plugin, &copy.plugin(&bug.plugin)))?;
        for (bug, (verdict, case)) in round.iter().copied().zip(verdicts) {
            println!("  {:<16}  {}  {case}", verdict.name(), bug.id());
            found.push(Found { bug, verdict });
        }
    }
    found.sort_by_key(|found| found.bug.id());
    let faults = faults(args, &found)?;
    println!("{} bugs in {} s", found.len(), started.elapsed().as_secs());
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("\n")) }
}

/// All bugs in rounds; of a sample, the one round with the bugs of this number of commits.
fn rounds(bugs: &[Bug], sample: Option<u32>) -> Vec<Round<'_>> {
    let mut by_plugin: BTreeMap<&str, Vec<&Bug>> = BTreeMap::new();
    for bug in bugs {
        by_plugin.entry(&bug.plugin).or_default().push(bug);
    }
    if let Some(commits) = sample {
        let of_plugin = |bugs: &Vec<&'_ Bug>| {
            let count = u32::try_from(bugs.len()).unwrap_or(u32::MAX);
            bugs.iter().map(|bug| bug.id()).nth(usize::try_from(commits % count.max(1)).unwrap_or(0))
        };
        let ids: Vec<String> = by_plugin.values().filter_map(of_plugin).collect();
        return vec![bugs.iter().filter(|bug| ids.contains(&bug.id())).collect()];
    }
    let longest = by_plugin.values().map(Vec::len).max().unwrap_or(0);
    (0..longest)
        .map(|number| by_plugin.values().filter_map(|bugs| bugs.get(number).copied()).collect())
        .collect()
}

/// Fails unless the plugins pass without a bug, with the same fixtures: otherwise all bugs would be noticed.
///
/// A sample leaves the plugins' own fixtures out, which `cargo xtask conformance` runs.
fn baseline(suite: &Suite<'_>, built: &Built, rounds: &[Round<'_>], args: &Args) -> Result<()> {
    let mut plugins: Vec<&str> = rounds.iter().flatten().map(|bug| bug.plugin.as_str()).collect();
    plugins.sort_unstable();
    plugins.dedup();
    println!("without a bug: {}", plugins.join(", "));
    let failures = in_parallel(&plugins, |plugin| {
        let file = built.plugins_dir.join(bug::file_of(plugin));
        suite.failures_without_a_bug(plugin, &file, !args.sample)
    })?;
    let failures: Vec<String> = failures.into_iter().flatten().collect();
    ensure!(failures.is_empty(), "these fail without a bug:\n{}", failures.join("\n"));
    Ok(())
}

/// What is wrong with the results: by themselves, and beside those in the README.
fn faults(args: &Args, found: &[Found<'_>]) -> Result<Vec<String>> {
    let file = workspace_root().join(FOLDER).join("README.md");
    let readme = readme::Readme::read(&file)?;
    let mut faults = readme.faults(found, args.is_full());
    if !args.is_full() {
        return Ok(faults);
    }
    let results = table::results(found);
    println!("{results}");
    faults.extend(below_floors(found));
    if args.bless {
        readme.with_results(&results).write(&file)?;
    } else if readme.results() != results {
        faults.push(format!("the tables in {FOLDER}/README.md differ: cargo xtask bugs --bless"));
    }
    Ok(faults)
}

fn below_floors(found: &[Found<'_>]) -> Vec<String> {
    let count = |wanted: fn(Verdict) -> bool| found.iter().filter(|found| wanted(found.verdict)).count();
    let noticed = count(|verdict| verdict != Verdict::Missed);
    let core = count(Verdict::is_core);
    let mut faults = Vec::new();
    if noticed * 100 < found.len() * NOTICED_PERCENT_MIN {
        faults.push(format!("less than {NOTICED_PERCENT_MIN} % of the bugs are noticed"));
    }
    if core * 100 < noticed * CORE_PERCENT_MIN {
        faults.push(format!("less than {CORE_PERCENT_MIN} % of the noticed bugs are noticed by core cases"));
    }
    faults
}

/// Does this work for each item, for a few at once. The results are in the order of the items.
fn in_parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    let left = Mutex::new(items.iter().enumerate());
    let results = Mutex::new(BTreeMap::new());
    let worker = || {
        // The lock is held while the next item is taken, and not while it is worked on.
        let next = || left.lock().ok().and_then(|mut left| left.next());
        while let Some((number, item)) = next() {
            let result = work(item);
            if let Ok(mut results) = results.lock() {
                results.insert(number, result);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..RUNS_AT_ONCE {
            scope.spawn(worker);
        }
    });
    let results = results.into_inner().ok().context("a run of the suite panicked")?;
    results.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bugs(ids: &[&str]) -> Vec<Bug> {
        ids.iter().map(|id| Bug::of_test(id)).collect()
    }

    fn ids(rounds: &[Round<'_>]) -> Vec<Vec<String>> {
        rounds.iter().map(|round| round.iter().map(|bug| bug.id()).collect()).collect()
    }

    #[test]
    fn a_round_has_at_most_one_bug_of_each_plugin() {
        let bugs = bugs(&["a/1", "a/2", "a/3", "b/1", "c/1", "c/2"]);
        assert_eq!(ids(&rounds(&bugs, None)), [vec!["a/1", "b/1", "c/1"], vec!["a/2", "c/2"], vec!["a/3"]]);
    }

    #[test]
    fn a_sample_has_one_bug_of_each_plugin_and_all_bugs_in_turn() {
        let bugs = bugs(&["a/1", "a/2", "a/3", "b/1"]);
        let samples: Vec<_> = (0..4).map(|commits| ids(&rounds(&bugs, Some(commits))).concat()).collect();
        assert_eq!(samples, [["a/1", "b/1"], ["a/2", "b/1"], ["a/3", "b/1"], ["a/1", "b/1"]]);
    }

    #[test]
    fn results_are_in_the_order_of_the_items_and_an_error_is_one_of_all() {
        let doubled = in_parallel(&[1, 2, 3, 4, 5], |number| Ok(number * 2));
        assert_eq!(doubled.unwrap(), [2, 4, 6, 8, 10]);
        assert!(in_parallel(&[1, 2, 3], |number| if *number == 2 { bail!("two") } else { Ok(()) }).is_err());
    }

    #[test]
    fn too_few_noticed_bugs_and_too_few_by_core_are_faults() {
        let bugs = bugs(&["a/1"; 20]);
        let found = |verdicts: [(Verdict, usize); 3]| {
            let verdicts = verdicts.into_iter().flat_map(|(verdict, count)| vec![verdict; count]);
            let found: Vec<_> =
                bugs.iter().zip(verdicts).map(|(bug, verdict)| Found { bug, verdict }).collect();
            below_floors(&found).len()
        };
        let [core, fixtures, missed] = [Verdict::CoreByExpectation, Verdict::Fixtures, Verdict::Missed];
        assert_eq!(found([(core, 10), (fixtures, 9), (missed, 1)]), 0);
        assert_eq!(found([(core, 10), (fixtures, 8), (missed, 2)]), 1);
        assert_eq!(found([(core, 9), (fixtures, 10), (missed, 1)]), 1);
        assert_eq!(found([(core, 9), (fixtures, 9), (missed, 2)]), 1);
    }
}
