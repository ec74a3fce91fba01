//! Which module depends on which, and where that goes in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A dependency between two modules that `parent` declares.
pub struct Edge {
    pub parent: String,
    pub from: String,
    pub to: String,
    /// What shows it.
    pub witness: String,
}

/// For each parent and each of its modules, the modules that it depends on, each with the first witness.
#[derive(Default)]
pub struct Graph(BTreeMap<String, Modules>);

type Modules = BTreeMap<String, BTreeMap<String, String>>;

impl Graph {
    pub fn add(&mut self, edge: Edge) {
        let modules = self.0.entry(edge.parent).or_default();
        modules.entry(edge.from).or_default().entry(edge.to).or_insert(edge.witness);
    }

    /// Each set of modules that depend on each other, with a shortest circle through its first as the proof.
    pub fn cycles(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (parent, modules) in &self.0 {
            let mut seen = BTreeSet::new();
            for start in modules.keys() {
                if seen.contains(start.as_str()) {
                    continue;
                }
                let circle = shortest_circle(modules, start);
                if circle.is_empty() {
                    continue;
                }
                let set: Vec<&str> = reachable(modules, start)
                    .into_iter()
                    .filter(|other| reachable(modules, other).contains(start.as_str()))
                    .collect();
                seen.extend(set.iter().copied());
                found.push(format!("{parent}::{{{}}}: {}", set.join(", "), circle.join(", ")));
            }
        }
        found
    }
}

fn next<'g>(modules: &'g Modules, from: &str) -> impl Iterator<Item = (&'g str, &'g str)> {
    modules.get(from).into_iter().flatten().map(|(to, witness)| (to.as_str(), witness.as_str()))
}

fn reachable<'g>(modules: &'g Modules, start: &str) -> BTreeSet<&'g str> {
    let mut found = BTreeSet::new();
    let mut waiting: Vec<&str> = next(modules, start).map(|(to, _)| to).collect();
    while let Some(module) = waiting.pop() {
        if found.insert(module) {
            waiting.extend(next(modules, module).map(|(to, _)| to));
        }
    }
    found
}

/// The steps of a shortest way from a module back to it; none, if there is no way.
fn shortest_circle(modules: &Modules, start: &str) -> Vec<String> {
    let mut ways = VecDeque::from([(start, Vec::new())]);
    let mut seen = BTreeSet::new();
    while let Some((from, way)) = ways.pop_front() {
        for (to, witness) in next(modules, from) {
            let mut way = way.clone();
            way.push(format!("{from} → {to} ({witness})"));
            if to == start {
                return way;
            }
            if seen.insert(to) {
                ways.push_back((to, way));
            }
        }
    }
    Vec::new()
}
