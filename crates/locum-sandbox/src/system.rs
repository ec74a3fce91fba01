//! The calls of the C library that have no safe form: the only file of this crate with unsafe code.
#![expect(unsafe_code, reason = "signal handlers and process attributes; each block has its SAFETY comment")]

use std::cell::Cell;
use std::ffi::CStr;
use std::io::Error;
use std::mem::MaybeUninit;
use std::os::fd::{IntoRawFd as _, OwnedFd};
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use crate::death::{Death, DeathCause};
use crate::error::SandboxError;

/// The exit code of a process that ended itself after it had said why, or because its work was done.
pub(crate) const EXIT_CODE: u8 = 159;

/// The first descriptor after standard input, output and error.
const FIRST_INHERITED: libc::c_uint = 3;

/// Bytes of the stack on which a thread's signal handlers run: processors with large registers save 12 KiB there.
const HANDLER_STACK_BYTES: usize = 64 << 10;

/// A stack overflow touches memory this close to the stack pointer.
const STACK_OVERFLOW_DISTANCE: usize = 64 << 10;

/// Attribute of `prctl` that refuses to make memory executable later (Linux 6.3), and its one bit.
const PR_SET_MDWE: libc::c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: libc::c_ulong = 1;

/// How long a thread computes in one turn while others wait for the processor, in nanoseconds: the least that Linux
/// allows. A call to a plugin takes about 10 µs, and one that does not end keeps nobody waiting for the usual 3 ms.
const TURN_NANOSECONDS: u64 = 100_000;

/// The policies of threads that share processors fairly.
const USUAL_POLICIES: [u32; 2] = [libc::SCHED_OTHER as u32, libc::SCHED_BATCH as u32];

/// The signals of crashes and aborts.
const CRASHES: [libc::c_int; 7] =
    [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT, libc::SIGTRAP, libc::SIGXFSZ];

/// Calls that look for a file by name. Libraries make them to find out what the system has, and go on without it.
const LOOK_FOR_FILES: [i64; 9] = [
    libc::SYS_stat,
    libc::SYS_lstat,
    libc::SYS_access,
    libc::SYS_readlink,
    libc::SYS_newfstatat,
    libc::SYS_readlinkat,
    libc::SYS_faccessat,
    libc::SYS_statx,
    libc::SYS_faccessat2,
];

/// The descriptor with which the next `openat` is answered, -1 if with none.
static NEXT_OPENAT: AtomicI32 = AtomicI32::new(-1);

/// The descriptor of the library file, -1 before there is one.
static LIBRARY: AtomicI32 = AtomicI32::new(-1);

/// Whether a thread is telling already why the process ends. The others must not, or the wrong one would be named.
static ENDING: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The number of this thread. Read in signal handlers: it needs no allocation and no destructor.
    static THREAD: Cell<u32> = const { Cell::new(u32::MAX) };
}

/// Closes every descriptor but standard input, output and error.
///
/// # Errors
/// The system refuses.
pub fn close_inherited() -> Result<(), SandboxError> {
    // SAFETY: the caller has opened nothing yet, so no value in this process owns one of these descriptors.
    let result = unsafe { libc::close_range(FIRST_INHERITED, libc::c_uint::MAX, 0) };
    checked(result == 0, "closing inherited descriptors")
}

/// Makes the system refuse to make memory executable that was not mapped so. Returns whether the kernel can do that.
pub fn refuse_executable_memory() -> bool {
    // SAFETY: this attribute takes one number and reads no memory.
    unsafe { libc::prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 }
}

/// Limits the arenas of malloc. Without a limit, malloc reads a file of the system to count processors.
pub(crate) fn limit_arenas(arenas: u16) -> Result<(), SandboxError> {
    // SAFETY: the option takes one number.
    let result = unsafe { libc::mallopt(libc::M_ARENA_MAX, libc::c_int::from(arenas)) };
    checked(result == 1, "limiting the arenas of malloc")
}

/// Asks for short turns on a processor for this thread and those it starts. Linux before 6.12 takes no notice, and a
/// thread that is not scheduled as usual (a real-time policy) stays as it is.
pub(crate) fn take_short_turns() {
    let Some(mut scheduling) = scheduling() else { return };
    if !USUAL_POLICIES.contains(&scheduling.sched_policy) {
        return;
    }
    scheduling.sched_runtime = TURN_NANOSECONDS;
    // SAFETY: the kernel reads as many bytes as the value says that it has.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const scheduling, 0) };
}

/// How the current thread is scheduled.
fn scheduling() -> Option<libc::sched_attr> {
    let mut scheduling = MaybeUninit::<libc::sched_attr>::zeroed();
    let bytes = size_of::<libc::sched_attr>();
    // SAFETY: the kernel writes no more than this many bytes.
    let result = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, scheduling.as_mut_ptr(), bytes, 0) };
    // SAFETY: it has numbers only, for which zeros are valid.
    (result == 0).then(|| unsafe { scheduling.assume_init() })
}

/// The system's C library with its version, for people.
pub fn c_library() -> String {
    // SAFETY: it returns a text that ends with a zero byte and is never changed or freed.
    let version = unsafe { CStr::from_ptr(libc::gnu_get_libc_version()) };
    format!("glibc {}", version.to_string_lossy())
}

/// Gives the system back the memory that malloc keeps and nothing uses: most of what a start needed.
pub fn give_back_memory() {
    // SAFETY: it touches only memory that malloc has not given out.
    unsafe { libc::malloc_trim(0) };
}

/// Numbers the current thread for messages about its death, and gives its signal handlers a stack of their own.
///
/// # Errors
/// The system refuses.
pub fn prepare_thread(number: u32) -> Result<(), SandboxError> {
    THREAD.set(number);
    // Leaked: the handlers of this thread use it until the process ends. Not written: most threads never need it.
    let stack: &'static mut [MaybeUninit<u8>] = Box::leak(Box::new_uninit_slice(HANDLER_STACK_BYTES));
    let stack = libc::stack_t { ss_sp: stack.as_mut_ptr().cast(), ss_flags: 0, ss_size: HANDLER_STACK_BYTES };
    // SAFETY: the memory is valid for ever, and nothing else uses it.
    let result = unsafe { libc::sigaltstack(&raw const stack, ptr::null_mut()) };
    checked(result == 0, "setting the stack of signal handlers")
}

/// Installs the handlers that tell the parent what ends the process.
///
/// # Errors
/// The system refuses.
pub fn handle_signals() -> Result<(), SandboxError> {
    // SAFETY: standard input is the socket to the parent, and making it non-blocking changes no memory. The parent has
    // another description, which stays as it is.
    let result = unsafe { libc::fcntl(libc::STDIN_FILENO, libc::F_SETFL, libc::O_NONBLOCK) };
    checked(result != -1, "making the control socket non-blocking")?;
    handle(libc::SIGSYS, on_forbidden_call)?;
    CRASHES.into_iter().try_for_each(|signal| handle(signal, on_crash))
}

type Handler = extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void);

fn handle(signal: libc::c_int, handler: Handler) -> Result<(), SandboxError> {
    // SAFETY: zeros are a valid `sigaction`: no handler, no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handlers take the three arguments of SA_SIGINFO, live for ever, and call only what POSIX allows in a
    // handler: `write` and `_exit`, both as plain system calls.
    let result = unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    checked(result == 0, "installing a signal handler")
}

/// Answers the next `openat` with this descriptor, which belongs to whoever receives it.
pub(crate) fn answer_openat_with(file: OwnedFd) {
    let file = file.into_raw_fd();
    LIBRARY.store(file, Ordering::SeqCst);
    NEXT_OPENAT.store(file, Ordering::SeqCst);
}

/// Ends the process without running anything else.
pub fn leave() -> ! {
    // SAFETY: `_exit` is always safe; it does not return.
    unsafe { libc::_exit(libc::c_int::from(EXIT_CODE)) }
}

extern "C" fn on_forbidden_call(_: libc::c_int, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let context: *mut libc::ucontext_t = context.cast();
    // SAFETY: with SA_SIGINFO the third argument points to the interrupted thread's context, which only this handler
    // uses until it returns.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    let [call, file, buffer, flags] =
        [libc::REG_RAX, libc::REG_RDI, libc::REG_RDX, libc::REG_R10].map(|index| register(registers, index));
    let answer = match call {
        libc::SYS_openat => match NEXT_OPENAT.swap(-1, Ordering::SeqCst) {
            -1 => None,
            library => Some(i64::from(library)),
        },
        // How newer versions of the C library write `fstat`. A filter cannot see whether the name is empty.
        libc::SYS_newfstatat if is_library(file) && flags == i64::from(libc::AT_EMPTY_PATH) => {
            // SAFETY: the kernel checks the address before it writes there. It is where the interrupted code wants it.
            let result = unsafe { libc::syscall(libc::SYS_fstat, file, buffer) };
            Some(if result == 0 { 0 } else { i64::from(-libc::EBADF) })
        }
        call if LOOK_FOR_FILES.contains(&call) => Some(i64::from(-libc::ENOENT)),
        _ => None,
    };
    match (answer, registers.get_mut(libc::REG_RAX as usize)) {
        (Some(answer), Some(result)) => *result = answer,
        _ => end(DeathCause::ForbiddenCall(u32::try_from(call).unwrap_or(u32::MAX))),
    }
}

fn register(registers: &[i64], index: libc::c_int) -> i64 {
    registers.get(index as usize).copied().unwrap_or(-1)
}

fn is_library(file: i64) -> bool {
    file == i64::from(LIBRARY.load(Ordering::SeqCst))
}

extern "C" fn on_crash(signal: libc::c_int, facts: *mut libc::siginfo_t, context: *mut libc::c_void) {
    let context: *const libc::ucontext_t = context.cast();
    // SAFETY: as above; the second argument points to the signal's facts, which for SIGSEGV hold an address.
    let (address, stack) = unsafe {
        let stack = (*context).uc_mcontext.gregs.get(libc::REG_RSP as usize).copied();
        ((*facts).si_addr() as usize, stack.unwrap_or(0) as usize)
    };
    if signal == libc::SIGSEGV && address.abs_diff(stack) < STACK_OVERFLOW_DISTANCE {
        end(DeathCause::StackOverflow)
    }
    end(DeathCause::Signal(signal.unsigned_abs()))
}

/// Tells the parent, as far as its socket has room, and ends the process.
fn end(cause: DeathCause) -> ! {
    if ENDING.swap(true, Ordering::SeqCst) {
        // Another thread is telling why, and ends the process.
        loop {
            std::hint::spin_loop();
        }
    }
    let message = Death { cause, thread: THREAD.get() }.to_bytes();
    // SAFETY: the bytes are valid, and `write` may be called in a signal handler.
    let _ = unsafe { libc::write(libc::STDIN_FILENO, message.as_ptr().cast(), message.len()) };
    leave()
}

fn checked(succeeded: bool, step: &'static str) -> Result<(), SandboxError> {
    if succeeded { Ok(()) } else { Err(SandboxError::refused(step, Error::last_os_error())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_started_later_take_short_turns_too_and_nothing_else_changes() {
        let started = || std::thread::spawn(|| scheduling().unwrap()).join().unwrap();
        // In a thread of its own: the other tests are not concerned.
        let [before, after] = std::thread::spawn(move || {
            let before = started();
            take_short_turns();
            [before, started()]
        })
        .join()
        .unwrap();
        // Before Linux 6.12 there are no turns to ask for, and none are told.
        let turn = if before.sched_runtime == 0 { 0 } else { TURN_NANOSECONDS };
        assert_eq!(after.sched_runtime, turn);
        assert_eq!((after.sched_policy, after.sched_nice), (before.sched_policy, before.sched_nice));
    }
}
