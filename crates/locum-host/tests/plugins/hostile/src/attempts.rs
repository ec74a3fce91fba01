//! What it tries. Each attempt says how it went, if the process survives it.
#![expect(unsafe_code, reason = "system calls and faults on purpose; each block has its SAFETY comment")]
#![allow(clippy::many_single_char_names, reason = "none of these names is public")]

use std::ffi::CString;
use std::hint::black_box;
use std::sync::atomic::{AtomicI64, Ordering};

/// What an earlier call stored; 0 at first.
static REMEMBERED: AtomicI64 = AtomicI64::new(0);

/// How many add-ons the host has dropped in this process.
pub(crate) static DROPPED: AtomicI64 = AtomicI64::new(0);

/// Tries this, and says how it went.
pub(crate) fn attempt(name: &str, target: &str) -> String {
    let path = CString::new(target).unwrap_or_default();
    let path = path.as_ptr();
    let number: i32 = target.parse().unwrap_or(-1);
    let result = match name {
        "abort" => std::process::abort(),
        "exit" => std::process::exit(7),
        "segv" => segv(),
        "overflow_the_stack" => recurse(1),
        "use_stack" => use_stack(number),
        "loop" => spin(),
        "work" => work(number),
        "work_and_abort" => {
            work(number);
            std::process::abort()
        }
        "work_and_hide" => {
            work(number);
            // SAFETY: the call is refused.
            unsafe { system_call("hide_signals", path, number) }
        }
        // Says what was remembered before: by a call of any add-on in this process.
        "remember" => REMEMBERED.swap(number.into(), Ordering::SeqCst),
        // Needs the library of mathematical functions, which no program has loaded that does not compute.
        "tangent" => black_box(f64::from(number)).tan() as i64,
        "count_dropped" => DROPPED.load(Ordering::SeqCst),
        "allocate" => allocate(),
        "write_audit_line" => write(2, b"{\"event\":\"delegation\",\"outcome\":\"issued\",\"seq\":1}\n"),
        "write_much" => write_much(),
        "forge_death" => write(0, &[b'D', 1, 6, 0, 0, 0, 1, 0, 0, 0]),
        "flood_control" => {
            for _ in 0..1_000_000 {
                write(0, b"x");
            }
            spin()
        }
        "empty_control_message" => {
            write(0, b"");
            spin()
        }
        "answer_on_all_lanes" => (3..12).map(|lane| write(lane, &[1, 0, 0, 0, 9])).sum(),
        "announce_a_huge_answer" => (3..12).map(|lane| write(lane, &u32::MAX.to_le_bytes())).sum(),
        // SAFETY: system calls that are refused, or whose result nothing here depends on.
        name => unsafe { system_call(name, path, number) },
    };
    format!("{name}: {result}")
}

/// # Safety
/// The process is not used for anything else.
unsafe fn system_call(name: &str, path: *const libc::c_char, number: i32) -> i64 {
    use libc::syscall;
    let nothing = std::ptr::null::<u8>();
    // SAFETY: as the caller promises. No memory of this process is given away.
    unsafe {
        match name {
            "close_descriptors" => (0..64).map(|descriptor| syscall(libc::SYS_close, descriptor)).sum(),
            "dup2" => syscall(libc::SYS_dup2, 1, 2),
            "raise_limits" => {
                let limits = [u64::MAX, u64::MAX];
                syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_AS, limits.as_ptr(), nothing)
            }
            "socket" => syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0),
            "connect" => connect(number),
            "open" => syscall(libc::SYS_open, path, libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC, 0o600),
            "openat" => syscall(libc::SYS_openat, libc::AT_FDCWD, path, libc::O_WRONLY | libc::O_TRUNC),
            "read_file" => syscall(libc::SYS_openat, libc::AT_FDCWD, path, libc::O_RDONLY),
            "unlink" => syscall(libc::SYS_unlink, path),
            "stat" => {
                let mut stat: libc::stat = std::mem::zeroed();
                syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path, &raw mut stat, libc::AT_EMPTY_PATH)
            }
            "exec" => syscall(libc::SYS_execve, path, nothing, nothing),
            "fork" => syscall(libc::SYS_fork),
            "clone" => syscall(libc::SYS_clone, libc::SIGCHLD, nothing, nothing, nothing, nothing),
            "thread" => {
                let thread = std::thread::spawn(|| 1);
                thread.join().unwrap_or(-1)
            }
            "make_code" => {
                let page = libc::mmap(
                    std::ptr::null_mut(),
                    4096,
                    libc::PROT_READ | libc::PROT_WRITE,
                    libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                    -1,
                    0,
                );
                syscall(libc::SYS_mprotect, page, 4096, libc::PROT_READ | libc::PROT_EXEC)
            }
            "map_code" => syscall(
                libc::SYS_mmap,
                nothing,
                4096,
                libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            ),
            "ptrace" => syscall(libc::SYS_ptrace, libc::PTRACE_ATTACH, number, 0, 0),
            "read_memory" => syscall(libc::SYS_process_vm_readv, number, nothing, 0, nothing, 0, 0),
            "kill" => syscall(libc::SYS_kill, number, libc::SIGKILL),
            "tgkill" => syscall(libc::SYS_tgkill, number, number, libc::SIGKILL),
            "kill_itself" => syscall(libc::SYS_tgkill, libc::getpid(), libc::getpid(), libc::SIGKILL),
            "handle_signals" => syscall(libc::SYS_rt_sigaction, libc::SIGSYS, nothing, nothing, 8),
            "undo_filter" => syscall(libc::SYS_seccomp, 0, 0, nothing),
            "show_memory" => syscall(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0),
            "io_uring" => syscall(libc::SYS_io_uring_setup, 1, nothing),
            "memfd" => syscall(libc::SYS_memfd_create, path, 0),
            "sleep" => {
                let second = libc::timespec { tv_sec: 1, tv_nsec: 0 };
                syscall(libc::SYS_nanosleep, &raw const second, nothing)
            }
            "hide_signals" => {
                let all = u64::MAX;
                syscall(libc::SYS_rt_sigprocmask, libc::SIG_BLOCK, &raw const all, nothing, 8);
                syscall(libc::SYS_getppid)
            }
            _ => 0,
        }
    }
}

/// # Safety
/// None beyond that of system calls.
unsafe fn connect(port: i32) -> i64 {
    let port = u16::try_from(port).unwrap_or(1);
    let address = libc::sockaddr_in {
        sin_family: 2,
        sin_port: port.to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 2]) },
        sin_zero: [0; 8],
    };
    // SAFETY: the address is valid for the time of the call.
    unsafe {
        let socket = libc::syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0);
        libc::syscall(libc::SYS_connect, socket, &raw const address, 16)
    }
}

fn write(descriptor: i32, bytes: &[u8]) -> i64 {
    // SAFETY: the bytes are valid.
    let written = unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
    i64::try_from(written).unwrap_or(-1)
}

fn write_much() -> i64 {
    let bytes = vec![b'x'; 1 << 20];
    (0..2).map(|_| write(2, &bytes)).sum()
}

fn segv() -> i64 {
    let nowhere = black_box(std::ptr::without_provenance::<i64>(8));
    // SAFETY: none; it crashes on purpose.
    unsafe { nowhere.read_volatile() }
}

/// Uses at least so many KiB of stack.
fn use_stack(kibibytes: i32) -> i64 {
    let kept = black_box([1_u8; 1024]);
    let below = if kibibytes > 1 { use_stack(kibibytes - 1) } else { 0 };
    below + kept.iter().map(|byte| i64::from(*byte)).sum::<i64>()
}

fn spin() -> i64 {
    loop {
        std::hint::spin_loop();
    }
}

/// Computes for so many milliseconds.
fn work(milliseconds: i32) -> i64 {
    let start = std::time::Instant::now();
    while start.elapsed().as_millis() < u128::from(milliseconds.unsigned_abs()) {
        std::hint::spin_loop();
    }
    0
}

/// Fills memory until there is no more.
fn allocate() -> i64 {
    let mut kept: Vec<Vec<u8>> = Vec::new();
    loop {
        kept.push(vec![1; 1 << 20]);
        black_box(&kept);
    }
}

fn recurse(depth: i64) -> i64 {
    let large = black_box([depth; 64]);
    match depth {
        i64::MIN => 0,
        depth => recurse(black_box(depth.wrapping_add(1))).wrapping_add(large.iter().sum()),
    }
}
