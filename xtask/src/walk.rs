//! Walks the plugin author guide: its commands and changes, as they stand there, on a crate outside the workspace.

mod guide;

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

/// The plugin of the guide, and the one case of a new plugin that waits for its author.
const PLUGIN: &str = "parking";
const WAITING: &str = "a-token-says-what-its-reader-needs";

/// What a newcomer is promised.
const COMMANDS_MAX: usize = 3;
const LINES_MAX: usize = 40;
const SECONDS_MAX: u64 = 600;

pub fn run() -> Result<()> {
    let page = fs::read_to_string(workspace_root().join(GUIDE))?;
    let steps = guide::steps(&page, CHAPTER).with_context(|| format!("{GUIDE} cannot be walked"))?;
    run_command(cargo().args(["build", "--quiet", "--package", "locum"]))?;
    let desk = Desk::new()?;
    let started = Instant::now();
    let (mut commands, mut lines, mut edited) = (0, 0, false);
    for step in &steps {
        match step {
            Step::Command(command) => {
                commands += 1;
                let succeeded = desk.shell(command)?;
                // Before the author's changes the judgement must be bad, and for one reason.
                let must_fail = !edited && command.ends_with("check");
                ensure!(
                    succeeded != must_fail,
                    "`{command}` should have {}",
                    if must_fail { "failed" } else { "succeeded" }
                );
                if must_fail {
                    desk.report(&[])?.expect_failures(&[WAITING])?;
                }
            }
            Step::Change(change) => {
                edited = true;
                lines += guide::added_lines(change);
                desk.apply(change)?;
            }
        }
    }
    let seconds = started.elapsed().as_secs();
    let report = desk.report(&["--kill-score"])?;
    report.expect_failures(&[])?;
    let passed = report.cases("passed");
    ensure!(passed.contains(&WAITING), "the case {WAITING} did not pass");
    println!(
        "walk: {commands} commands, {lines} lines of the author's own, {seconds} s; {} cases passed, {} faults noticed",
        passed.len(),
        report.killed()?
    );
    ensure!(commands <= COMMANDS_MAX, "a newcomer is promised {COMMANDS_MAX} commands at most");
    ensure!(lines <= LINES_MAX, "a newcomer is promised {LINES_MAX} lines at most");
    ensure!(seconds <= SECONDS_MAX, "a newcomer is promised {SECONDS_MAX} seconds at most");
    Ok(())
}

/// A folder outside the workspace with a checkout of Locum in it, gone when the walk is over.
struct Desk {
    folder: PathBuf,
    /// Kept from walk to walk, so that the kit's own dependencies are built once.
    target: PathBuf,
    /// The folder of the built `locum`.
    programs: PathBuf,
}

impl Desk {
    fn new() -> Result<Self> {
        let target = target_dir()?;
        let folder = std::env::temp_dir().join(format!("locum-walk-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let desk = Self { folder, target: target.join("walk"), programs: target.join("debug") };
        std::os::unix::fs::symlink(workspace_root().canonicalize()?, desk.folder.join("locum"))?;
        Ok(desk)
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
        // The folder may stand in somebody's repository, where git would look for the files at its root.
        let mut apply = Command::new("git");
        apply.args(["apply", "--whitespace=nowarn"]).arg(&patch).current_dir(&plugin);
        apply.env("GIT_CEILING_DIRECTORIES", &self.folder);
        capture(&mut apply).with_context(|| format!("a change of {GUIDE} does not fit"))?;
        Ok(())
    }

    /// Judges the plugin once more, as data.
    fn report(&self, arguments: &[&str]) -> Result<Report> {
        let file = self.target.join(format!("debug/liblocum_plugin_{PLUGIN}.so"));
        let mut judge = Command::new(self.programs.join("locum"));
        judge.arg("conformance").arg(file).args(["--format", "json"]).args(arguments);
        // A plugin that fails a case ends it with 1, and the report is there all the same.
        let output = judge.current_dir(self.folder.join(PLUGIN)).output()?;
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

    /// The faults that the cases notice, if there are such and no other.
    fn killed(&self) -> Result<u64> {
        let number = |name| self.0.pointer(name).and_then(Value::as_u64);
        match (number("/kill_score/killed"), number("/kill_score/survived")) {
            (Some(killed @ 1..), Some(0)) => Ok(killed),
            (killed, survived) => bail!("of the faults {killed:?} were noticed and {survived:?} were not"),
        }
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        // The symbolic link goes, not what it leads to.
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
    fn the_guide_keeps_its_promises_on_paper() {
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
    fn the_guide_tells_of_the_case_that_waits() {
        let templates = workspace_root().join("conformance/templates/plugin/fixtures");
        assert!(templates.join(format!("{WAITING}.yaml")).is_file());
        assert!(page().contains(&format!("`{WAITING}`")));
    }
}
