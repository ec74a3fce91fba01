//! Drives connections: as fast as the service answers, or at a given rate.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;

use crate::load::Outcome;
use crate::load::connection::Connection;
use crate::requests::Requests;

/// How long responses are waited for after the last request.
const DRAIN: Duration = Duration::from_secs(20);
/// A poll that returns at once.
const AT_ONCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };
/// Connections that one poll can find ready.
const EVENTS: usize = 256;

/// When requests are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arrivals {
    /// On each connection as soon as the response before has come.
    Closed,
    /// So many in a second, whatever the service does. One for which no connection is free waits, and its latency counts
    /// from when it was due.
    Open { per_second: f64 },
}

/// When the load ends.
#[derive(Debug, Clone, Copy)]
enum End {
    After(Duration),
    Requests(usize),
}

/// Connections to a service, in as many groups as threads drive them.
pub(crate) struct Load<'r> {
    requests: &'r Requests,
    next: AtomicUsize,
    groups: Vec<Group>,
}

impl<'r> Load<'r> {
    /// Opens the connections.
    pub(crate) fn connect(
        address: SocketAddr,
        requests: &'r Requests,
        connections: usize,
        threads: usize,
    ) -> Result<Self> {
        let threads = threads.clamp(1, connections.max(1));
        let share = |index| connections / threads + usize::from(index < connections % threads);
        let groups =
            (0..threads).map(|index| Group::connect(address, share(index))).collect::<Result<_>>()?;
        Ok(Self { requests, next: AtomicUsize::new(0), groups })
    }

    /// Sends requests for so long, and waits for their responses.
    pub(crate) fn run_for(&mut self, arrivals: Arrivals, time: Duration) -> Result<Outcome> {
        self.run(arrivals, End::After(time))
    }

    /// Sends so many requests, each as soon as a connection is free, and waits for their responses.
    pub(crate) fn run_requests(&mut self, count: usize) -> Result<Outcome> {
        self.run(Arrivals::Closed, End::Requests(count))
    }

    fn run(&mut self, arrivals: Arrivals, end: End) -> Result<Outcome> {
        let threads = self.groups.len();
        let (requests, next) = (self.requests, &self.next);
        let last = match end {
            End::After(_) => usize::MAX,
            End::Requests(count) => next.load(Ordering::Relaxed) + count,
        };
        let arrivals = match arrivals {
            Arrivals::Closed => Arrivals::Closed,
            Arrivals::Open { per_second } => Arrivals::Open { per_second: per_second / threads as f64 },
        };
        let start = Instant::now();
        let stop = match end {
            End::After(time) => Some(start + time),
            End::Requests(_) => None,
        };
        let run = Run { requests, next, last, arrivals, start, stop };
        let outcomes: Vec<Result<Outcome>> = std::thread::scope(|scope| {
            let run = &run;
            let handles: Vec<_> =
                self.groups.iter_mut().map(|group| scope.spawn(move || group.drive(run))).collect();
            let ended = |thread: std::thread::ScopedJoinHandle<'_, Result<Outcome>>| match thread.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            };
            handles.into_iter().map(ended).collect()
        });
        let mut sum = Outcome::default();
        for outcome in outcomes {
            sum.add(&outcome?);
        }
        // Numbers beyond the last were drawn and not sent.
        if let End::Requests(_) = end {
            self.next.store(last, Ordering::Relaxed);
        }
        Ok(sum)
    }
}

/// What all threads of a run share.
struct Run<'r> {
    requests: &'r Requests,
    next: &'r AtomicUsize,
    last: usize,
    arrivals: Arrivals,
    start: Instant,
    stop: Option<Instant>,
}

/// The connections of one thread.
struct Group {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    free: VecDeque<usize>,
}

impl Group {
    fn connect(address: SocketAddr, count: usize) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let connections: Vec<Connection> =
            (0..count).map(|_| Connection::open(address)).collect::<Result<_>>()?;
        for (index, connection) in connections.iter().enumerate() {
            let data = epoll::EventData::new_u64(index as u64);
            epoll::add(&epoll, &connection.stream, data, epoll::EventFlags::IN)?;
        }
        let free = (0..count).collect();
        Ok(Self { epoll, connections, free })
    }

    fn drive(&mut self, run: &Run<'_>) -> Result<Outcome> {
        let mut outcome = Outcome::default();
        let mut ready = Vec::with_capacity(EVENTS);
        let mut sent = 0_u64;
        let mut sending = true;
        loop {
            let now = Instant::now();
            sending = sending && run.stop.is_none_or(|stop| now < stop);
            while sending && let Some(due) = self.due(run, sent, now) {
                sending = self.send_next(run, due)?;
                sent += u64::from(sending);
            }
            if !sending && self.free.len() == self.connections.len() {
                outcome.elapsed = run.start.elapsed();
                return Ok(outcome);
            }
            if run.stop.is_some_and(|stop| now > stop + DRAIN) {
                bail!("the service did not answer within {} s", DRAIN.as_secs());
            }
            epoll::wait(&self.epoll, spare_capacity(&mut ready), Some(&AT_ONCE))?;
            for event in ready.drain(..) {
                self.receive(event.data.u64(), &mut outcome)?;
            }
        }
    }

    /// When the next request is due, if it is and a connection is free.
    fn due(&self, run: &Run<'_>, sent: u64, now: Instant) -> Option<Instant> {
        self.free.front()?;
        match run.arrivals {
            Arrivals::Closed => Some(now),
            Arrivals::Open { per_second } => {
                let due = run.start + Duration::from_secs_f64(sent as f64 / per_second);
                (due <= now).then_some(due)
            }
        }
    }

    /// Whether there was one to send.
    fn send_next(&mut self, run: &Run<'_>, due: Instant) -> Result<bool> {
        let number = run.next.fetch_add(1, Ordering::Relaxed);
        if number >= run.last {
            return Ok(false);
        }
        // Connections take turns.
        if let Some(index) = self.free.pop_front()
            && let Some(connection) = self.connections.get_mut(index)
        {
            connection.send(run.requests.get(number), due)?;
        }
        Ok(true)
    }

    fn receive(&mut self, index: u64, outcome: &mut Outcome) -> Result<()> {
        let index = usize::try_from(index)?;
        let Some(connection) = self.connections.get_mut(index) else { return Ok(()) };
        let Some(status) = connection.receive()? else { return Ok(()) };
        if let Some(due) = connection.due.take()
            && status == 200
        {
            outcome.latencies.record(due.elapsed());
        }
        *outcome.statuses.entry(status).or_default() += 1;
        self.free.push_back(index);
        Ok(())
    }
}
