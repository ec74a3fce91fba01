//! The backend that calls a plugin in its runner: sends each step there, finds the guilty call when the process ends, and
//! sends the others again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant as StdInstant};

use locum_engine::ports::PortFuture;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::calling::backend::{Backend, Call, CallError, CreateError, IssuerLabel, RawAnswer, ReadyIssuer};
use crate::calling::health::PluginHealth;
use crate::limits::{RUNNER_REQUEST_BYTES_MAX, RUNNER_RESENDS_MAX};
use crate::loading::load_error::LoadFault;
use crate::pauses::{PauseScope, PluginPause};
use crate::protections::Protections;
use crate::runner::blocking_lane::BlockingFault;
use crate::runner::exchange::LaneFault;
use crate::runner::generation::{BAD_FRAME, ExchangeFault, Generation, HANG, LanePermit, Obituary};
use crate::runner::keeper::{self, Plan};
use crate::runner::messages::{Answer, CONFIGURE_LANE, Request, RequestFrame};
use crate::runner::pause::Pause;
use crate::runner::shared::{Counters, Shared, State, obituary, process};
use crate::runner::timed_lock::NotTaken;

/// How long the end of a process is waited for, beyond the deadline of a configuration.
const END_WAIT: Duration = Duration::from_secs(1);

/// A plugin in its runner.
pub(crate) struct RunnerBackend {
    runner: Arc<Runner>,
}

/// Ends the process when the plugin and all of its issuers are dropped.
pub(super) struct Runner(Arc<Shared>);

impl Drop for Runner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

impl RunnerBackend {
    /// Starts the runner of this plugin, and waits until it is ready.
    ///
    /// # Errors
    /// The runner cannot be started, or the plugin cannot be mapped in it.
    pub(crate) fn start(plugin: &str, plan: impl Into<Arc<Plan>>) -> Result<Self, LoadFault> {
        let shared = Arc::new(Shared::new(plugin, None, Arc::default()));
        keeper::start(&shared, plan.into())?;
        Ok(Self { runner: Arc::new(Runner(shared)) })
    }

    /// Starts the runner of one tenant. Whoever configures an issuer waits until it is ready.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(super) fn start_for_tenant(
        plugin: &str,
        tenant: &str,
        plan: Arc<Plan>,
        counters: Arc<Counters>,
    ) -> Result<Self, LoadFault> {
        let shared = Arc::new(Shared::new(plugin, Some(tenant), counters));
        keeper::start_in_background(&shared, plan)?;
        Ok(Self { runner: Arc::new(Runner(shared)) })
    }

    /// The runner, which ends when nobody has it.
    pub(super) fn runner(&self) -> &Arc<Runner> {
        &self.runner
    }

    pub(super) fn of(runner: Arc<Runner>) -> Self {
        Self { runner }
    }
}

impl Backend for RunnerBackend {
    fn create(
        &self,
        configuration: Zeroizing<Vec<u8>>,
        deadline: Duration,
        label: IssuerLabel,
    ) -> Result<Arc<dyn ReadyIssuer>, CreateError> {
        let shared = &self.runner.0;
        let issuer = shared.new_issuer();
        let request = Request::Create { issuer, configuration: &configuration };
        let request = request.frame().ok_or_else(|| CreateError::Died(TOO_LONG.to_owned()))?;
        let deadline = StdInstant::now() + deadline;
        let mut resent = 0;
        loop {
            let generation = match shared.wait_blocking(deadline, process) {
                Some(Ok(generation)) => generation,
                Some(Err(cause)) => return Err(CreateError::Died(cause)),
                None => return Err(CreateError::TimedOut),
            };
            match configure(shared, &generation, &request, deadline) {
                Ok(()) => {
                    return Ok(Arc::new(RunnerIssuer {
                        runner: Arc::clone(&self.runner),
                        number: issuer,
                        label,
                        configuration,
                        configured_in: AtomicU64::new(generation.number),
                        pause: Arc::default(),
                    }));
                }
                Err(Configured::Not(error)) => return Err(error),
                Err(Configured::NotSent) => {}
                Err(Configured::Innocent(cause)) if resent == RUNNER_RESENDS_MAX => {
                    return Err(CreateError::Died(cause));
                }
                Err(Configured::Innocent(_)) => resent += 1,
            }
        }
    }

    fn health(&self) -> PluginHealth {
        let shared = &self.runner.0;
        let state = shared.state();
        PluginHealth {
            running: if let State::Ready(generation) = &state { generation.in_flight().count() } else { 0 },
            hangs: shared.counters.calls_that_hung.load(Ordering::Relaxed),
            processes: usize::from(matches!(state, State::Ready(_))),
            deaths: shared.counters.deaths.load(Ordering::Relaxed),
            last_start: shared.counters.last_start(),
            quarantined: matches!(state, State::Failed(_) | State::Stopped),
        }
    }

    fn pauses(&self) -> Vec<PluginPause> {
        let Shared { plugin, paused, .. } = &*self.runner.0;
        paused.all(plugin, Instant::now())
    }

    fn resume(&self, scope: &PauseScope) -> usize {
        let Shared { plugin, paused, .. } = &*self.runner.0;
        paused.end(plugin, scope, Instant::now())
    }

    fn protections(&self) -> Option<Protections> {
        self.runner.0.protections.get().copied()
    }
}

const TOO_LONG: &str = "its input is larger than 16 MiB";
const _: () = assert!(RUNNER_REQUEST_BYTES_MAX == 16 << 20);

/// How an attempt to configure an issuer ended without one.
enum Configured {
    Not(CreateError),
    /// The process ended before anything was sent.
    NotSent,
    /// The process ended because of something else.
    Innocent(String),
}

fn configure(
    shared: &Shared,
    generation: &Arc<Generation>,
    request: &RequestFrame,
    deadline: StdInstant,
) -> Result<(), Configured> {
    let mut lane = generation.configure_lane.take_until(deadline).map_err(|not_taken| match not_taken {
        NotTaken::TimedOut => Configured::Not(CreateError::TimedOut),
        NotTaken::Closed => Configured::NotSent,
    })?;
    let in_use = generation.configuring();
    generation.forget_unneeded(&mut lane);
    let answer = lane.exchange(request, deadline);
    match answer {
        Ok(answer @ (Answer::Created | Answer::Failed(_))) => {
            // Before another thread can get the lane.
            drop(in_use);
            generation.configure_lane.put(lane);
            return match answer {
                Answer::Failed(refusal) => Err(Configured::Not(CreateError::Refused(refusal))),
                _ => Ok(()),
            };
        }
        Ok(_) | Err(BlockingFault::BadFrame) => generation.kill(CONFIGURE_LANE, BAD_FRAME),
        Err(BlockingFault::TimedOut) => {
            shared.counters.calls_that_hung.fetch_add(1, Ordering::Relaxed);
            generation.kill(CONFIGURE_LANE, "it did not configure an issuer in time");
            return Err(Configured::Not(CreateError::TimedOut));
        }
        Err(BlockingFault::Closed) => {}
    }
    let wait_until = deadline.max(StdInstant::now() + END_WAIT);
    let ended = shared.wait_blocking(wait_until, obituary(generation)).unwrap_or_else(Obituary::unknown);
    drop(in_use);
    Err(if ended.guilty == Some(CONFIGURE_LANE) {
        Configured::Not(CreateError::Died(ended.cause))
    } else {
        Configured::Innocent(ended.cause)
    })
}

struct RunnerIssuer {
    runner: Arc<Runner>,
    number: u64,
    label: IssuerLabel,
    /// Kept to configure the issuer again in a new process.
    configuration: Zeroizing<Vec<u8>>,
    /// The process that has configured it last.
    configured_in: AtomicU64,
    pause: Arc<Mutex<Pause>>,
}

impl ReadyIssuer for RunnerIssuer {
    fn call(&self, call: Call, deadline: Instant) -> PortFuture<'_, Result<RawAnswer, CallError>> {
        Box::pin(async move {
            Handle::try_current().map_err(|_| CallError::NoRuntime)?;
            if self.is_paused() {
                return Err(CallError::Quarantined);
            }
            match self.call_until_answered(&call, deadline).await {
                Ok(answer) => Ok(answer),
                Err(CallEnd::Waited) => Err(CallError::TimedOut),
                Err(CallEnd::Unavailable) => Err(CallError::Quarantined),
                Err(CallEnd::TooLong) => Err(CallError::Died(TOO_LONG.to_owned())),
                Err(CallEnd::Innocent(cause)) => Err(CallError::Died(cause)),
                Err(CallEnd::Hung) => {
                    self.runner.0.counters.calls_that_hung.fetch_add(1, Ordering::Relaxed);
                    self.blame(HANG);
                    Err(CallError::TimedOut)
                }
                Err(CallEnd::Guilty(cause)) => {
                    self.blame(&cause);
                    Err(CallError::Died(cause))
                }
            }
        })
    }
}

/// How a call ended without an answer.
enum CallEnd {
    /// It waited for a free lane until its deadline.
    Waited,
    /// It ran until its deadline, and the process was killed for it.
    Hung,
    /// It ended the process.
    Guilty(String),
    /// Other calls ended the process each time it was sent.
    Innocent(String),
    /// No process runs.
    Unavailable,
    TooLong,
}

/// How one attempt ended without an answer.
enum AttemptEnd {
    End(CallEnd),
    /// The process ended before the call was sent.
    NotSent,
    /// The process ended because of another call, or nobody knows of which.
    Retry {
        cause: String,
        alone: bool,
    },
}

impl From<CallEnd> for AttemptEnd {
    fn from(end: CallEnd) -> Self {
        Self::End(end)
    }
}

impl RunnerIssuer {
    fn is_paused(&self) -> bool {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner).is_paused(Instant::now())
    }

    /// Logs that this issuer ended the process, and pauses it if it did so too often.
    fn blame(&self, cause: &str) {
        let pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner).count_death(Instant::now());
        let (plugin, IssuerLabel { tenant, api_type }) = (self.runner.0.plugin.as_str(), &self.label);
        tracing::error!(plugin, tenant, api_type, "a call ended the plugin's process: {cause}");
        if let Some(pause) = pause {
            self.runner.0.paused.add(&self.label, &self.pause);
            tracing::error!(
                plugin,
                tenant,
                api_type,
                "its calls ended the process three times within a minute; it is not called for {} s",
                pause.as_secs()
            );
        }
    }

    /// Sends the call, again after a process that ended because of another call.
    async fn call_until_answered(&self, call: &Call, deadline: Instant) -> Result<RawAnswer, CallEnd> {
        let shared = &self.runner.0;
        let mut resent = 0;
        let mut alone = false;
        loop {
            let generation = match shared.wait_for(deadline, process).await {
                Some(Ok(generation)) => generation,
                Some(Err(_)) => return Err(CallEnd::Unavailable),
                None => return Err(CallEnd::Waited),
            };
            match self.attempt(call, &generation, alone, deadline).await {
                Ok(answer) => return Ok(answer),
                Err(AttemptEnd::End(end)) => return Err(end),
                Err(AttemptEnd::NotSent) => {}
                Err(AttemptEnd::Retry { cause, .. }) if resent == RUNNER_RESENDS_MAX => {
                    return Err(CallEnd::Innocent(cause));
                }
                Err(AttemptEnd::Retry { alone: next_alone, .. }) => {
                    resent += 1;
                    alone = next_alone;
                }
            }
            // The keeper replaces the process at once; until then there is none to call.
            if shared.wait_for(deadline, obituary(&generation)).await.is_none() {
                return Err(CallEnd::Waited);
            }
        }
    }

    /// Configures the issuer in this process, if that was not done yet, and calls it.
    async fn attempt(
        &self,
        call: &Call,
        generation: &Arc<Generation>,
        alone: bool,
        deadline: Instant,
    ) -> Result<RawAnswer, AttemptEnd> {
        let permit = match timeout_at(deadline, generation.lane(alone)).await {
            Ok(Some(permit)) => permit,
            Ok(None) => return Err(AttemptEnd::NotSent),
            Err(_) => return Err(CallEnd::Waited.into()),
        };
        let permit = if self.configured_in.load(Ordering::Acquire) == generation.number {
            permit
        } else {
            let request = Request::Create { issuer: self.number, configuration: &self.configuration };
            let (permit, answer) = self.exchange(generation, permit, &request, deadline).await?;
            if answer != Answer::Created {
                generation.kill(permit.number(), "it refused a configuration that it had accepted");
                return Err(
                    CallEnd::Guilty("it refused a configuration that it had accepted".to_owned()).into()
                );
            }
            self.configured_in.store(generation.number, Ordering::Release);
            permit
        };
        let Call { op, context, input } = call;
        let (now_unix_ms, entropy) = (context.now_unix_ms, context.entropy);
        let request = Request::Call { issuer: self.number, op: *op, now_unix_ms, entropy, input };
        let (permit, answer) = self.exchange(generation, permit, &request, deadline).await?;
        match answer {
            Answer::Replied(reply) => Ok(Ok(reply)),
            Answer::Failed(failure) => Ok(Err(failure)),
            Answer::Created | Answer::UnknownIssuer => {
                generation.kill(permit.number(), BAD_FRAME);
                Err(CallEnd::Guilty(BAD_FRAME.to_owned()).into())
            }
        }
    }

    async fn exchange(
        &self,
        generation: &Arc<Generation>,
        permit: LanePermit,
        request: &Request<'_>,
        deadline: Instant,
    ) -> Result<(LanePermit, Answer), AttemptEnd> {
        let lane = permit.number();
        let request = request.frame().ok_or(CallEnd::TooLong)?;
        let (permit, answer) = permit.exchange(request, deadline).await;
        let (permit, fault) = match (permit, answer) {
            (Some(permit), Ok(answer)) => return Ok((permit, answer)),
            // Kept until it is known why the process ended: the call counts as in flight until then.
            (permit, Err(fault)) => (permit, fault),
            (None, Ok(_)) => (None, ExchangeFault::Lane(LaneFault::Closed)),
        };
        if fault == ExchangeFault::TimedOut {
            return Err(CallEnd::Hung.into());
        }
        let ended = self.runner.0.wait_for(deadline, obituary(generation)).await;
        drop(permit);
        let ended = ended.ok_or(CallEnd::Waited)?;
        if ended.guilty == Some(lane) {
            return Err(CallEnd::Guilty(ended.cause).into());
        }
        // If nobody knows which call it was, one at a time will show it.
        Err(AttemptEnd::Retry { alone: ended.guilty.is_none(), cause: ended.cause })
    }
}

impl Drop for RunnerIssuer {
    fn drop(&mut self) {
        if let State::Ready(generation) = self.runner.0.state()
            && self.configured_in.load(Ordering::Acquire) == generation.number
        {
            generation.forget(self.number);
        }
    }
}
