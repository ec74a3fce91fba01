//! The directory: tenants, clients and users in the database, with what is used most kept in memory.
//!
//! ```text
//! look-up ── entries (memory) ── at once
//!        └── else rows: one of a few at a time reads, opens, checks and prepares; others that ask for it wait for that one
//! follow  ── changes: what other servers have written is removed from memory within a second
//! ```

pub(crate) mod changes;
mod entries;
mod follow;
mod followed;
mod freshness;
mod listing;
mod look_ups;
mod reseal;
mod rows;
mod tenants;
mod transfer;
mod upgrade;
mod write_error;
mod writes;

pub use listing::{DirectoryReader, Listed, Page};
pub use look_ups::LookUps;
pub use reseal::{Resealed, reseal};
pub use transfer::{Existing, domains, export, import};
pub use write_error::WriteError;
pub use writes::{DirectoryWrite, Stored};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use locum_engine::model::User;
use locum_engine::ports::{Directory, Issuers, Lookup, PortReply, StoreReply, StoreUnavailable};
use locum_engine::prepared::{PreparedClient, PreparedTenant};
use tokio::sync::{Notify, Semaphore};

use crate::database::Database;
use crate::directory::entries::{Entries, Entry, Key, Kind};
use crate::directory::followed::Followed;
use crate::directory::freshness::Freshness;
use crate::directory::look_ups::LookUpCounters;
use crate::directory::rows::{RowError, Rows};
use crate::directory::tenants::{TenantRow, Tenants};
use crate::error::DatabaseError;
use crate::sealing::MasterKeys;

/// Most look-ups that use the database at one moment. Others wait.
const LOOK_UPS_MAX: usize = 16;

/// How long a look-up waits for its turn.
const TURN_WAIT: Duration = Duration::from_millis(500);

/// How a directory is kept in memory.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct DirectoryOptions {
    /// About how many bytes of clients, users and look-ups without a result are kept.
    pub cache_bytes: u64,
    /// How long what is kept is used while the database cannot be reached.
    pub stale_max: Duration,
}

impl Default for DirectoryOptions {
    fn default() -> Self {
        Self { cache_bytes: 256 << 20, stale_max: Duration::from_secs(300) }
    }
}

/// The tenants, clients and users of a database.
pub struct DatabaseDirectory {
    rows: Rows,
    tenants: ArcSwap<Tenants>,
    entries: Entries,
    issuers: ArcSwap<Arc<dyn Issuers>>,
    turns: Semaphore,
    look_ups: LookUpCounters,
    freshness: Freshness,
    /// Counts what was removed from memory: what was read before a removal is not kept after it.
    removals: AtomicU64,
    /// Counts how often all of a tenant was removed: what was read before that is read again.
    forgotten: AtomicU64,
    followed: Followed,
    /// Wakes the follower: this server has written something.
    written: Notify,
}

impl Directory for DatabaseDirectory {
    fn tenant<'a>(&'a self, host: &'a str) -> Lookup<'a, PreparedTenant> {
        PortReply::Now(self.freshness.check().and_then(|()| self.tenants.load().on_host(host)))
    }

    fn client<'a>(&'a self, tenant: &'a PreparedTenant, client_id: &'a str) -> Lookup<'a, PreparedClient> {
        match self.kept(Kind::Client, tenant, client_id) {
            Some(entry) => PortReply::Now(entry.client()),
            None => PortReply::Later(Box::pin(async {
                self.read(Kind::Client, tenant, client_id).await.client()
            })),
        }
    }

    fn user<'a>(&'a self, tenant: &'a PreparedTenant, user_id: &'a str) -> Lookup<'a, User> {
        match self.kept(Kind::User, tenant, user_id) {
            Some(entry) => PortReply::Now(entry.user()),
            None => PortReply::Later(Box::pin(async { self.read(Kind::User, tenant, user_id).await.user() })),
        }
    }

    fn allows_origin<'a>(&'a self, tenant: &'a PreparedTenant, origin: &'a str) -> StoreReply<'a, bool> {
        match self.kept(Kind::Origin, tenant, origin) {
            Some(entry) => PortReply::Now(entry.origin()),
            None => {
                PortReply::Later(Box::pin(async { self.read(Kind::Origin, tenant, origin).await.origin() }))
            }
        }
    }

    fn client_by_resource<'a>(
        &'a self,
        tenant: &'a PreparedTenant,
        resource: &'a str,
    ) -> Lookup<'a, PreparedClient> {
        PortReply::Later(Box::pin(async move {
            let listed = match self.kept(Kind::Resource, tenant, resource) {
                Some(entry) => entry.resource()?,
                None => self.read(Kind::Resource, tenant, resource).await.resource()?,
            };
            match listed {
                Some(client_id) => self.client(tenant, &client_id).wait().await,
                None => Ok(None),
            }
        }))
    }

    fn catch_up(&self) -> StoreReply<'_, ()> {
        PortReply::Later(Box::pin(async {
            self.read_changes().await.map_err(|why| StoreUnavailable(why.to_string()))
        }))
    }
}

/// What a directory has in memory.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DirectoryStatus {
    /// How many tenants are served.
    pub tenants: usize,
    /// The domains of tenants whose rows cannot be used: requests for them are refused with 503.
    pub unusable_tenants: Vec<String>,
    /// How many clients, users and other look-ups are kept, and about how many bytes they take.
    pub entries: usize,
    /// About how many bytes these take.
    pub bytes: u64,
    /// How many look-ups there were.
    pub look_ups: LookUps,
    /// How long ago all of it was known to be what the database has.
    pub age: Duration,
    /// Whether it may still be used.
    pub is_usable: bool,
}

impl DatabaseDirectory {
    /// Reads all tenants. Clients and users are read when they are asked for. [`follow`](Self::follow) has to run beside it.
    ///
    /// # Errors
    /// The database is unavailable. A tenant whose row cannot be used is no error: it alone is not served.
    pub async fn open(
        database: Database,
        keys: Arc<MasterKeys>,
        issuers: Arc<dyn Issuers>,
        options: DirectoryOptions,
    ) -> Result<Self, DatabaseError> {
        let point = changes::latest(&database).await?;
        let directory = Self {
            rows: Rows { database: database.clone(), keys: ArcSwap::from(keys) },
            tenants: ArcSwap::default(),
            entries: Entries::new(options.cache_bytes),
            issuers: ArcSwap::from_pointee(issuers),
            turns: Semaphore::new(LOOK_UPS_MAX),
            look_ups: LookUpCounters::default(),
            freshness: Freshness::new(options.stale_max),
            removals: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
            followed: Followed::from(point),
            written: Notify::new(),
        };
        directory.reload().await?;
        Ok(directory)
    }

    /// What it has in memory.
    pub fn status(&self) -> DirectoryStatus {
        let tenants = self.tenants.load();
        let (entries, bytes) = self.entries.size();
        DirectoryStatus {
            tenants: tenants.served().count(),
            unusable_tenants: tenants.unusable().map(|(domain, _)| domain.to_owned()).collect(),
            entries,
            bytes,
            look_ups: self.look_ups.totals(),
            age: self.freshness.age(),
            is_usable: self.freshness.check().is_ok(),
        }
    }

    /// The tenant with this domain, if it is served.
    pub fn served(&self, domain: &str) -> Option<Arc<PreparedTenant>> {
        self.tenants.load().with_domain(domain).map(Arc::clone)
    }

    /// Opens rows with these keys from now on, and reads everything anew.
    ///
    /// # Errors
    /// The database is unavailable, or a tenant that is served cannot be opened with them. What is in memory stays, and so do
    /// the keys.
    pub async fn replace_keys(&self, keys: Arc<MasterKeys>) -> Result<(), DatabaseError> {
        // Not beside a change that is being applied: the tenant that was read first would stay.
        let _not_catching_up = self.followed.last().await;
        let rows = Rows { database: self.rows.database.clone(), keys: ArcSwap::from(Arc::clone(&keys)) };
        let (read, served) = (rows.tenants().await?, self.tenants.load());
        let is_lost = |row: &TenantRow, domain: &str| {
            matches!(row, TenantRow::Unusable(_)) && served.with_domain(domain).is_some()
        };
        let lost: Vec<String> = read
            .into_iter()
            .filter(|read| is_lost(&read.row, &read.domain))
            .map(|read| read.domain)
            .collect();
        if !lost.is_empty() {
            let database = rows.database.name().to_owned();
            return Err(DatabaseError::MasterKeys { database, tenants: lost.join(", ") });
        }
        self.rows.keys.store(keys);
        self.reload().await
    }

    /// Reads what this process has written, so that it is served before whoever wrote it has an answer. If the database cannot be
    /// reached at this moment, that is when it can.
    pub async fn has_written(&self) {
        if self.read_changes().await.is_err() {
            self.written.notify_one();
        }
    }

    /// What is in memory; that nothing is known, if it is too old to be used; `None` if the row has to be read.
    fn kept(&self, kind: Kind, tenant: &PreparedTenant, id: &str) -> Option<Entry> {
        let kept = match self.freshness.check() {
            Ok(()) => self.entries.get(kind, tenant.domain(), id),
            Err(why) => Some(Entry::unavailable(why.0)),
        };
        if let Some(entry) = &kept {
            self.look_ups.kept(entry);
        }
        kept
    }

    /// Reads a row, and keeps it unless something was removed meanwhile: that may have been this row.
    async fn read(&self, kind: Kind, tenant: &PreparedTenant, id: &str) -> Entry {
        let key = Key::new(kind, tenant.domain(), id);
        let before = self.removals.load(Ordering::SeqCst);
        let entry = self.entries.get_or_read(&key, self.read_once_known(&key)).await;
        if self.removals.load(Ordering::SeqCst) != before {
            self.entries.remove(&key);
        }
        self.look_ups.read(&entry);
        entry
    }

    /// Reads a row, and again if its tenant was removed from memory meanwhile: whoever asks for the row since then waits for this
    /// read. (If the row alone was removed, they begin one of their own.)
    async fn read_once_known(&self, key: &Key) -> Entry {
        loop {
            let before = self.forgotten.load(Ordering::SeqCst);
            let entry = self.read_in_turn(key).await;
            if self.forgotten.load(Ordering::SeqCst) == before {
                return entry;
            }
        }
    }

    async fn read_in_turn(&self, key: &Key) -> Entry {
        let Ok(Ok(_turn)) = tokio::time::timeout(TURN_WAIT, self.turns.acquire()).await else {
            return Entry::unavailable("more look-ups wait for the database than it answers");
        };
        let Some(tenant) = self.tenants.load().with_domain(&key.tenant).map(Arc::clone) else {
            // Since the request began. Nobody may be taken for unknown because of it, such as a user who is blocked.
            return Entry::unavailable("the tenant was deleted, or its row cannot be used any more");
        };
        let issuers = Arc::clone(&self.issuers.load());
        match self.rows.entry(key, tenant, issuers).await {
            Ok(entry) => entry,
            // The follower of changes says in the log since when the database cannot be reached.
            Err(RowError::Database(error)) => Entry::unavailable(error.to_string()),
            Err(RowError::Unusable(why)) => {
                tracing::error!(tenant = %key.tenant, kind = key.kind.name(), id = %key.id, "a row cannot be used: {why}");
                Entry::unusable(why)
            }
        }
    }
}
