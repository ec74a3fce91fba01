//! The README beside the bugs: its tables, which are generated, and the missed bugs that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::bugs::table;
use crate::bugs::verdict::{Found, Verdict};

/// What the tables stand between.
const START: &str = "<!-- The tables are written by `cargo xtask bugs --bless`. -->\n\n";
const END: &str = "\n<!-- End of the tables. -->\n";
/// The heading above the missed bugs, each an entry that starts with its id in backticks.
const MISSED: &str = "\n## Missed\n";

/// The README in three parts.
pub struct Readme {
    before: String,
    results: String,
    after: String,
}

impl Readme {
    pub fn read(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        Self::parse(&text).with_context(|| format!("{} has no place for the tables", file.display()))
    }

    fn parse(text: &str) -> Option<Self> {
        let (before, rest) = text.split_once(START)?;
        let (results, after) = rest.split_once(END)?;
        Some(Self { before: before.to_owned(), results: results.to_owned(), after: after.to_owned() })
    }

    pub fn results(&self) -> &str {
        &self.results
    }

    pub fn with_results(self, results: &str) -> Self {
        Self { results: results.to_owned(), ..self }
    }

    pub fn write(&self, file: &Path) -> Result<()> {
        let Self { before, results, after } = self;
        Ok(fs::write(file, format!("{before}{START}{results}{END}{after}"))?)
    }

    /// What differs between the README and these bugs. After a run of all bugs, it also names no other bugs, and the tables
    /// are compared as a whole.
    pub fn faults(&self, found: &[Found<'_>], is_full: bool) -> Vec<String> {
        let named = self.missed();
        let listed = table::verdicts(&self.results);
        let mut faults = Vec::new();
        for Found { bug, verdict } in found {
            let id = bug.id();
            match (*verdict == Verdict::Missed, named.contains(id.as_str())) {
                (true, false) => {
                    faults.push(format!("{id} is missed, and the README does not name it as missed"))
                }
                (false, true) => faults.push(format!("{id} is noticed, and the README names it as missed")),
                _ => {}
            }
            let agrees = listed.get(&id).is_some_and(|listed| listed.agrees(*verdict));
            if !agrees && !is_full {
                faults.push(format!("{id}: {}, which is not what the README lists", verdict.name()));
            }
        }
        if is_full {
            let known: BTreeSet<String> = found.iter().map(|found| found.bug.id()).collect();
            let unknown = named.into_iter().filter(|id| !known.contains(*id));
            faults.extend(unknown.map(|id| format!("{id} is named as missed, and there is no such bug")));
        }
        faults
    }

    fn missed(&self) -> BTreeSet<&str> {
        let section = self.after.split_once(MISSED).map_or("", |(_, rest)| rest);
        let section = section.split("\n## ").next().unwrap_or_default();
        section.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bugs::bug::Bug;

    const TEXT: &str = "# Bugs

<!-- The tables are written by `cargo xtask bugs --bless`. -->

| `a/x` | claims | core by expectation |
| `a/y` | claims | missed |

<!-- End of the tables. -->

## Missed

- `a/y`: because.
";

    fn faults(verdicts: &[(&str, Verdict)], is_full: bool) -> Vec<String> {
        let bugs: Vec<_> = verdicts.iter().map(|(id, _)| Bug::of_test(id)).collect();
        let found = bugs.iter().zip(verdicts).map(|(bug, (_, verdict))| Found { bug, verdict: *verdict });
        Readme::parse(TEXT).unwrap().faults(&found.collect::<Vec<_>>(), is_full)
    }

    #[test]
    fn tables_are_replaced_and_the_rest_stays() {
        let readme = Readme::parse(TEXT).unwrap();
        assert_eq!(
            readme.results(),
            "| `a/x` | claims | core by expectation |\n| `a/y` | claims | missed |\n"
        );
        let Readme { before, results, after } = readme.with_results("new\n");
        assert_eq!((before.as_str(), results.as_str()), ("# Bugs\n\n", "new\n"));
        assert_eq!(after, "\n## Missed\n\n- `a/y`: because.\n");
        assert!(Readme::parse("# Bugs\n").is_none());
    }

    #[test]
    fn a_sample_agrees_with_the_rows_of_its_bugs() {
        assert!(faults(&[("a/x", Verdict::Core)], false).is_empty());
        assert!(faults(&[("a/y", Verdict::Missed)], false).is_empty());
        assert_eq!(faults(&[("a/x", Verdict::Fixtures)], false).len(), 1);
        assert_eq!(faults(&[("a/z", Verdict::Core)], false).len(), 1);
    }

    #[test]
    fn missed_bugs_are_named_and_no_others() {
        assert!(faults(&[("a/x", Verdict::Core), ("a/y", Verdict::Missed)], true).is_empty());
        assert_eq!(faults(&[("a/x", Verdict::Missed), ("a/y", Verdict::Missed)], true).len(), 1);
        assert_eq!(faults(&[("a/x", Verdict::Core), ("a/y", Verdict::Core)], true).len(), 1);
        assert_eq!(faults(&[("a/x", Verdict::Core)], true).len(), 1);
    }
}
