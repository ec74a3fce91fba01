//! Systems that lack a part of the sandbox, and C libraries that make other system calls: the error says what is missing.
//!
//! The host runs in a thread whose system calls are filtered. The runner inherits that filter.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use locum_host::runner::RunnerCommand;
use locum_host::{Isolation, LoadError, LoadErrorCode, LoadOptions, Pins, PluginSet};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter,
};

use crate::harness::{ScriptedUpstreams, TestDirectory, options, parrot};

/// A system call whose arguments meet these conditions.
struct Filtered(i64, Vec<SeccompCondition>);

impl Filtered {
    fn call(number: i64) -> Self {
        Self(number, Vec::new())
    }

    fn with(mut self, argument: u8, operator: SeccompCmpOp, value: u64) -> Self {
        let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value);
        self.1.push(condition.unwrap());
        self
    }

    /// Loads a plugin in a runner where this call has this outcome.
    fn load(self, outcome: SeccompAction, strict_sandbox: bool) -> Result<PluginSet, LoadError> {
        let Self(call, conditions) = self;
        let rules = if conditions.is_empty() { vec![] } else { vec![SeccompRule::new(conditions).unwrap()] };
        let rules = BTreeMap::from([(call, rules)]);
        let filter = SeccompFilter::new(rules, SeccompAction::Allow, outcome, TargetArch::x86_64).unwrap();
        let filter = BpfProgram::try_from(filter).unwrap();
        // Built without the filter.
        parrot();
        thread::spawn(move || {
            apply_filter(&filter).unwrap();
            load(strict_sandbox)
        })
        .join()
        .unwrap()
    }
}

fn load(strict_sandbox: bool) -> Result<PluginSet, LoadError> {
    // A program of its own: what works with the other tests' program was tried before.
    let directory = TestDirectory::new();
    let program = directory.path().join("runner");
    fs::copy(env!("CARGO_BIN_EXE_locum-plugin-runner"), &program).unwrap();
    let mut options: LoadOptions = options(Arc::new(ScriptedUpstreams::default()), Duration::from_secs(10));
    options.runner = Some(RunnerCommand::Path(program));
    options.strict_sandbox = strict_sandbox;
    let pins = Pins::trusting_file(parrot()).unwrap().at(Isolation::Runner);
    PluginSet::load([parrot()], &pins, options)
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number.unsigned_abs())
}

#[test]
fn a_c_library_that_makes_another_call_is_named_with_its_version_and_no_plugin_is_blamed() {
    let execute = u64::from(libc::PROT_EXEC.unsigned_abs());
    // As if this C library opened libraries in another way. The code of the system's own libraries is longer than the page
    // of the library that is tried; their descriptors cannot tell them apart, because a process may inherit some.
    let opens_a_plugin = || Filtered::call(libc::SYS_mmap).with(2, SeccompCmpOp::MaskedEq(execute), execute);
    let other = opens_a_plugin().with(1, SeccompCmpOp::Eq, 4096);
    let error = other.load(SeccompAction::Trap, false).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    for part in ["C library, glibc 2.", "no plugin can run", "it made the system call `mmap`"] {
        assert!(error.cause.contains(part), "{error}");
    }
    let none = opens_a_plugin().with(1, SeccompCmpOp::Eq, 4097);
    assert!(none.load(SeccompAction::Trap, false).is_ok());
}

#[test]
fn another_call_for_memory_is_the_c_librarys_too() {
    let large = 2 << 20;
    let grows = Filtered::call(libc::SYS_mremap).with(2, SeccompCmpOp::Ge, large);
    let error = grows.load(SeccompAction::Trap, false).err().unwrap();
    assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
    assert!(error.cause.contains("it made the system call `mremap`"), "{error}");
}

#[test]
fn a_required_part_that_is_missing_is_named() {
    let sets = |option: i32| {
        Filtered::call(libc::SYS_prctl).with(0, SeccompCmpOp::Eq, u64::from(option.unsigned_abs()))
    };
    for (call, outcome, part) in [
        (Filtered::call(libc::SYS_seccomp), libc::ENOSYS, "the seccomp filter"),
        (Filtered::call(libc::SYS_seccomp), libc::EPERM, "the seccomp filter"),
        (Filtered::call(libc::SYS_close_range), libc::ENOSYS, "closing inherited descriptors"),
        (Filtered::call(libc::SYS_pidfd_open), libc::ENOSYS, "a process descriptor"),
        (Filtered::call(libc::SYS_socketpair), libc::EAFNOSUPPORT, "a socket"),
        (sets(libc::PR_SET_PDEATHSIG), libc::EPERM, "asking to end with the server"),
        (sets(libc::PR_SET_DUMPABLE), libc::EPERM, "hiding the memory of the process"),
        (sets(libc::PR_SET_NO_NEW_PRIVS), libc::EPERM, "giving up new privileges"),
        (
            Filtered::call(libc::SYS_prlimit64).with(2, SeccompCmpOp::Ne, 0),
            libc::EPERM,
            "limiting memory and files",
        ),
    ] {
        let error = call.load(errno(outcome), false).err().unwrap();
        assert_eq!(error.code, LoadErrorCode::RunnerUnavailable, "{part}: {error}");
        assert!(error.cause.contains(part), "{part}: {error}");
    }
}

#[test]
fn a_part_that_not_every_kernel_has_is_done_without_unless_the_sandbox_is_strict() {
    const PR_SET_MDWE: u64 = 65;
    let landlock = || Filtered::call(libc::SYS_landlock_create_ruleset);
    let mdwe = || Filtered::call(libc::SYS_prctl).with(0, SeccompCmpOp::Eq, PR_SET_MDWE);
    let present = |loaded: Result<PluginSet, LoadError>| {
        let protections = loaded.unwrap().plugins().next().unwrap().protections().unwrap();
        (protections.landlock, protections.no_new_code)
    };
    let (has_landlock, has_mdwe) = present(load(false));
    assert_eq!(present(landlock().load(errno(libc::ENOSYS), false)), (false, has_mdwe));
    assert_eq!(present(mdwe().load(errno(libc::EINVAL), false)), (has_landlock, false));
    for (part, name) in [(landlock(), "landlock"), (mdwe(), "PR_SET_MDWE")] {
        let error = part.load(errno(libc::EINVAL), true).err().unwrap();
        assert_eq!(error.code, LoadErrorCode::RunnerUnavailable);
        assert!(error.cause.contains("the kernel lacks") && error.cause.contains(name), "{error}");
    }
}
