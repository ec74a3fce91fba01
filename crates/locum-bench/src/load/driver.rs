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
    address: SocketAddr,
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
        Ok(Self { address, requests, next: AtomicUsize::new(0), groups })
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
        self.groups.iter_mut().try_for_each(|group| group.reopen(self.address))?;
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
            watch(&epoll, index, connection)?;
        }
        let free = (0..count).collect();
        Ok(Self { epoll, connections, free })
    }

    /// Opens anew what the service has closed since the last run.
    fn reopen(&mut self, address: SocketAddr) -> Result<()> {
        for (index, connection) in self.connections.iter_mut().enumerate() {
            if !connection.is_open() {
                // The one before leaves the poll when it is dropped.
                *connection = Connection::open(address)?;
                watch(&self.epoll, index, connection)?;
            }
        }
        Ok(())
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

fn watch(epoll: &OwnedFd, index: usize, connection: &Connection) -> Result<()> {
    let data = epoll::EventData::new_u64(index as u64);
    Ok(epoll::add(epoll, &connection.stream, data, epoll::EventFlags::IN)?)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::exchange::Exchange;

    /// Answers so many requests on a connection, the first with 429 and the others with 200, and closes it.
    fn answer(stream: TcpStream, requests: usize) {
        let mut writer = stream.try_clone().unwrap();
        let mut reader = BufReader::new(stream);
        for number in 0..requests {
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            reader.read_exact(&mut vec![0; length]).unwrap();
            let status = if number == 0 { 429 } else { 200 };
            write!(writer, "HTTP/1.1 {status} x\r\ncontent-length: 2\r\n\r\n{{}}").unwrap();
        }
    }

    /// A service whose connections answer so many requests each.
    fn service(requests: usize) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                std::thread::spawn(move || answer(stream.unwrap(), requests));
            }
        });
        address
    }

    #[test]
    fn every_request_is_sent_once_and_answers_are_counted_by_status() {
        let requests = Requests::of_users(Exchange::Hs256Hs256, 0, 3).unwrap();
        let mut load = Load::connect(service(usize::MAX), &requests, 4, 2).unwrap();
        let outcome = load.run_requests(50).unwrap();
        assert_eq!((outcome.responses(), outcome.successes()), (50, 46));
        assert!(!outcome.all_succeeded());
        let outcome = load.run_requests(50).unwrap();
        assert_eq!((outcome.responses(), outcome.successes()), (50, 50));
        assert!(outcome.all_succeeded());
    }

    #[test]
    fn connections_that_were_closed_between_runs_are_opened_anew() {
        let requests = Requests::of_users(Exchange::Hs256Hs256, 0, 3).unwrap();
        let mut load = Load::connect(service(2), &requests, 1, 1).unwrap();
        load.run_requests(2).unwrap();
        while load.groups.iter().any(|group| group.connections.iter().any(Connection::is_open)) {}
        assert_eq!(load.run_requests(2).unwrap().responses(), 2);
    }

    #[test]
    fn a_connection_that_is_closed_before_its_answer_is_an_error() {
        let requests = Requests::of_users(Exchange::Hs256Hs256, 0, 3).unwrap();
        let mut load = Load::connect(service(2), &requests, 1, 1).unwrap();
        assert!(load.run_requests(3).is_err());
    }

    #[test]
    fn arrivals_at_a_rate_are_neither_more_nor_earlier_than_the_rate() {
        let requests = Requests::of_users(Exchange::Hs256Hs256, 0, 3).unwrap();
        let mut load = Load::connect(service(usize::MAX), &requests, 8, 1).unwrap();
        let arrivals = Arrivals::Open { per_second: 200.0 };
        let outcome = load.run_for(arrivals, Duration::from_millis(100)).unwrap();
        // Those due at 0, 5, …, 95 ms: fewer if the machine was too busy to send them in time.
        assert!((1..=20).contains(&outcome.responses()), "{}", outcome.responses());
    }
}
