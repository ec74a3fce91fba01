//! One running process of a plugin, as calls see it: its free lanes, how it is ended, and why it ended.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant as StdInstant;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use crate::runner::blocking_lane::BlockingLane;
use crate::runner::exchange::{Exchange, Lane, LaneFault};
use crate::runner::in_flight::{InFlight, LanesInFlight};
use crate::runner::messages::{Answer, CONFIGURE_LANE, Request, RequestFrame};
use crate::runner::process::{Parts, ProcessHandle};
use crate::runner::timed_lock::TimedLock;

/// Why a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Obituary {
    /// The lane whose call ended it, if that is known.
    pub(super) guilty: Option<u32>,
    /// For people.
    pub(super) cause: String,
}

impl Obituary {
    /// Of a process whose end was not seen.
    pub(super) fn unknown() -> Self {
        Self { guilty: None, cause: "it closed its lanes".to_owned() }
    }
}

/// A running process, and later one that has ended.
pub(super) struct Generation {
    /// Counts the processes of a plugin from 1.
    pub(super) number: u64,
    handle: ProcessHandle,
    pub(super) configure_lane: TimedLock<BlockingLane>,
    idle: Mutex<Vec<Lane>>,
    permits: Arc<Semaphore>,
    lanes: u32,
    in_flight: InFlight,
    /// Why the host ended it, if it did.
    verdict: OnceLock<Obituary>,
    /// Set when it has ended.
    obituary: OnceLock<Obituary>,
    /// Issuers that are not needed any more.
    unneeded: Mutex<Vec<u64>>,
}

impl Generation {
    /// Takes the lanes of a process. The process itself stays with the thread that keeps it.
    pub(super) fn new(number: u64, process: Parts) -> Self {
        let Parts { handle, configure_lane, lanes } = process;
        let lanes: Vec<Lane> =
            lanes.into_iter().zip(1..).map(|(stream, number)| Lane::new(number, stream)).collect();
        Self {
            number,
            handle,
            configure_lane: TimedLock::new(configure_lane),
            permits: Arc::new(Semaphore::new(lanes.len())),
            lanes: u32::try_from(lanes.len()).unwrap_or(1),
            idle: Mutex::new(lanes),
            in_flight: InFlight::default(),
            verdict: OnceLock::new(),
            obituary: OnceLock::new(),
            unneeded: Mutex::default(),
        }
    }

    /// Waits for a free lane, or for all of them; `None` if the process ends before.
    pub(super) async fn lane(self: &Arc<Self>, alone: bool) -> Option<LanePermit> {
        let count = if alone { self.lanes } else { 1 };
        let permit = Arc::clone(&self.permits).acquire_many_owned(count).await.ok()?;
        let lane = locked(&self.idle).pop()?;
        let number = lane.number;
        self.in_flight.begin(number);
        Some(LanePermit { generation: Arc::clone(self), number, lane: Some(lane), _permit: permit })
    }

    /// Marks that the thread which configures issuers is in use.
    pub(super) fn configuring(self: &Arc<Self>) -> Configuring {
        self.in_flight.begin(CONFIGURE_LANE);
        Configuring(Arc::clone(self))
    }

    /// The calls that the process works on now.
    pub(super) fn in_flight(&self) -> LanesInFlight {
        self.in_flight.now()
    }

    /// Kills the process because of what the call on this lane did.
    pub(super) fn kill(&self, guilty: u32, cause: impl Into<String>) {
        let _ = self.verdict.set(Obituary { guilty: Some(guilty), cause: cause.into() });
        self.handle.kill();
    }

    /// Kills the process, because nobody needs it.
    pub(super) fn stop(&self) {
        let cause = "it is not needed any more".to_owned();
        let _ = self.verdict.set(Obituary { guilty: None, cause });
        self.handle.kill();
    }

    /// Records that the process has ended, with what it said itself. Called by the thread that keeps it, before that
    /// thread starts another one.
    pub(super) fn ended(&self, told: Obituary) -> &Obituary {
        let obituary = self.obituary.get_or_init(|| self.verdict.get().cloned().unwrap_or(told));
        self.permits.close();
        self.configure_lane.close();
        obituary
    }

    /// Whether the host has decided to end it, or it has ended: nothing new is sent to it.
    pub(super) fn is_ending(&self) -> bool {
        self.verdict.get().is_some() || self.obituary.get().is_some()
    }

    pub(super) fn obituary(&self) -> Option<&Obituary> {
        self.obituary.get()
    }

    /// Drops an issuer in the process, now or before the next one is configured.
    pub(super) fn forget(&self, issuer: u64) {
        locked(&self.unneeded).push(issuer);
        // Without waiting: this runs wherever an issuer is dropped.
        if let Ok(mut lane) = self.configure_lane.take_until(StdInstant::now()) {
            self.forget_unneeded(&mut lane);
            self.configure_lane.put(lane);
        }
    }

    /// Sends what `forget` could not send. The requests are small and have no answer.
    pub(super) fn forget_unneeded(&self, lane: &mut BlockingLane) {
        let unneeded = std::mem::take(&mut *locked(&self.unneeded));
        for issuer in unneeded {
            let deadline = StdInstant::now() + std::time::Duration::from_millis(10);
            let Some(frame) = Request::Forget { issuer }.frame() else { continue };
            if lane.send(&frame, deadline).is_err() {
                // Perhaps half of it was sent: the lane cannot be used again.
                self.kill(CONFIGURE_LANE, "it did not take a request to drop an issuer");
                return;
            }
        }
    }
}

/// The exclusive use of a lane.
pub(super) struct LanePermit {
    generation: Arc<Generation>,
    number: u32,
    /// `None` while a request is on the lane, and if the lane cannot be used again.
    lane: Option<Lane>,
    _permit: OwnedSemaphorePermit,
}

impl LanePermit {
    pub(super) fn number(&self) -> u32 {
        self.number
    }

    fn give_back(&mut self, lane: Lane) {
        self.lane = Some(lane);
    }

    /// Sends a request and waits for the answer. The permit comes back with it; after a fault its lane is lost, and the
    /// process is killed if the fault is the plugin's. If this future is dropped, the rest is done in the background, and the
    /// process is killed if that lasts beyond the deadline.
    pub(super) async fn exchange(
        mut self,
        request: RequestFrame,
        deadline: Instant,
    ) -> (Option<Self>, Result<Answer, ExchangeFault>) {
        let exchange =
            self.lane.take().ok_or(LaneFault::Closed).and_then(|lane| Exchange::new(lane, request));
        let exchange = match exchange {
            Ok(exchange) => exchange,
            Err(fault) => return (Some(self), Err(ExchangeFault::Lane(fault))),
        };
        let mut running = Running { work: Some((exchange, self)), deadline };
        let outcome = match &mut running.work {
            Some((exchange, _)) => timeout_at(deadline, exchange.run()).await,
            None => Ok(Err(LaneFault::Closed)),
        };
        let answer = match outcome {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(fault)) => Err(ExchangeFault::Lane(fault)),
            Err(_) => Err(ExchangeFault::TimedOut),
        };
        let permit = running.work.take().map(|(exchange, mut permit)| {
            // Before the lane is closed: the process leaves by itself then, and could be seen to before it is killed.
            if let Some(cause) = answer.as_ref().err().and_then(|fault| fault.cause()) {
                permit.generation.kill(permit.number, cause);
            }
            permit.lane = answer.is_ok().then_some(exchange.lane);
            permit
        });
        (permit, answer)
    }
}

impl Drop for LanePermit {
    fn drop(&mut self) {
        // Before another call can get the lane; and the lane before the permit.
        self.generation.in_flight.end(self.number);
        if let Some(lane) = self.lane.take() {
            locked(&self.generation.idle).push(lane);
        }
    }
}

/// Why an exchange gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExchangeFault {
    TimedOut,
    Lane(LaneFault),
}

impl ExchangeFault {
    /// What the process is killed for, if it is.
    fn cause(self) -> Option<&'static str> {
        match self {
            Self::TimedOut => Some(HANG),
            Self::Lane(LaneFault::BadFrame) => Some(BAD_FRAME),
            Self::Lane(LaneFault::Closed) => None,
        }
    }
}

/// A request on a lane. Dropped before it is answered, it goes on in the background.
struct Running {
    work: Option<(Exchange, LanePermit)>,
    deadline: Instant,
}

impl Drop for Running {
    fn drop(&mut self) {
        let Some((mut exchange, mut permit)) = self.work.take() else { return };
        let (lane, deadline) = (exchange.lane.number, self.deadline);
        let generation = Arc::clone(&permit.generation);
        let finish = async move {
            match timeout_at(deadline, exchange.run()).await {
                Ok(Ok(_)) => permit.give_back(exchange.lane),
                Ok(Err(LaneFault::Closed)) => {}
                Ok(Err(LaneFault::BadFrame)) => permit.generation.kill(lane, BAD_FRAME),
                Err(_) => {
                    permit
                        .generation
                        .kill(lane, "a call whose caller is gone did not return by its deadline");
                }
            }
        };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(finish)),
            // The runtime is gone, and with it every other call.
            Err(_) => generation.kill(lane, "the calls of this process were given up"),
        }
    }
}

pub(super) const HANG: &str = "a call did not return by its deadline";
pub(super) const BAD_FRAME: &str = "its process answered with something that is not an answer";

/// Counts as a call in flight.
pub(super) struct Configuring(Arc<Generation>);

impl Drop for Configuring {
    fn drop(&mut self) {
        self.0.in_flight.end(CONFIGURE_LANE);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    use std::process::Command;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::runner::shared::{self, State};

    #[test]
    fn nobody_calls_a_process_that_is_about_to_end() {
        let mut process = Command::new("sleep").arg("60").spawn().unwrap();
        let handle = ProcessHandle::of(&process).unwrap();
        let (configure_lane, _far) = UnixStream::pair().unwrap();
        let parts = Parts { handle, configure_lane: BlockingLane::new(configure_lane), lanes: Vec::new() };
        let generation = Arc::new(Generation::new(1, parts));
        let state = State::Ready(Arc::clone(&generation));
        assert!(matches!(shared::process(&state), Some(Ok(_))));
        generation.stop();
        assert!(shared::process(&state).is_none());
        process.wait().unwrap();
    }

    #[tokio::test]
    async fn why_a_process_is_killed_is_known_before_its_lane_is_closed() {
        let mut process = Command::new("sleep").arg("60").spawn().unwrap();
        for _ in 0..1000 {
            let handle = ProcessHandle::of(&process).unwrap();
            let ((configure_lane, _far), (lane, mut far)) =
                (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
            let configure_lane = BlockingLane::new(configure_lane);
            let generation =
                Arc::new(Generation::new(1, Parts { handle, configure_lane, lanes: vec![lane] }));
            let seen = Arc::clone(&generation);
            let runner = thread::spawn(move || {
                far.write_all(&u32::MAX.to_le_bytes()).unwrap();
                let _ = far.read_to_end(&mut Vec::new());
                seen.is_ending()
            });
            let permit = generation.lane(false).await.unwrap();
            let request = Request::Describe.frame().unwrap();
            let (_permit, answer) = permit.exchange(request, Instant::now() + Duration::from_secs(30)).await;
            assert_eq!(answer, Err(ExchangeFault::Lane(LaneFault::BadFrame)));
            assert!(runner.join().unwrap());
        }
        process.kill().unwrap();
        process.wait().unwrap();
    }
}
