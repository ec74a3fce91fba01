//! The results as tables in Markdown: by plugin, by cause, and bug by bug.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::bugs::cause;
use crate::bugs::verdict::{Found, Verdict};

/// The head of a column of numbers, and which verdicts it counts.
type Column = (&'static str, fn(Verdict) -> bool);

const COLUMNS: [Column; 6] = [
    ("bugs", |_| true),
    ("core", Verdict::is_core),
    ("core without expectations", |verdict| verdict == Verdict::Core),
    ("fixtures", |verdict| verdict == Verdict::Fixtures),
    ("host", |verdict| verdict == Verdict::Host),
    ("missed", |verdict| verdict == Verdict::Missed),
];

/// All tables, and the shares.
pub fn results(found: &[Found<'_>]) -> String {
    let by_plugin = table("plugin", found, |found| format!("`{}`", found.bug.plugin));
    let by_cause =
        table("cause", found, |found| cause::title(&found.bug.cause).unwrap_or_default().to_owned());
    let mut text = format!("{}\n{by_plugin}\n{by_cause}\n", shares(found));
    text.push_str("| bug | cause | noticed by |\n|---|---|---|\n");
    for Found { bug, verdict } in found {
        let _ = writeln!(text, "| `{}` | {} | {} |", bug.id(), bug.cause, verdict.name());
    }
    text
}

/// What noticed a bug, of each row of the last table.
pub fn verdicts(results: &str) -> BTreeMap<String, Verdict> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let ["", id, _, verdict, ""] = cells.as_slice() else { return None };
        Some((id.trim_matches('`').to_owned(), Verdict::of_name(verdict)?))
    };
    results.lines().filter_map(row).collect()
}

fn shares(found: &[Found<'_>]) -> String {
    let noticed = count(found, |verdict| verdict != Verdict::Missed);
    let core = count(found, Verdict::is_core);
    let alone = count(found, |verdict| verdict == Verdict::Core);
    format!(
        "Of {} bugs, {noticed} are noticed ({}). Of these, {core} ({}) are noticed by core cases alone; {alone} ({}) also if\n\
         `request:` and `issued:` are removed from `plugin.yaml`.\n",
        found.len(),
        percent(noticed, found.len()),
        percent(core, noticed),
        percent(alone, noticed),
    )
}

/// One row for each group, and one for all.
fn table(head: &str, found: &[Found<'_>], group_of: impl Fn(&Found<'_>) -> String) -> String {
    let mut groups: BTreeMap<String, [usize; COLUMNS.len()]> = BTreeMap::new();
    let mut all = [0; COLUMNS.len()];
    for found in found {
        let group = groups.entry(group_of(found)).or_default();
        let counted = COLUMNS.iter().map(|(_, counts)| usize::from(counts(found.verdict)));
        for (number, (of_group, of_all)) in counted.zip(group.iter_mut().zip(&mut all)) {
            *of_group += number;
            *of_all += number;
        }
    }
    let mut text = format!("| {head} |{}\n|---|", COLUMNS.map(|(head, _)| format!(" {head} |")).concat());
    text.push_str(&"---:|".repeat(COLUMNS.len()));
    text.push('\n');
    for (name, numbers) in
        groups.iter().map(|(name, numbers)| (name.as_str(), numbers)).chain([("all", &all)])
    {
        let cells: String = numbers.iter().map(|number| format!(" {number} |")).collect();
        let _ = writeln!(text, "| {name} |{cells}");
    }
    text
}

fn count(found: &[Found<'_>], wanted: impl Fn(Verdict) -> bool) -> usize {
    found.iter().filter(|found| wanted(found.verdict)).count()
}

fn percent(part: usize, whole: usize) -> String {
    format!("{} %", part * 100 / whole.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs::bug::Bug;

    #[test]
    fn results_are_counted_by_plugin_and_cause_and_listed() {
        let bugs = ["a/x", "a/y", "b/z"].map(Bug::of_test);
        let verdicts_of = [Verdict::Core, Verdict::CoreByExpectation, Verdict::Missed];
        let found: Vec<_> =
            bugs.iter().zip(verdicts_of).map(|(bug, verdict)| Found { bug, verdict }).collect();
        let results = results(&found);
        let expected = "Of 3 bugs, 2 are noticed (66 %). Of these, 2 (100 %) are noticed by core cases alone; 1 (50 %) also if
`request:` and `issued:` are removed from `plugin.yaml`.

| plugin | bugs | core | core without expectations | fixtures | host | missed |
|---|---:|---:|---:|---:|---:|---:|
| `a` | 2 | 2 | 1 | 0 | 0 | 0 |
| `b` | 1 | 0 | 0 | 0 | 0 | 1 |
| all | 3 | 2 | 1 | 0 | 0 | 1 |
";
        assert!(results.starts_with(expected), "{results}");
        assert!(
            results.contains("\n| claims, header, key or rights of the credential are wrong | 3 |"),
            "{results}"
        );
        assert!(results.ends_with("| `b/z` | claims | missed |\n"), "{results}");
        let listed: Vec<_> = verdicts(&results).into_iter().collect();
        let expected = ["a/x", "a/y", "b/z"].map(str::to_owned).into_iter().zip(verdicts_of);
        assert_eq!(listed, expected.collect::<Vec<_>>());
    }
}
