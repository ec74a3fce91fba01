//! Starts a runner: spawns the program, sends it what it needs, and waits until the plugin is mapped under the filter.

use std::fs::{self, File};
use std::io::{self, ErrorKind, IoSlice, Read as _, read_to_string};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, ExitStatus, Stdio};
use std::time::Instant;

use locum_sandbox::Death;
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use crate::limits::{RUNNER_LANES_MAX, RUNNER_MESSAGES_MAX, RUNNER_START_DEADLINE};
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::mapping::sealed_memfd;
use crate::protections::Protections;
use crate::runner::blocking_lane::{BlockingFault, BlockingLane};
use crate::runner::command::RunnerCommand;
use crate::runner::control_socket::{self, Received, last_death, next_message};
use crate::runner::faults::{ended_early, failed, trial_failed, unavailable};
use crate::runner::messages::{Answer, ControlMessage, PROTOCOL, Request, Setup};

/// The plugin that a runner maps.
pub(super) struct PluginImage {
    /// A sealed memory file.
    pub(super) file: OwnedFd,
    /// The libraries that it needs.
    pub(super) libraries: Vec<String>,
    /// Whether it is the library that does nothing, for the trial.
    pub(super) is_trial: bool,
}

impl PluginImage {
    /// Copies a plugin that was pinned and inspected.
    ///
    /// # Errors
    /// The system provides no executable memory.
    pub(super) fn new(name: &str, bytes: &[u8], libraries: Vec<String>) -> Result<Self, LoadFault> {
        let file = sealed_memfd(name, bytes).map_err(|error| {
            let cause = format!("the system refuses executable memory: {error}");
            LoadFault::new(LoadErrorCode::MappingRefused, cause)
        })?;
        Ok(Self { file: file.into(), libraries, is_trial: false })
    }

    /// The fault of a process that ended with this before it was ready.
    fn ended(&self, cause: &str) -> LoadFault {
        let fault = ended_early(cause);
        if self.is_trial { trial_failed(&fault.cause) } else { fault }
    }

    /// The fault of a process that did not map it, for this reason.
    fn refused(&self, fault: LoadFault) -> LoadFault {
        if self.is_trial && fault.code == LoadErrorCode::LoaderRefused {
            return trial_failed(&format!("was refused: {}", fault.cause));
        }
        fault
    }
}

/// A runner whose plugin is mapped. It is killed when this is dropped.
pub(super) struct RunnerProcess {
    child: Child,
    pub(super) control: OwnedFd,
    pub(super) output: Option<ChildStderr>,
    pub(super) handle: ProcessHandle,
    configure_lane: Option<BlockingLane>,
    lanes: Vec<UnixStream>,
    pub(super) protections: Protections,
    /// Its file `/proc/self/status`.
    own_status: Option<File>,
}

/// What calls need of a process.
pub(super) struct Parts {
    pub(super) handle: ProcessHandle,
    pub(super) configure_lane: BlockingLane,
    pub(super) lanes: Vec<UnixStream>,
}

/// Kills a process. It never meets another process that got the same number.
#[derive(Debug)]
pub(super) struct ProcessHandle(OwnedFd);

impl ProcessHandle {
    pub(super) fn of(child: &Child) -> Result<Self, Errno> {
        let pid = Pid::from_raw(child.id().cast_signed()).ok_or(Errno::SRCH)?;
        pidfd_open(pid, PidfdFlags::empty()).map(Self)
    }

    pub(super) fn kill(&self) {
        // Fails only if the process has ended.
        let _ = pidfd_send_signal(&self.0, Signal::KILL);
    }
}

/// What mimalloc, the allocator of `locum`, reserves at a time, in KiB: its own choice is more than the limit of the
/// runner's address space. Other allocators do not read it.
const ARENA_RESERVE: (&str, &str) = ("MIMALLOC_ARENA_RESERVE", "32768");

/// How many calls a runner answers at a time: one for each processor, up to a limit.
pub(super) fn lane_count() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from(processors).unwrap_or(RUNNER_LANES_MAX).min(RUNNER_LANES_MAX)
}

impl RunnerProcess {
    /// Starts a runner with this plugin. Must be called in the thread that keeps it: the runner ends with that thread.
    ///
    /// # Errors
    /// The program cannot be started, the system lacks something that the sandbox needs, or the plugin cannot be mapped or
    /// ends the process while it is.
    pub(super) fn start(command: &RunnerCommand, image: &PluginImage) -> Result<Self, LoadFault> {
        let deadline = Instant::now() + RUNNER_START_DEADLINE;
        let (control, far_control) =
            control_socket::pair().map_err(|error| unavailable("a socket", error))?;
        let mut command =
            command.command().map_err(|cause| LoadFault::new(LoadErrorCode::RunnerUnavailable, cause))?;
        command.env_clear().envs([ARENA_RESERVE]).arg0("locum-plugin-runner").process_group(0);
        command.stdin(Stdio::from(far_control)).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| {
            let program = command.get_program().display();
            unavailable(&format!("the program {program}"), error)
        })?;
        // It holds this process's end of the control socket.
        drop(command);
        let handle = match ProcessHandle::of(&child) {
            Ok(handle) => handle,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(unavailable("a process descriptor", error));
            }
        };
        let output = child.stderr.take();
        match set_up(&control, image, deadline) {
            Ok(Started { configure_lane, lanes, protections, own_status }) => {
                let configure_lane = Some(configure_lane);
                Ok(Self { child, control, output, handle, configure_lane, lanes, protections, own_status })
            }
            Err(NotStarted::Fault(fault)) => {
                end(&mut child, &handle);
                Err(fault)
            }
            Err(NotStarted::Ended) => {
                let status = end(&mut child, &handle);
                let mut text = String::new();
                // What a program says that is not the runner. The plugin cannot have written more than a pipe holds.
                if let Some(output) = output {
                    let _ = output.take(500).read_to_string(&mut text);
                }
                let text = locum_engine::printable(text.trim(), 200);
                let said = if text.is_empty() { String::new() } else { format!("; it wrote: {text}") };
                let cause = format!("{}{said}", describe(status));
                // A signal that it could not tell is of the C library too; a code is another program's.
                Err(if status.signal().is_some() { image.ended(&cause) } else { ended_early(&cause) })
            }
        }
    }

    /// The manifest that the code states.
    pub(super) fn described(&mut self) -> Result<Vec<u8>, LoadFault> {
        let deadline = Instant::now() + RUNNER_START_DEADLINE;
        let answer = match (&mut self.configure_lane, Request::Describe.frame()) {
            (Some(lane), Some(request)) => lane.exchange(&request, deadline),
            _ => Err(BlockingFault::Closed),
        };
        match answer {
            Ok(Answer::Replied(manifest)) => Ok(manifest),
            Ok(_) | Err(BlockingFault::BadFrame) => {
                Err(failed("its process answered with something else than a manifest"))
            }
            Err(BlockingFault::TimedOut) => Err(failed(format!(
                "it did not state its manifest within {} s",
                RUNNER_START_DEADLINE.as_secs()
            ))),
            Err(BlockingFault::Closed) => {
                let last = last_death(&self.control);
                let status = self.end();
                Err(failed(format!(
                    "its process ended while it stated its manifest: {}",
                    last.map_or_else(|| describe(status), |death| death.cause.to_string())
                )))
            }
        }
    }

    /// What calls need of it; `None` the second time.
    pub(super) fn parts(&mut self) -> Option<Parts> {
        let handle = ProcessHandle(self.handle.0.try_clone().ok()?);
        Some(Parts {
            handle,
            configure_lane: self.configure_lane.take()?,
            lanes: std::mem::take(&mut self.lanes),
        })
    }

    /// Kills the process, unless it has ended, and reaps it.
    pub(super) fn end(&mut self) -> ExitStatus {
        end(&mut self.child, &self.handle)
    }

    /// Reads from the system that the filter is in force in all threads: the process could say anything.
    ///
    /// # Errors
    /// It is not, or that cannot be read.
    pub(super) fn check_filter(&mut self) -> Result<(), LoadFault> {
        let threads = format!("/proc/{}/task", self.child.id());
        let unreadable =
            |error: io::Error| unavailable(&format!("the state of a process in {threads}"), error);
        // A container can have filters of its own, which count too.
        let inherited = fs::read_to_string("/proc/self/status").ok().and_then(|own| filters(&own));
        let statuses = statuses(fs::read_dir(&threads), self.own_status.take()).map_err(unreadable)?;
        for status in statuses {
            if !is_filtered(&status, inherited) {
                return Err(LoadFault::new(
                    LoadErrorCode::RunnerUnavailable,
                    "the filter of system calls is not in force in all threads of the process",
                ));
            }
        }
        Ok(())
    }
}

impl Drop for RunnerProcess {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the system says about each of a process's threads.
fn statuses(threads: io::Result<fs::ReadDir>, own: Option<File>) -> io::Result<Vec<String>> {
    match (threads, own) {
        (Ok(threads), _) => threads.map(|thread| fs::read_to_string(thread?.path().join("status"))).collect(),
        // A /proc that hides processes hides this one, which no program may look into. Its own first thread is the one
        // that applies the filter to all.
        (Err(error), Some(own)) if error.kind() == ErrorKind::NotFound => Ok(vec![read_to_string(own)?]),
        (Err(error), _) => Err(error),
    }
}

/// Whether a thread is restricted by a filter of system calls, and by one that it did not inherit.
fn is_filtered(status: &str, inherited: Option<u32>) -> bool {
    let restricted = field(status, "Seccomp") == Some(2) && field(status, "NoNewPrivs") == Some(1);
    let more = match (inherited, filters(status)) {
        (Some(inherited), Some(filters)) => filters > inherited,
        // Kernels before 5.10 do not count them.
        _ => true,
    };
    restricted && more
}

fn filters(status: &str) -> Option<u32> {
    field(status, "Seccomp_filters")
}

fn field(status: &str, name: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line?.trim().parse().ok()
}

fn end(child: &mut Child, handle: &ProcessHandle) -> ExitStatus {
    handle.kill();
    child.wait().unwrap_or_default()
}

/// What an exit status says about a process that did not say it.
pub(super) fn describe(status: ExitStatus) -> String {
    const SIGKILL: i32 = 9;
    const SIGSYS: i32 = 31;
    match status.signal() {
        Some(SIGKILL) => "it was killed, by the host or by the system for want of memory".to_owned(),
        Some(SIGSYS) => {
            "it made a system call that plugins may not make, such as starting a thread or a process"
                .to_owned()
        }
        _ => format!("it ended without saying why ({status})"),
    }
}

struct Started {
    configure_lane: BlockingLane,
    lanes: Vec<UnixStream>,
    protections: Protections,
    own_status: Option<File>,
}

enum NotStarted {
    Fault(LoadFault),
    /// It ended without saying why.
    Ended,
}

impl From<LoadFault> for NotStarted {
    fn from(fault: LoadFault) -> Self {
        Self::Fault(fault)
    }
}

/// Sends the runner its plugin and lanes, and waits until the plugin is mapped.
fn set_up(control: &OwnedFd, image: &PluginImage, deadline: Instant) -> Result<Started, NotStarted> {
    let pair = || UnixStream::pair().map_err(|error| unavailable("a socket", error));
    let (configure_lane, far_configure_lane) = pair()?;
    let lane_count = lane_count();
    let (lanes, far_lanes): (Vec<_>, Vec<_>) =
        (0..lane_count).map(|_| pair()).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let (libraries, is_trial) = (image.libraries.clone(), image.is_trial);
    let setup = Setup { protocol: PROTOCOL, lanes: lane_count, libraries, is_trial };
    let setup = serde_json::to_vec(&setup).map_err(|error| unavailable("the setup message", error))?;
    let mut descriptors = vec![image.file.as_fd(), far_configure_lane.as_fd()];
    descriptors.extend(far_lanes.iter().map(AsFd::as_fd));
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2 + RUNNER_LANES_MAX as usize))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    ancillary.push(SendAncillaryMessage::ScmRights(&descriptors));
    match sendmsg(control, &[IoSlice::new(&setup)], &mut ancillary, SendFlags::NOSIGNAL) {
        // It has ended already, and perhaps it has said why.
        Ok(_) | Err(Errno::PIPE | Errno::CONNRESET) => {}
        Err(error) => return Err(unavailable("a message to the runner", error).into()),
    }
    let mut last_death = None;
    let mut own_status = None;
    for _ in 0..RUNNER_MESSAGES_MAX {
        match next_message(control, deadline) {
            Received::Message(ControlMessage::Mapped(protections)) => {
                let configure_lane = BlockingLane::new(configure_lane);
                return Ok(Started { configure_lane, lanes, protections, own_status });
            }
            Received::Message(ControlMessage::Refused(fault)) => return Err(image.refused(fault).into()),
            Received::Message(ControlMessage::Death(death)) => last_death = Some(death),
            Received::Status(status) => own_status = Some(File::from(status)),
            Received::Unreadable => {}
            Received::Closed => {
                return Err(last_death
                    .map_or(NotStarted::Ended, |death: Death| image.ended(&death.cause.to_string()).into()));
            }
            Received::TimedOut => {
                let cause =
                    format!("it was not ready within {} s of its start", RUNNER_START_DEADLINE.as_secs());
                return Err(failed(cause).into());
            }
        }
    }
    Err(failed("its process sent too many messages while it started").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_loader_says_of_the_trial_is_about_the_system() {
        let cause = |is_trial: bool, code: LoadErrorCode| {
            let image = PluginImage { is_trial, ..PluginImage::new("a", b"", Vec::new()).unwrap() };
            image.refused(LoadFault::new(code, "no such symbol")).cause
        };
        let (loader, other) = (LoadErrorCode::LoaderRefused, LoadErrorCode::RunnerUnavailable);
        assert!(cause(true, loader).contains("was refused: no such symbol"));
        for (is_trial, code) in [(true, other), (false, loader), (false, other)] {
            assert_eq!(cause(is_trial, code), "no such symbol");
        }
    }

    #[test]
    fn the_own_status_of_a_process_counts_only_where_it_is_hidden() {
        let directory = tempfile::tempdir().unwrap();
        let own = || {
            let path = directory.path().join("own");
            fs::write(&path, "own").unwrap();
            Some(File::open(path).unwrap())
        };
        for (thread, status) in [("1", "first"), ("2", "second")] {
            fs::create_dir_all(directory.path().join("task").join(thread)).unwrap();
            fs::write(directory.path().join("task").join(thread).join("status"), status).unwrap();
        }
        let mut shown = statuses(fs::read_dir(directory.path().join("task")), own()).unwrap();
        shown.sort();
        assert_eq!(shown, ["first", "second"]);
        let hidden = || Err(ErrorKind::NotFound.into());
        assert_eq!(statuses(hidden(), own()).unwrap(), ["own"]);
        assert_eq!(statuses(hidden(), None).unwrap_err().kind(), ErrorKind::NotFound);
        let denied = statuses(Err(ErrorKind::PermissionDenied.into()), own());
        assert_eq!(denied.unwrap_err().kind(), ErrorKind::PermissionDenied);
    }

    #[test]
    fn a_thread_is_filtered_if_it_has_more_filters_than_it_inherited() {
        let counted =
            |filters: u32| format!("Name:\tx\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t{filters}\n");
        for (status, inherited, expected) in [
            (counted(1), Some(0), true),
            (counted(3), Some(2), true),
            (counted(2), Some(2), false),
            (counted(0), Some(0), false),
            // Unknown, here or there.
            (counted(1), None, true),
            ("NoNewPrivs:\t1\nSeccomp:\t2\n".to_owned(), Some(1), true),
            (counted(1).replace("Seccomp:\t2", "Seccomp:\t0"), Some(0), false),
            (counted(1).replace("Privs:\t1", "Privs:\t0"), Some(0), false),
            (String::new(), None, false),
        ] {
            assert_eq!(is_filtered(&status, inherited), expected, "{status:?} {inherited:?}");
        }
    }
}
