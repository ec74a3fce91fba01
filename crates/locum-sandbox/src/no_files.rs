//! Landlock, where the kernel has it: no file can be opened and no address reached, even if the filter were to fail.

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, Ruleset, RulesetAttr as _, RulesetError, RulesetStatus, Scope,
};

use crate::error::SandboxError;

/// The newest rights that this program knows; the kernel's are used as far as it has them.
const RIGHTS: ABI = ABI::V6;

/// Restricts this thread, and those that it starts, by a landlock ruleset without any rule. Returns whether the kernel
/// has landlock. Call it while the process has one thread.
///
/// # Errors
/// The kernel has landlock and refuses.
pub fn refuse_files_and_network() -> Result<bool, SandboxError> {
    restrict().map_err(|error| SandboxError::refused("landlock", error))
}

fn restrict() -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(RIGHTS))?
        .handle_access(AccessNet::from_all(RIGHTS))?
        .scope(Scope::from_all(RIGHTS))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
