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

/// The page that is walked, and its chapter.
const GUIDE: &str = "docs/plugin-author-guide.md";
const CHAPTER: &str = "## Ten minutes";

/// The plugin of the guide, and the one case of a new plugin that fails until its author edits it.
const PLUGIN: &str = "parking";
const EDIT_ME: &str = "a-token-has-the-claims-that-its-reader-needs";

/// What a newcomer is promised.
const COMMANDS_MAX: usize = 3;
const LINES_MAX: usize = 40;
const SECONDS_MAX: u64 = 600;

pub fn run() -> Result<()> {
    run_command(cargo().args(["build", "--quiet", "--package", "locum"]))?;
    inside::walk()?;
    let scratch = Scratch::new()?;
    walk_guide(&scratch)?;
    variants::walk(&scratch)
}

/// Carries out the commands and changes of the guide, as the page has them, on a crate outside the workspace.
fn walk_guide(scratch: &Scratch) -> Result<()> {
    let page = fs::read_to_string(workspace_root().join(GUIDE))?;
    let steps = guide::steps(&page, CHAPTER).with_context(|| format!("{GUIDE} cannot be walked"))?;
    let started = Instant::now();
    let (mut commands, mut lines, mut edited) = (0, 0, false);
    for step in &steps {
        match step {
            Step::Command(command) => {
                commands += 1;
                let succeeded = scratch.shell(command)?;
                // Before the author's changes the suite must find one failure.
                let must_fail = !edited && command.ends_with("check");
                ensure!(
                    succeeded != must_fail,
                    "`{command}` should have {}",
                    if must_fail { "failed" } else { "succeeded" }
                );
                if must_fail {
                    scratch.report(PLUGIN, &[])?.expect_failures(&[EDIT_ME])?;
                }
            }
            Step::Change(change) => {
                edited = true;
                lines += guide::added_lines(change);
                scratch.apply(change)?;
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    let report = scratch.report(PLUGIN, &["--mutation-score"])?;
    report.expect_failures(&[])?;
    let passed = report.cases("passed");
    ensure!(passed.contains(&EDIT_ME), "the case {EDIT_ME} did not pass");
    println!(
        "walk: {commands} commands, {lines} lines of the author's own, {seconds} s; {} cases passed, {} mutants killed",
        passed.len(),
        report.killed()?
    );
    ensure!(commands <= COMMANDS_MAX, "a newcomer is promised {COMMANDS_MAX} commands at most");
    ensure!(lines <= LINES_MAX, "a newcomer is promised {LINES_MAX} lines at most");
    ensure!(seconds <= SECONDS_MAX, "a newcomer is promised {SECONDS_MAX} seconds at most");
    Ok(())
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

    fn apply(&self, change: &str) -> Result<()> {
        let patch = self.folder.join("change.diff");
        fs::write(&patch, change)?;
        let plugin = self.folder.join(PLUGIN);
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
        let output = suite.current_dir(self.folder.join(plugin)).output()?;
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
    fn the_guides_chapter_is_as_short_as_promised() {
        let steps = guide::steps(&page(), CHAPTER).unwrap();
        let commands = steps.iter().filter(|step| matches!(step, Step::Command(_))).count();
        let lines: usize = steps
            .iter()
            .map(|step| match step {
                Step::Change(change) => guide::added_lines(change),
                Step::Command(_) => 0,
            })
            .sum();
        assert!((1..=COMMANDS_MAX).contains(&commands), "{commands} commands");
        assert!((1..=LINES_MAX).contains(&lines), "{lines} lines");
    }

    #[test]
    fn the_guide_names_the_case_that_fails_at_first() {
        let templates = workspace_root().join("conformance/templates/plugin/fixtures");
        assert!(templates.join(format!("{EDIT_ME}.yaml")).is_file());
        assert!(page().contains(&format!("`{EDIT_ME}`")));
    }
}
