//! The threads that answer on the lanes, and the issuers that they share.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::sync::{Arc, Barrier, OnceLock, PoisonError, RwLock};
use std::thread;

use locum_abi::boundary::{IssuerBox, IssuerModuleRef};
use locum_sandbox as sandbox;
use rustix::io::Errno;

use super::failed;
use crate::limits::RUNNER_REQUEST_BYTES_MAX;
use crate::loading::load_error::LoadFault;
use crate::runner::frames::{FrameBuffer, ReadFault, ReadOutcome};
use crate::runner::messages::{Answer, Request};

/// The stack of a lane: as large as that of the host's workers, on which plugins run in the host's process.
const STACK_BYTES: usize = 2 << 20;

/// Memory that a lane keeps for the frames of its answers. Most fit.
const ANSWER_BYTES_KEPT: usize = 16 << 10;

/// The issuers that the plugin has configured in this process.
#[derive(Default)]
pub(super) struct Issuers {
    module: OnceLock<IssuerModuleRef>,
    configured: RwLock<HashMap<u64, Arc<IssuerBox>>>,
}

impl Issuers {
    /// Provides the plugin. The host asks nothing before.
    pub(super) fn set_module(&self, module: IssuerModuleRef) {
        let _ = self.module.set(module);
    }

    /// The answer to a request; `None` if it is not one or has none.
    fn answer(&self, request: Request<'_>) -> Option<Answer> {
        let module = self.module.get()?;
        match request {
            Request::Describe => Some(Answer::Replied(module.describe()().into_vec())),
            Request::Create { issuer, configuration } => {
                Some(match module.create()(configuration.into()).into_result() {
                    Ok(configured) => {
                        // The plugin's own code runs when the issuer before it is dropped: not under the lock.
                        let before = self.write().insert(issuer, Arc::new(configured));
                        drop(before);
                        Answer::Created
                    }
                    Err(failure) => Answer::Failed(failure.into_vec()),
                })
            }
            Request::Call { issuer, op, now_unix_ms, entropy, input } => {
                let configured =
                    self.configured.read().unwrap_or_else(PoisonError::into_inner).get(&issuer).cloned();
                let Some(configured) = configured else { return Some(Answer::UnknownIssuer) };
                let answered = configured.call(op, now_unix_ms, entropy.as_slice().into(), input.into());
                Some(match answered.into_result() {
                    Ok(reply) => Answer::Replied(reply.into_vec()),
                    Err(failure) => Answer::Failed(failure.into_vec()),
                })
            }
            Request::Forget { issuer } => {
                let forgotten = self.write().remove(&issuer);
                drop(forgotten);
                None
            }
        }
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, HashMap<u64, Arc<IssuerBox>>> {
        self.configured.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Starts a thread for each lane and waits until all of them run.
pub(super) fn start(lanes: Vec<File>, issuers: &Arc<Issuers>) -> Result<(), LoadFault> {
    let running = Arc::new(Barrier::new(lanes.len() + 1));
    for (lane, number) in lanes.into_iter().zip(1..) {
        let (issuers, running) = (Arc::clone(issuers), Arc::clone(&running));
        let thread = thread::Builder::new().name(format!("lane-{number}")).stack_size(STACK_BYTES);
        let serve_lane = move || {
            let prepared = sandbox::prepare_thread(number);
            running.wait();
            if prepared.is_ok() {
                serve(lane, &issuers);
            }
            sandbox::leave()
        };
        thread
            .spawn(serve_lane)
            .map_err(|error| failed(format!("the runner cannot start a thread: {error}")))?;
    }
    running.wait();
    Ok(())
}

/// Answers until the host closes the lane or sends something else than a request.
pub(super) fn serve(lane: File, issuers: &Issuers) {
    // Left to the end of the process, which is near: before it closes a descriptor, a debug build makes a system call that
    // the sandbox forbids, and the plugin would be blamed for that.
    let mut lane = ManuallyDrop::new(lane);
    let mut buffer = FrameBuffer::new(RUNNER_REQUEST_BYTES_MAX);
    let mut answer_frame = Vec::new();
    while let Some(body) = next_frame(&lane, &mut buffer) {
        let request = Request::parse(body);
        let is_forget = matches!(request, Some(Request::Forget { .. }));
        let answer = request.and_then(|request| issuers.answer(request));
        buffer.remove_first();
        match answer {
            Some(answer) => {
                answer_frame.clear();
                answer.append_to(&mut answer_frame);
                if lane.write_all(&answer_frame).is_err() {
                    return;
                }
                answer_frame.shrink_to(ANSWER_BYTES_KEPT);
            }
            None if is_forget => {}
            None => return,
        }
    }
}

fn next_frame<'a>(lane: &File, buffer: &'a mut FrameBuffer) -> Option<&'a [u8]> {
    while buffer.first().ok()?.is_none() {
        match buffer.read(lane) {
            Ok(ReadOutcome::All | ReadOutcome::Some) | Err(ReadFault::System(Errno::INTR)) => {}
            Ok(ReadOutcome::Closed) | Err(_) => return None,
        }
    }
    buffer.first().ok()?
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_not_a_request_ends_the_lane() {
        let (mut host, lane) = UnixStream::pair().unwrap();
        // A frame of one byte, which is no kind of request. The host does not close the lane.
        host.write_all(&[1, 0, 0, 0, 9]).unwrap();
        let (ended, has_ended) = channel();
        thread::spawn(move || {
            serve(File::from(OwnedFd::from(lane)), &Issuers::default());
            ended.send(()).unwrap();
        });
        assert!(has_ended.recv_timeout(Duration::from_secs(5)).is_ok());
    }
}
