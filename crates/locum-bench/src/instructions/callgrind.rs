//! Reads a profile that callgrind wrote: instructions of each function, alone and with what it calls.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

/// Instructions of a function.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// In the function itself.
    pub(crate) own: u64,
    /// In the functions that it calls.
    pub(crate) called: u64,
}

/// Costs by function. Functions of the same name are one.
#[derive(Debug, Default)]
pub(crate) struct Profile {
    pub(crate) functions: HashMap<String, Cost>,
}

impl Profile {
    /// Reads it. Functions without a name, which have an address in its place, get the one that `named` knows.
    pub(crate) fn read(path: &Path, named: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let unnamed = Self::parse(&text);
        let unnamed = unnamed.with_context(|| format!("{} is not a profile of callgrind", path.display()))?;
        let mut profile = Self::default();
        for (name, cost) in unnamed.functions {
            let sum = profile.functions.entry(named(&name).unwrap_or(name)).or_default();
            *sum = Cost { own: sum.own + cost.own, called: sum.called + cost.called };
        }
        Ok(profile)
    }

    /// The format is that of the Valgrind manual, "Callgrind Format Specification", with one event, `Ir`.
    fn parse(text: &str) -> Result<Self> {
        ensure!(text.lines().any(|line| line == "events: Ir"), "its only event must be Ir");
        let mut profile = Self::default();
        let mut names = Names::default();
        let mut function = String::new();
        let mut is_call = false;
        for line in text.lines() {
            if let Some(name) = line.strip_prefix("fn=") {
                function = names.resolve(name)?;
            } else if let Some(name) = line.strip_prefix("cfn=") {
                names.resolve(name)?;
            } else if line.starts_with("calls=") {
                is_call = true;
            } else if let Some(instructions) = cost(line) {
                let cost = profile.functions.entry(function.clone()).or_default();
                *(if is_call { &mut cost.called } else { &mut cost.own }) += instructions;
                is_call = false;
            }
        }
        ensure!(!profile.functions.is_empty(), "it holds no function");
        Ok(profile)
    }

    /// All instructions.
    pub(crate) fn total(&self) -> u64 {
        self.functions.values().map(|cost| cost.own).sum()
    }
}

/// The instructions of a line that says where and how many.
fn cost(line: &str) -> Option<u64> {
    let starts_with_position =
        line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first));
    let (_, instructions) = line.split_once(' ').filter(|_| starts_with_position)?;
    instructions.parse().ok()
}

/// Names are written once, with a number that stands for them afterwards.
#[derive(Default)]
struct Names(HashMap<String, String>);

impl Names {
    /// `(5) name`, `(5)` or `name`.
    fn resolve(&mut self, text: &str) -> Result<String> {
        let Some((number, name)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')')) else {
            return Ok(text.to_owned());
        };
        match name.strip_prefix(' ') {
            Some(name) => {
                self.0.insert(number.to_owned(), name.to_owned());
                Ok(name.to_owned())
            }
            None => self.0.get(number).cloned().with_context(|| format!("({number}) stands for no name")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "version: 1\npositions: line\nevents: Ir\n\nob=(1) locum\nfl=(1) a.rs\nfn=(1) first\n16 400\n\
                        +1 20\ncfi=(2) b.rs\ncfn=(2) second\ncalls=3 50\n* 300\n-2 1\n\nfn=(2)\n51 300\n\ntotals: 721\n";

    #[test]
    fn own_and_called_instructions_are_told_apart() {
        let profile = Profile::parse(TEXT).unwrap();
        assert_eq!(profile.functions["first"], Cost { own: 421, called: 300 });
        assert_eq!(profile.functions["second"], Cost { own: 300, called: 0 });
        assert_eq!(profile.total(), 721);
    }

    #[test]
    fn a_profile_of_other_events_is_refused() {
        assert!(Profile::parse(&TEXT.replace("events: Ir", "events: Ir Dr")).is_err());
        assert!(Profile::parse("events: Ir\n").is_err());
    }

    #[test]
    fn a_number_without_a_name_is_refused() {
        assert!(
            Profile::parse(&TEXT.replace("cfn=(2) second", "cfn=(7)").replace("fn=(2)\n", "fn=(9)\n"))
                .is_err()
        );
    }
}
