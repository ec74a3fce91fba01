//! Runs the suite against one built plugin: the core cases first, and the plugin's own if those notice nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::bugs::spec;
use crate::bugs::verdict::{Outcome, Verdict};

/// The exit code of `locum` for a plugin that cannot be loaded.
const NOT_LOADED: i32 = 4;
/// What `locum` says of a plugin whose `manifest.json` is not that of its code.
const STALE_MANIFEST: &str = "manifest-mismatch";

/// The folders of fixtures, each with one folder for each plugin.
pub struct Fixtures {
    /// Those of the checkout.
    own: PathBuf,
    /// The plugin specs without cases.
    core: PathBuf,
    /// The same, without what the author expects of requests and credentials.
    without_expectations: PathBuf,
}

impl Fixtures {
    /// Writes the reduced plugin specs into a folder.
    pub fn prepare(own: &Path, folder: &Path) -> Result<Self> {
        let (core, without_expectations) = (folder.join("core"), folder.join("without-expectations"));
        for reduced in [&core, &without_expectations] {
            if reduced.exists() {
                fs::remove_dir_all(reduced)?;
            }
            // Plugin specs include these as `../keys/…`.
            copy_folder(&own.join("keys"), &reduced.join("keys"))?;
        }
        for entry in fs::read_dir(own)? {
            let plugin = entry?.path();
            let Ok(text) = fs::read_to_string(plugin.join("plugin.yaml")) else { continue };
            let name = plugin.file_name().unwrap_or_default();
            let text = spec::without_cases(&text);
            write(&core.join(name).join("plugin.yaml"), &text)?;
            write(&without_expectations.join(name).join("plugin.yaml"), &spec::without_expectations(&text))?;
        }
        Ok(Self { own: own.to_owned(), core, without_expectations })
    }
}

/// How plugins are tested.
pub struct Suite<'l> {
    /// The `locum` program.
    pub locum: &'l Path,
    pub fixtures: Fixtures,
    /// Whether what the core cases notice is tried without the author's expectations too.
    pub without_expectations: bool,
}

impl Suite<'_> {
    /// What notices the bug in this file, and the case that does, or why the host refused.
    pub fn verdict(&self, plugin: &str, file: &Path) -> Result<(Verdict, String)> {
        let is_core = match self.run(plugin, file, &self.fixtures.core)? {
            Outcome::RefusedByHost(why) => return Ok((Verdict::Host, why)),
            Outcome::Failed(case) => Some(case),
            Outcome::Passed => None,
        };
        if let Some(case) = is_core {
            let needs_expectations = self.without_expectations
                && self.run(plugin, file, &self.fixtures.without_expectations)? == Outcome::Passed;
            return Ok((if needs_expectations { Verdict::CoreByExpectation } else { Verdict::Core }, case));
        }
        Ok(match self.run(plugin, file, &self.fixtures.own)? {
            Outcome::RefusedByHost(why) => (Verdict::Host, why),
            Outcome::Failed(case) => (Verdict::Fixtures, case),
            Outcome::Passed => (Verdict::Missed, String::new()),
        })
    }

    /// What fails of a plugin that has no bug.
    pub fn failures_without_a_bug(&self, plugin: &str, file: &Path, own: bool) -> Result<Vec<String>> {
        let mut fixtures = vec![&self.fixtures.core];
        fixtures.extend(self.without_expectations.then_some(&self.fixtures.without_expectations));
        fixtures.extend(own.then_some(&self.fixtures.own));
        let mut failures = Vec::new();
        for fixtures in fixtures {
            match self.run(plugin, file, fixtures)? {
                Outcome::Passed => {}
                Outcome::Failed(what) | Outcome::RefusedByHost(what) => {
                    failures.push(format!("{plugin} with {}: {what}", fixtures.display()));
                }
            }
        }
        Ok(failures)
    }

    fn run(&self, plugin: &str, file: &Path, fixtures: &Path) -> Result<Outcome> {
        let mut locum = Command::new(self.locum);
        locum.arg("conformance").arg(file).arg("--fixtures").arg(fixtures.join(plugin));
        let output = locum.args(["--format", "json"]).output().context("cannot start locum")?;
        let says = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        match output.status.code() {
            Some(0 | 1) => {
                let report = serde_json::from_slice(&output.stdout);
                let outcome = Outcome::of_report(&report.with_context(|| format!("no report: {says}"))?);
                if output.status.success() != (outcome == Outcome::Passed) {
                    bail!("the report of {plugin} and the exit code differ: {says}");
                }
                Ok(outcome)
            }
            // The author would have generated the manifest again, so the patch must contain it.
            Some(NOT_LOADED) if says.contains(STALE_MANIFEST) => bail!("{plugin}: {says}"),
            Some(NOT_LOADED) => Ok(Outcome::RefusedByHost(says)),
            _ => bail!("the suite did not run against {plugin}: {} {says}", output.status),
        }
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
    Ok(fs::write(file, text)?)
}
