//! A directory in memory that can be made to fail, or to never answer.

use std::future::pending;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use locum_engine::model::User;
use locum_engine::ports::{Directory, Found, Lookup, PortReply, StoreUnavailable};
use locum_engine::prepared::{PreparedClient, PreparedTenant};
use locum_store::{MemoryDirectory, TenantSet};

use crate::faults::{PortCalls, UNAVAILABLE};

/// A [`MemoryDirectory`] whose look-ups are recorded in [`PortCalls`], and can be made to fail, to stay unanswered, or to be answered
/// later, as those of a database are.
pub struct FaultyDirectory {
    inner: MemoryDirectory,
    calls: Arc<PortCalls>,
    unanswered: Mutex<Option<&'static str>>,
    changed: Mutex<Option<TenantSet>>,
    reads: Arc<AtomicUsize>,
    answers_later: AtomicBool,
}

impl FaultyDirectory {
    pub(crate) fn new(inner: MemoryDirectory, calls: Arc<PortCalls>) -> Self {
        Self {
            inner,
            calls,
            unanswered: Mutex::default(),
            changed: Mutex::default(),
            reads: Arc::default(),
            answers_later: AtomicBool::new(false),
        }
    }

    /// The directory without faults.
    pub fn inner(&self) -> &MemoryDirectory {
        &self.inner
    }

    /// From now on this look-up, such as `client`, is never answered.
    pub fn never_answers(&self, lookup: &'static str) {
        *self.unanswered.lock().unwrap() = Some(lookup);
    }

    /// Whether clients, users, origins and resources have to be read from now on.
    pub fn answers_later(&self, later: bool) {
        self.answers_later.store(later, Ordering::Relaxed);
    }

    /// Others have changed the tenants to this set, which is known once the directory has caught up.
    pub fn is_behind(&self, set: TenantSet) {
        *self.changed.lock().unwrap() = Some(set);
    }

    /// How many look-ups were read. One that nobody waits for is not.
    pub fn reads(&self) -> usize {
        self.reads.load(Ordering::Relaxed)
    }

    fn read<'a, T: Send + 'a>(&self, answer: PortReply<'a, T>) -> PortReply<'a, T> {
        if !self.answers_later.load(Ordering::Relaxed) {
            return answer;
        }
        let reads = Arc::clone(&self.reads);
        PortReply::Later(Box::pin(async move {
            reads.fetch_add(1, Ordering::Relaxed);
            answer.wait().await
        }))
    }

    fn unless_failing<'a, T: Send + 'a>(
        &'a self,
        port: &'static str,
        lookup: impl FnOnce(&'a MemoryDirectory) -> PortReply<'a, Result<T, StoreUnavailable>>,
    ) -> PortReply<'a, Result<T, StoreUnavailable>> {
        let succeeds = self.calls.succeeds(port);
        if *self.unanswered.lock().unwrap() == Some(port) {
            PortReply::Later(Box::pin(pending()))
        } else if succeeds {
            lookup(&self.inner)
        } else {
            PortReply::Now(Err(StoreUnavailable(UNAVAILABLE.to_owned())))
        }
    }
}

impl Directory for FaultyDirectory {
    fn tenant<'a>(&'a self, host: &'a str) -> Lookup<'a, PreparedTenant> {
        self.unless_failing("tenant", |inner| inner.tenant(host))
    }

    fn client<'a>(&'a self, tenant: &'a PreparedTenant, client_id: &'a str) -> Lookup<'a, PreparedClient> {
        self.read(self.unless_failing("client", |inner| inner.client(tenant, client_id)))
    }

    fn user<'a>(&'a self, tenant: &'a PreparedTenant, user_id: &'a str) -> Lookup<'a, User> {
        self.read(self.unless_failing("user", |inner| inner.user(tenant, user_id)))
    }

    fn allows_origin<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        origin: &'a str,
    ) -> PortReply<'a, Result<bool, StoreUnavailable>> {
        self.read(self.unless_failing("allows_origin", |inner| inner.allows_origin(tenant, origin)))
    }

    fn client_by_resource<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        resource: &'a str,
    ) -> Lookup<'a, PreparedClient> {
        self.read(
            self.unless_failing("client_by_resource", |inner| inner.client_by_resource(tenant, resource)),
        )
    }

    fn catch_up(&self) -> PortReply<'_, Result<(), StoreUnavailable>> {
        self.unless_failing("catch_up", |inner| {
            let changed = self.changed.lock().unwrap().take();
            changed.map_or(PortReply::Now(Ok(())), |set| {
                PortReply::Later(Box::pin(async {
                    inner.replace(set);
                    Ok(())
                }))
            })
        })
    }
}

/// The result of looking up the tenant of a host. Panics if the directory does not answer at once.
pub fn tenant_at(directory: &dyn Directory, host: &str) -> Found<PreparedTenant> {
    match directory.tenant(host) {
        PortReply::Now(found) => found,
        PortReply::Later(_) => panic!("the directory does not answer at once"),
    }
}
