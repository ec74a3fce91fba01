//! Plugins that `locum plugin new` starts with options: each builds, has no warning, and passes all cases but the one that
//! its author has to edit.

use std::time::Instant;

use anyhow::{Result, ensure};

use crate::walk::Scratch;

/// The case that fails until it is edited, of plugins with an upstream.
pub(super) const EDIT_ME: &str = "a-token-is-requested-as-its-upstream-needs-it";

/// The SDK, from the folder of the walk.
const SDK: &str = "locum/crates/locum-plugin";

/// Name and options. Together they have every option; the tests of the scaffold read the texts of all combinations.
const VARIANTS: [(&str, &str); 2] = [
    ("travel", "--upstream login.example.com --revocable --rs256"),
    ("parcels", "--upstream https://idp.example.com/oauth/token"),
];

pub(super) fn walk(scratch: &Scratch) -> Result<()> {
    let started = Instant::now();
    for (name, options) in VARIANTS {
        let must_succeed = |command: &str| -> Result<()> {
            ensure!(scratch.shell(command)?, "`{command}` should have succeeded");
            Ok(())
        };
        must_succeed(&format!("locum plugin new {name} --sdk {SDK} {options}"))?;
        must_succeed(&format!("cd {name} && cargo clippy --quiet --all-targets -- --deny warnings"))?;
        let check = format!("{name}/check");
        ensure!(!scratch.shell(&check)?, "`{check}` should have failed: nobody has edited {EDIT_ME}");
        scratch.report(name, &[])?.expect_failures(&[EDIT_ME])?;
    }
    println!("walk: {} plugins with options, {} s", VARIANTS.len(), started.elapsed().as_secs());
    Ok(())
}
