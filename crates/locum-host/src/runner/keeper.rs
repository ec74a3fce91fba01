//! The thread that keeps one runner: starts it, watches it, reaps it, and starts it again. A runner ends with this
//! thread.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use locum_sandbox::Death;
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::Value;

use crate::limits::{MANIFEST_BYTES_MAX, RUNNER_BACK_OFF, RUNNER_MESSAGES_MAX};
use crate::loading::elf::ElfFacts;
use crate::loading::load_error::{LoadErrorCode, LoadFault};
use crate::loading::plugin_file::PluginFile;
use crate::runner::command::RunnerCommand;
use crate::runner::control_socket::{Received, receive, timespec};
use crate::runner::discarded_output::DiscardedOutput;
use crate::runner::faults::unavailable;
use crate::runner::generation::{Generation, Obituary};
use crate::runner::messages::ControlMessage;
use crate::runner::process::{PluginImage, ProcessHandle, RunnerProcess, describe};
use crate::runner::shared::{Shared, State};
use crate::runner::trial;

/// What a runner runs, and how it is started.
pub(crate) struct Plan {
    command: RunnerCommand,
    /// Whether everything that the kernel can add to the sandbox must be there.
    strict_sandbox: bool,
    image: PluginImage,
    /// The manifest in the file.
    manifest: Value,
}

impl Plan {
    /// The plan for a file that was pinned and inspected.
    ///
    /// # Errors
    /// This system has no sandbox, its C library does not work in it, or it has no executable memory files.
    pub(crate) fn new(
        command: RunnerCommand,
        strict_sandbox: bool,
        file: &PluginFile,
        elf: ElfFacts,
        manifest: &Value,
    ) -> Result<Self, LoadFault> {
        if !locum_sandbox::SUPPORTED {
            let cause = locum_sandbox::SandboxError::Unsupported.to_string();
            return Err(LoadFault::new(LoadErrorCode::RunnerUnavailable, cause));
        }
        trial::check(&command)?;
        let image = PluginImage::new(&file.file_name(), &file.bytes, elf.libraries)?;
        Ok(Self { command, strict_sandbox, image, manifest: manifest.clone() })
    }
}

/// Starts the thread, and waits until its first runner is ready.
///
/// # Errors
/// Why the first runner is not. The thread has ended then.
pub(super) fn start(shared: &Arc<Shared>, plan: Arc<Plan>) -> Result<(), LoadFault> {
    let (ready, first) = sync_channel(1);
    start_thread(shared, plan, Some(ready))?;
    // The thread always sends: every step of a start has a deadline.
    first.recv().unwrap_or_else(|_| {
        Err(LoadFault::new(LoadErrorCode::RunnerUnavailable, "the thread that starts the process panicked"))
    })
}

/// Starts the thread. If its first runner does not start, it tries again later.
///
/// # Errors
/// The system gives no thread.
pub(super) fn start_in_background(shared: &Arc<Shared>, plan: Arc<Plan>) -> Result<(), LoadFault> {
    start_thread(shared, plan, None)
}

/// Where the outcome of the first start is awaited, if it is.
type FirstStart = Option<SyncSender<Result<(), LoadFault>>>;

fn start_thread(shared: &Arc<Shared>, plan: Arc<Plan>, first: FirstStart) -> Result<(), LoadFault> {
    let shared = Arc::clone(shared);
    let started = thread::Builder::new()
        .name("plugin-keeper".to_owned())
        .spawn(move || keep(&shared, &plan, first.as_ref()));
    started.map(drop).map_err(|error| unavailable("a thread", error))
}

fn keep(shared: &Arc<Shared>, plan: &Plan, first: Option<&SyncSender<Result<(), LoadFault>>>) {
    let mut number = 0;
    let mut failures = 0;
    while !shared.is_stopping() {
        let start = Instant::now();
        match start_process(plan) {
            Ok(process) => {
                shared.counters.started_in(start.elapsed());
                number += 1;
                failures = 0;
                let _ = shared.protections.set(process.protections);
                run(shared, process, number, || {
                    if let Some(first) = first {
                        let _ = first.try_send(Ok(()));
                    }
                });
            }
            Err(fault) => {
                if let (0, Some(first)) = (number, first) {
                    let _ = first.try_send(Err(fault));
                    break;
                }
                let wait = back_off(failures);
                failures += 1;
                let cause = fault.cause;
                let (plugin, tenant) = (shared.plugin.as_str(), shared.tenant.as_deref());
                tracing::error!(
                    plugin,
                    tenant,
                    "the plugin's process does not start: {cause}; next try in {wait:?}"
                );
                shared.set_state(State::Failed(cause));
                shared.pause_until(Instant::now() + wait);
                shared.set_state(State::Starting);
            }
        }
    }
    shared.set_state(State::Stopped);
}

fn back_off(failures: u32) -> Duration {
    let (shortest, longest) = RUNNER_BACK_OFF;
    shortest.saturating_mul(2_u32.saturating_pow(failures)).min(longest)
}

fn start_process(plan: &Plan) -> Result<RunnerProcess, LoadFault> {
    let mut process = RunnerProcess::start(&plan.command, &plan.image)?;
    if plan.strict_sandbox
        && let Some(missing) = process.protections.missing()
    {
        let cause = format!("the kernel lacks {missing}, which the strict sandbox demands");
        return Err(LoadFault::new(LoadErrorCode::RunnerUnavailable, cause));
    }
    process.check_filter()?;
    let described = process.described()?;
    let described = match described.len() {
        0..=MANIFEST_BYTES_MAX => serde_json::from_slice::<Value>(&described).ok(),
        _ => None,
    };
    if described.as_ref() == Some(&plan.manifest) {
        return Ok(process);
    }
    let cause = "the code states a different manifest than the file contains";
    Err(LoadFault::new(LoadErrorCode::ManifestMismatch, cause))
}

/// Publishes the process, and waits until it has ended.
fn run(shared: &Arc<Shared>, mut process: RunnerProcess, number: u64, ready: impl FnOnce()) {
    let Some(parts) = process.parts() else { return };
    let generation = Arc::new(Generation::new(number, parts));
    shared.set_state(State::Ready(Arc::clone(&generation)));
    ready();
    if shared.is_stopping() {
        generation.stop();
    }
    let output = DiscardedOutput::new(process.output.take());
    let last = watch(&shared.plugin, &process.handle, &process.control, output);
    let in_flight = generation.in_flight();
    let status = process.end();
    let (guilty, cause) = match last {
        Some(Death { cause, thread }) => (Some(thread), cause.to_string()),
        // Nobody but the only call in flight can be guilty.
        None => (in_flight.only(), describe(status)),
    };
    let obituary = generation.ended(Obituary { guilty, cause });
    if !shared.is_stopping() {
        shared.counters.deaths.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(
            plugin = shared.plugin,
            tenant = shared.tenant.as_deref(),
            calls = in_flight.count(),
            "the plugin's process ended and is started anew: {}",
            obituary.cause
        );
    }
    shared.set_state(State::Starting);
}

/// Reads what the process says until it ends. Returns the last death that it told: an earlier one was forged.
fn watch(
    plugin: &str,
    handle: &ProcessHandle,
    control: &OwnedFd,
    mut output: DiscardedOutput,
) -> Option<Death> {
    let mut last = None;
    let mut messages = 0;
    loop {
        let (pipe, wait) = output.awaited();
        let mut polled = vec![PollFd::new(control, PollFlags::IN)];
        polled.extend(pipe.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let polled_well = poll(&mut polled, wait.map(timespec).as_ref());
        let mut happened = polled.iter().map(|polled| !polled.revents().is_empty());
        let (has_message, has_output) = (happened.next() == Some(true), happened.next() == Some(true));
        if polled_well.is_err_and(|error| error != rustix::io::Errno::INTR) {
            handle.kill();
            return last;
        }
        if has_output && output.discard() {
            tracing::warn!(plugin, "the plugin writes to standard error; this is discarded");
        }
        if has_message {
            match receive(control) {
                Received::Message(ControlMessage::Death(death)) => last = Some(death),
                Received::Message(_) | Received::Status(_) | Received::Unreadable => {}
                Received::Closed | Received::TimedOut => return last,
            }
            messages += 1;
            if messages > RUNNER_MESSAGES_MAX {
                // What it said is worth nothing.
                handle.kill();
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use locum_sandbox::DeathCause;

    use super::*;
    use crate::runner::control_socket;

    /// What `watch` returns of a process that tells its death so often, and whether it lives.
    fn watched(deaths: u32) -> (Option<Death>, bool) {
        let mut process = Command::new("sleep").arg("60").stderr(Stdio::piped()).spawn().unwrap();
        let handle = ProcessHandle::of(&process).unwrap();
        let (control, far) = control_socket::pair().unwrap();
        for thread in 1..=deaths {
            let death = Death { cause: DeathCause::Signal(6), thread };
            rustix::io::write(&far, &death.to_bytes()).unwrap();
        }
        drop(far);
        let last = watch("a", &handle, &control, DiscardedOutput::new(process.stderr.take()));
        let lives = process.try_wait().unwrap().is_none();
        process.kill().unwrap();
        process.wait().unwrap();
        (last, lives)
    }

    #[test]
    fn the_last_death_is_told_unless_there_are_too_many() {
        let (last, lives) = watched(RUNNER_MESSAGES_MAX);
        assert_eq!((last.map(|death| death.thread), lives), (Some(RUNNER_MESSAGES_MAX), true));
        let (last, _) = watched(RUNNER_MESSAGES_MAX + 1);
        assert_eq!(last, None);
    }

    #[test]
    fn the_back_off_doubles_up_to_its_limit() {
        let waits: Vec<u128> = [0, 1, 2, 8, 9, 40].map(|failures| back_off(failures).as_millis()).to_vec();
        assert_eq!(waits, [100, 200, 400, 25_600, 30_000, 30_000]);
    }
}
