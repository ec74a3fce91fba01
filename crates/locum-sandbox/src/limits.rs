//! What the process is limited to by the system, and that it ends with its parent.

use std::fs;

use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getppid, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::set_no_new_privs;

use crate::error::SandboxError;
use crate::system;

/// Ends this process when the thread that started it ends. `parent` is the process of that thread: if it is not this
/// process's parent any more, it has ended already.
///
/// # Errors
/// [`SandboxError::Orphaned`], or the system refuses.
pub fn end_with_parent(parent: u32) -> Result<(), SandboxError> {
    set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| SandboxError::refused("asking to end with the server", error))?;
    let now = getppid().map(|pid| pid.as_raw_nonzero().get());
    if now.and_then(|pid| u32::try_from(pid).ok()) == Some(parent) {
        return Ok(());
    }
    Err(SandboxError::Orphaned)
}

/// Limits memory to this many bytes of address space, and malloc to this many arenas; forbids core files, writing files,
/// other programs of this user to look into the process, and more rights by running another program. Makes the process
/// the first that the system ends when memory runs out, and lets it compute in short turns while others wait.
///
/// # Errors
/// The system refuses.
pub fn limit_process(address_space_bytes: u64, arenas: u16) -> Result<(), SandboxError> {
    let refused = |step| move |error: rustix::io::Errno| SandboxError::refused(step, error);
    // Before the process is no longer dumpable: its files in /proc belong to root then. Some containers forbid it; the
    // limit of the address space works without.
    let _ = fs::write("/proc/self/oom_score_adj", "1000");
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(refused("hiding the memory of the process"))?;
    set_no_new_privs(true).map_err(refused("giving up new privileges"))?;
    system::limit_arenas(arenas)?;
    system::take_short_turns();
    for (resource, bytes) in [(Resource::As, address_space_bytes), (Resource::Core, 0), (Resource::Fsize, 0)]
    {
        setrlimit(resource, Rlimit { current: Some(bytes), maximum: Some(bytes) })
            .map_err(refused("limiting memory and files"))?;
    }
    Ok(())
}
