//! The load: threads that send requests until they are told to stop, through the proxy and to the nodes themselves.

mod assertions;
mod bursts;
mod changes;
mod exchanges;
mod reuse;
mod rotations;
mod switch;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;

use crate::cluster::http::{Client, Reply};
use crate::cluster::nodes::{Cluster, NODES};
use crate::cluster::tally::Tally;
use crate::cluster::tenant::KNOWN_USERS;
use crate::cluster::tokens::Tokens;

/// What all threads share.
pub(super) struct Traffic {
    pub(super) proxy: SocketAddr,
    pub(super) nodes: [SocketAddr; NODES],
    /// A token of the Management API, if it is there.
    management: Option<String>,
    pub(super) tokens: Tokens,
    tally: Mutex<Tally>,
    stopped: AtomicBool,
    users: AtomicUsize,
}

impl Traffic {
    pub(super) fn to(cluster: &Cluster, tokens: Tokens) -> Self {
        if let Some(token) = &cluster.management {
            tokens.note(token);
        }
        Self {
            proxy: cluster.proxy.address,
            nodes: cluster.addresses(),
            management: cluster.management.clone(),
            tokens,
            tally: Mutex::default(),
            stopped: AtomicBool::new(false),
            users: AtomicUsize::new(KNOWN_USERS),
        }
    }

    /// Sends requests while `work` runs, and until it has returned.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let threads: [fn(&Self) -> Result<()>; 13] = [
            exchanges::send,
            exchanges::send,
            exchanges::send_of_new_users,
            rotations::send_lenient,
            rotations::send_lenient,
            rotations::send_lenient,
            rotations::send_strict,
            reuse::send_at_once,
            reuse::send_later,
            assertions::send,
            assertions::send,
            bursts::send,
            changes::send,
        ];
        std::thread::scope(|scope| {
            let threads = threads.map(|thread| scope.spawn(move || thread(self)));
            let outcome = work();
            self.stopped.store(true, Ordering::Relaxed);
            for thread in threads {
                match thread.join() {
                    Ok(ended) => ended?,
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            outcome
        })
    }

    /// Whether to go on, after a pause that bounds the rate.
    fn goes_on(&self, pause: Duration) -> bool {
        std::thread::sleep(pause);
        !self.stopped.load(Ordering::Relaxed)
    }

    /// What is counted at present.
    pub(super) fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a user who was never seen.
    fn user(&self) -> usize {
        self.users.fetch_add(1, Ordering::Relaxed)
    }

    /// An address that was never seen, so that no limit is reached but where that is the point.
    fn address(&self) -> String {
        let [_, a, b, c] = u32::try_from(self.user()).unwrap_or_default().to_be_bytes();
        format!("10.{a}.{b}.{c}")
    }

    /// A connection to each node.
    fn clients(&self) -> [Client; NODES] {
        self.nodes.map(Client::to)
    }

    /// The first token of a new family, once a node issues one; `None` if the load ends before.
    fn sign_in(&self, through: &mut Client, client: &str) -> Result<Option<String>> {
        loop {
            let request = self.tokens.sign_in(client, self.user())?;
            if let Reply::Answered(answer) = through.post("/oauth/token", &self.address(), &request)
                && let (200, Some(token)) = (answer.status, answer.text("access_token"))
            {
                self.tokens.note(token);
                return Ok(Some(token.to_owned()));
            }
            if !self.goes_on(Duration::from_millis(50)) {
                return Ok(None);
            }
        }
    }
}
