//! Keeps the memory of this process, which holds keys and secrets, from other programs and out of core files.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// No core file is written, and no other program of this user can attach to the process or read its memory.
pub(crate) fn forbid_core_dumps() {
    // Both fail only where the system forbids them; the program works without.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
