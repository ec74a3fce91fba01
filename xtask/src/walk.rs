//! Walks the ways to a new plugin: by the author guide outside the workspace, and by `new-plugin` inside it.

mod guide;
mod inside;
mod variants;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::shell::{capture, cargo, run as run_command, target_dir, workspace_root};
use crate::walk::guide::Step;

/// The page that is walked.
const GUIDE: &str = "docs/plugin-author-guide.md";

/// A chapter of the guide that leads from nothing to a tested plugin, and what its reader is promised.
struct Chapter {
    heading: &'static str,
    /// The plugin that it makes.
    plugin: &'static str,
    /// The one case of the new plugin that fails until its author edits it.
    edit_me: &'static str,
    commands_max: usize,
    lines_max: usize,
    seconds_max: u64,
}

/// The option that measures the mutation score.
const SCORE: &str = "--mutation-score";

const CHAPTERS: [Chapter; 2] = [
    Chapter {
        heading: "## Ten minutes",
        plugin: "parking",
        edit_me: "a-token-has-the-claims-that-its-reader-needs",
        commands_max: 3,
        lines_max: 40,
        seconds_max: 600,
    },
    Chapter {
        heading: "## A plugin with an upstream",
        plugin: "repo_access",
        edit_me: variants::EDIT_ME,
        commands_max: 2,
        lines_max: 150,
        seconds_max: 600,
    },
];

pub fn run() -> Result<()> {
    run_command(cargo().args(["build", "--quiet", "--package", "locum"]))?;
    inside::walk()?;
    let scratch = Scratch::new()?;
    for chapter in &CHAPTERS {
        walk_chapter(&scratch, chapter).with_context(|| format!("{GUIDE}, `{}`", chapter.heading))?;
    }
    variants::walk(&scratch)
}

/// Carries out the commands and changes of a chapter, as the page has them, on a crate outside the workspace.
fn walk_chapter(scratch: &Scratch, chapter: &Chapter) -> Result<()> {
    let page = fs::read_to_string(workspace_root().join(GUIDE))?;
    let steps = guide::steps(&page, chapter.heading)?;
    let started = Instant::now();
    let mut edited = false;
    for step in &steps {
        match step {
            Step::Command(command) => {
                let succeeded = scratch.shell(command)?;
                // Before the author's changes the suite must find one failure.
                let must_fail = !edited && command.ends_with("check");
                ensure!(
                    succeeded != must_fail,
                    "`{command}` should have {}",
                    if must_fail { "failed" } else { "succeeded" }
                );
                if must_fail {
                    scratch.report(chapter.plugin, &[])?.expect_failures(&[chapter.edit_me])?;
                }
            }
            Step::Change(change) => {
                edited = true;
                scratch.apply(&folder(chapter.plugin), change)?;
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    // A command of the guide that measures the score has failed if a mutant survives.
    let is_scored = guide::commands(&steps).any(|command| command.contains(SCORE));
    let report = scratch.report(chapter.plugin, if is_scored { &[] } else { &[SCORE] })?;
    report.expect_failures(&[])?;
    let passed = report.cases("passed");
    ensure!(passed.contains(&chapter.edit_me), "the case {} did not pass", chapter.edit_me);
    let mutants = if is_scored {
        "no mutant survived".to_owned()
    } else {
        format!("{} mutants killed", report.killed()?)
    };
    let (commands, lines) = (guide::commands(&steps).count(), guide::lines(&steps));
    println!(
        "walk: {}: {commands} commands, {lines} lines of the author's own, {seconds} s; {} cases passed, {mutants}",
        chapter.heading.trim_start_matches("## "),
        passed.len()
    );
    let Chapter { commands_max, lines_max, seconds_max, .. } = chapter;
    ensure!(commands <= *commands_max, "a newcomer is promised {commands_max} commands at most");
    ensure!(lines <= *lines_max, "a newcomer is promised {lines_max} lines at most");
    ensure!(seconds <= *seconds_max, "a newcomer is promised {seconds_max} seconds at most");
    Ok(())
}

/// The folder that `locum plugin new` makes for a plugin.
fn folder(plugin: &str) -> String {
    plugin.replace('_', "-")
}

/// A folder outside the workspace with a link to this checkout, removed after the walk.
struct Scratch {
    folder: PathBuf,
    /// Kept from walk to walk, so that the SDK's own dependencies are built once.
    target: PathBuf,
    /// The folder of the built `locum`.
    programs: PathBuf,
}

impl Scratch {
    fn new() -> Result<Self> {
        let target = target_dir()?;
        let folder = std::env::temp_dir().join(format!("locum-walk-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let scratch = Self { folder, target: target.join("walk"), programs: target.join("debug") };
        std::os::unix::fs::symlink(workspace_root().canonicalize()?, scratch.folder.join("locum"))?;
        Ok(scratch)
    }

    /// Runs a command of the guide, as a shell would; tells whether it succeeded.
    fn shell(&self, command: &str) -> Result<bool> {
        eprintln!("$ {command}");
        let path = std::env::var("PATH").unwrap_or_default();
        let status = Command::new("sh")
            .args(["-c", command])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", self.programs.display()))
            .env("CARGO_TARGET_DIR", &self.target)
            .env_remove("LOCUM_BLESS")
            .status()?;
        Ok(status.success())
    }

    fn apply(&self, folder: &str, change: &str) -> Result<()> {
        let patch = self.folder.join("change.diff");
        fs::write(&patch, change)?;
        let plugin = self.folder.join(folder);
        // The folder may be inside a repository, at whose root git would look for the files.
        let mut apply = Command::new("git");
        apply.args(["apply", "--whitespace=nowarn"]).arg(&patch).current_dir(&plugin);
        apply.env("GIT_CEILING_DIRECTORIES", &self.folder);
        capture(&mut apply).with_context(|| format!("a change of {GUIDE} does not apply"))?;
        Ok(())
    }

    /// Runs the suite once more, for its report as data.
    fn report(&self, plugin: &str, arguments: &[&str]) -> Result<Report> {
        let file = self.target.join(format!("debug/liblocum_plugin_{plugin}.so"));
        let mut suite = Command::new(self.programs.join("locum"));
        suite.arg("conformance").arg(file).args(["--format", "json"]).args(arguments);
        // It exits with 1 if a case fails, and still writes the report.
        let output = suite.current_dir(self.folder.join(folder(plugin))).output()?;
        let report = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(Report(report))
    }
}

/// What the suite says.
struct Report(Value);

impl Report {
    /// The cases with this verdict.
    fn cases(&self, verdict: &str) -> Vec<&str> {
        let profiles = self.0.get("profiles").and_then(Value::as_array).into_iter().flatten();
        let listed = profiles.filter_map(|profile| profile.get(verdict)?.as_array()).flatten();
        listed.filter_map(Value::as_str).collect()
    }

    fn expect_failures(&self, wanted: &[&str]) -> Result<()> {
        let failed = self.cases("failed");
        ensure!(failed == wanted, "failed: {failed:?}; it should have been {wanted:?}");
        Ok(())
    }

    /// The number of mutants that the cases kill, if there are some and none survives.
    fn killed(&self) -> Result<u64> {
        let number = |name| self.0.pointer(name).and_then(Value::as_u64);
        match (number("/mutation_score/killed"), number("/mutation_score/survived")) {
            (Some(killed @ 1..), Some(0)) => Ok(killed),
            (killed, survived) => bail!("of the mutants {killed:?} were killed and {survived:?} survived"),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // This removes the symbolic link, not what it leads to.
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} is left behind: {error}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        fs::read_to_string(workspace_root().join(GUIDE)).unwrap()
    }

    #[test]
    fn the_guides_chapters_are_as_short_as_promised() {
        for chapter in &CHAPTERS {
            let steps = guide::steps(&page(), chapter.heading).unwrap();
            let commands = guide::commands(&steps).count();
            let lines = guide::lines(&steps);
            assert!(
                (1..=chapter.commands_max).contains(&commands),
                "{}: {commands} commands",
                chapter.heading
            );
            assert!((1..=chapter.lines_max).contains(&lines), "{}: {lines} lines", chapter.heading);
        }
    }

    #[test]
    fn the_guide_names_the_cases_that_fail_at_first() {
        let templates = workspace_root().join("conformance/templates/plugin/fixtures");
        for Chapter { edit_me, .. } in &CHAPTERS {
            assert!(templates.join(format!("{edit_me}.yaml")).is_file());
            assert!(page().contains(edit_me));
        }
    }
}
