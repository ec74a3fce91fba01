//! The one seccomp filter: which system calls a process may make that runs a plugin.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, apply_filter_all_threads,
};

use crate::error::SandboxError;
use crate::system::{self, EXIT_CODE};

/// Calls that are allowed whatever their arguments. They reach no further than this process's memory and the descriptors
/// that are open.
const ALLOWED: [i64; 14] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_futex,
    libc::SYS_munmap,
    libc::SYS_brk,
    libc::SYS_getrandom,
    libc::SYS_rt_sigreturn,
    libc::SYS_mremap,
    libc::SYS_sched_yield,
    libc::SYS_clock_gettime,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigprocmask,
    libc::SYS_gettid,
    libc::SYS_getpid,
];

/// `MADV_DONTNEED` and `MADV_FREE` of allocators; `MADV_WIPEONFORK` and the invalid -1 with which aws-lc asks for it.
const ADVICE: [u32; 4] = [4, 8, 18, u32::MAX];

/// The descriptor of a library file that can be opened once under the filter.
///
/// The system's loader opens a file by name, and the filter allows no `openat`. The first one is answered with this
/// descriptor by the signal handler, whatever the name. The loader closes it before it runs the library's constructors, and
/// nothing can open another. So constructors have exactly the power of any other code of the library.
#[derive(Debug)]
pub struct PluginFile(OwnedFd);

impl PluginFile {
    /// Takes the descriptor, which must be of an open file description that no other process has.
    pub fn new(file: OwnedFd) -> Self {
        Self(file)
    }

    /// The name to give the loader.
    pub fn name(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_fd().as_raw_fd())
    }
}

/// Applies the filter to all threads of the process, for ever.
///
/// # Errors
/// The system refuses, or a thread cannot be given the filter.
pub fn install_filter(file: PluginFile) -> Result<(), SandboxError> {
    let refused = |error: String| SandboxError::refused("the seccomp filter", error);
    let descriptor = file.0.as_raw_fd();
    let program = program(descriptor).map_err(refused)?;
    system::answer_openat_with(file.0);
    apply_filter_all_threads(&program).map_err(|error| refused(error.to_string()))
}

fn program(file: i32) -> Result<BpfProgram, String> {
    let text = |error: seccompiler::BackendError| error.to_string();
    SeccompFilter::new(
        rules(file).map_err(text)?,
        SeccompAction::Trap,
        SeccompAction::Allow,
        TargetArch::x86_64,
    )
    .and_then(BpfProgram::try_from)
    .map_err(text)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn rules(file: i32) -> Result<Rules, seccompiler::BackendError> {
    // An empty list of rules allows the call.
    let mut rules: Rules = ALLOWED.into_iter().map(|call| (call, Vec::new())).collect();
    let file = u64::from(file.unsigned_abs());
    let execute = u64::from(libc::PROT_EXEC.unsigned_abs());
    let write = u64::from(libc::PROT_WRITE.unsigned_abs());
    let [shared, private, anonymous] =
        [libc::MAP_SHARED, libc::MAP_PRIVATE, libc::MAP_ANONYMOUS].map(|flag| u64::from(flag.unsigned_abs()));
    rules.insert(
        libc::SYS_mmap,
        vec![
            SeccompRule::new(vec![masked(2, execute, 0)?])?,
            SeccompRule::new(vec![
                masked(2, execute | write, execute)?,
                masked(3, shared | private | anonymous, private)?,
                equal(4, file)?,
            ])?,
        ],
    );
    rules.insert(libc::SYS_mprotect, vec![SeccompRule::new(vec![masked(2, execute, 0)?])?]);
    let advice = ADVICE.into_iter().map(|advice| SeccompRule::new(vec![equal(2, u64::from(advice))?]));
    rules.insert(libc::SYS_madvise, advice.collect::<Result<_, _>>()?);
    for call in [libc::SYS_close, libc::SYS_fstat, libc::SYS_lseek, libc::SYS_pread64] {
        rules.insert(call, vec![SeccompRule::new(vec![equal(0, file)?])?]);
    }
    // Allocators name their memory, for /proc/self/maps.
    let name_memory = vec![equal(0, u64::from(libc::PR_SET_VMA.unsigned_abs()))?];
    rules.insert(libc::SYS_prctl, vec![SeccompRule::new(name_memory)?]);
    let this_process = u64::from(std::process::id());
    let abort = u64::from(libc::SIGABRT.unsigned_abs());
    let abort_itself = vec![equal(0, this_process)?, equal(2, abort)?];
    rules.insert(libc::SYS_tgkill, vec![SeccompRule::new(abort_itself)?]);
    // The signal handlers' own exit.
    rules.insert(libc::SYS_exit_group, vec![SeccompRule::new(vec![equal(0, EXIT_CODE.into())?])?]);
    Ok(rules)
}

/// The kernel reads only the lower half of these arguments.
fn equal(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value)
}

fn masked(argument: u8, mask: u64, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(mask), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filter_is_small_enough_for_the_kernel() {
        assert!(program(7).unwrap().len() < 4096);
    }

    #[test]
    fn calls_that_reach_out_of_the_process_have_no_rule() {
        let rules = rules(7).unwrap();
        for call in [
            libc::SYS_open,
            libc::SYS_openat,
            libc::SYS_openat2,
            libc::SYS_socket,
            libc::SYS_connect,
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_fork,
            libc::SYS_vfork,
            libc::SYS_clone,
            libc::SYS_clone3,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_kill,
            libc::SYS_tkill,
            libc::SYS_dup2,
            libc::SYS_fcntl,
            libc::SYS_prlimit64,
            libc::SYS_setrlimit,
            libc::SYS_seccomp,
            libc::SYS_rt_sigaction,
            libc::SYS_io_uring_setup,
            libc::SYS_memfd_create,
            libc::SYS_userfaultfd,
            libc::SYS_bpf,
            libc::SYS_sendmsg,
            libc::SYS_recvmsg,
        ] {
            assert!(!rules.contains_key(&call), "{call}");
        }
    }

    #[test]
    fn calls_with_a_restricted_argument_have_conditions() {
        let rules = rules(7).unwrap();
        for call in [
            libc::SYS_mmap,
            libc::SYS_mprotect,
            libc::SYS_close,
            libc::SYS_prctl,
            libc::SYS_tgkill,
            libc::SYS_exit_group,
        ] {
            assert!(!rules[&call].is_empty(), "{call}");
        }
        assert!(rules[&libc::SYS_read].is_empty());
    }
}
