//! What look-ups have found, kept in memory up to a number of bytes: those that are used most stay.

use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};

use locum_engine::model::User;
use locum_engine::ports::{Found, StoreUnavailable};
use locum_engine::prepared::PreparedClient;
use quick_cache::sync::Cache;
use quick_cache::{Equivalent, Weighter};

/// How long it is remembered that there is no such row. Whoever tries names asks the database once in this time for each.
const ABSENT_FOR: Duration = Duration::from_secs(2);

/// How long it is remembered that the database did not answer: those that wait for a row do not each try again.
const UNAVAILABLE_FOR: Duration = Duration::from_millis(200);

/// How long it is remembered that what is in a row cannot be used. It is forgotten when the row is changed.
const UNUSABLE_FOR: Duration = Duration::from_secs(60);

/// About what an entry takes besides its texts: the key, the cache's own fields.
const ENTRY_BYTES: usize = 256;

/// About what a prepared client takes besides what its document says.
const CLIENT_BYTES: usize = 2048;

/// What is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    /// A client by its id.
    Client,
    /// A user by its id.
    User,
    /// Whether any client of the tenant allows an origin.
    Origin,
    /// The client that lists a resource.
    Resource,
}

impl Kind {
    /// As the table of changes has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::User => "user",
            Self::Origin => "origin",
            Self::Resource => "resource",
        }
    }

    /// The kind with this name.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::Client, Self::User, Self::Origin, Self::Resource].into_iter().find(|kind| kind.name() == name)
    }
}

/// A row of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) kind: Kind,
    pub(crate) tenant: Box<str>,
    pub(crate) id: Box<str>,
}

/// The same as a [`Key`], borrowed.
#[derive(Hash)]
struct KeyRef<'a> {
    kind: Kind,
    tenant: &'a str,
    id: &'a str,
}

impl Equivalent<Key> for KeyRef<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        self.kind == key.kind && *self.tenant == *key.tenant && *self.id == *key.id
    }
}

impl Key {
    pub(crate) fn new(kind: Kind, tenant: &str, id: &str) -> Self {
        Self { kind, tenant: tenant.into(), id: id.into() }
    }
}

/// What was found.
#[derive(Clone)]
pub(crate) enum Entry {
    /// A client, and the bytes of its document.
    Client(Arc<PreparedClient>, usize),
    /// A user, and the bytes of its document.
    User(Arc<User>, usize),
    /// An origin that a client allows.
    Origin,
    /// The id of the client that lists the resource.
    Resource(Arc<str>),
    /// There is no such row, until this moment.
    Absent(Instant),
    /// Whether there is such a row, or what is in it, is not known, until this moment.
    Unknown(StoreUnavailable, Instant),
}

impl Entry {
    pub(crate) fn absent() -> Self {
        Self::Absent(Instant::now() + ABSENT_FOR)
    }

    /// The database does not answer.
    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unknown(StoreUnavailable(why.into()), Instant::now() + UNAVAILABLE_FOR)
    }

    /// What is in the row cannot be used.
    pub(crate) fn unusable(why: impl Into<String>) -> Self {
        Self::Unknown(StoreUnavailable(why.into()), Instant::now() + UNUSABLE_FOR)
    }

    /// There is no such row.
    pub(crate) fn is_absent(&self) -> bool {
        matches!(self, Self::Absent(_))
    }

    /// Whether there is such a row, or what is in it, is not known.
    pub(crate) fn is_unknown(&self) -> bool {
        matches!(self, Self::Unknown(..))
    }

    fn is_outdated(&self) -> bool {
        match self {
            Self::Absent(until) | Self::Unknown(_, until) => *until <= Instant::now(),
            Self::Client(..) | Self::User(..) | Self::Origin | Self::Resource(_) => false,
        }
    }

    /// As the answer to a look-up of a client.
    pub(crate) fn client(self) -> Found<PreparedClient> {
        match self {
            Self::Client(client, _) => Ok(Some(client)),
            Self::Unknown(why, _) => Err(why),
            _ => Ok(None),
        }
    }

    /// As the answer to a look-up of a user.
    pub(crate) fn user(self) -> Found<User> {
        match self {
            Self::User(user, _) => Ok(Some(user)),
            Self::Unknown(why, _) => Err(why),
            _ => Ok(None),
        }
    }

    /// As the answer whether an origin is allowed.
    pub(crate) fn origin(self) -> Result<bool, StoreUnavailable> {
        match self {
            Self::Origin => Ok(true),
            Self::Unknown(why, _) => Err(why),
            _ => Ok(false),
        }
    }

    /// As the id of the client that lists a resource.
    pub(crate) fn resource(self) -> Result<Option<Arc<str>>, StoreUnavailable> {
        match self {
            Self::Resource(client_id) => Ok(Some(client_id)),
            Self::Unknown(why, _) => Err(why),
            _ => Ok(None),
        }
    }
}

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Entry> for Bytes {
    fn weight(&self, key: &Key, entry: &Entry) -> u64 {
        let entry = match entry {
            Entry::Client(_, document) => CLIENT_BYTES + 2 * document,
            Entry::User(_, document) => 2 * document,
            Entry::Resource(client_id) => client_id.len(),
            Entry::Unknown(why, _) => why.0.len(),
            Entry::Origin | Entry::Absent(_) => 0,
        };
        (ENTRY_BYTES + key.tenant.len() + key.id.len() + entry) as u64
    }
}

/// The entries of all tenants.
pub(crate) struct Entries(Cache<Key, Entry, Bytes>);

impl Entries {
    /// Of at most about this many bytes.
    pub(crate) fn new(bytes_max: u64) -> Self {
        let expected = usize::try_from(bytes_max / (CLIENT_BYTES + ENTRY_BYTES) as u64).unwrap_or(usize::MAX);
        Self(Cache::with_weighter(expected, bytes_max, Bytes))
    }

    /// What is known.
    pub(crate) fn get(&self, kind: Kind, tenant: &str, id: &str) -> Option<Entry> {
        let key = KeyRef { kind, tenant, id };
        let entry = self.0.get(&key)?;
        if entry.is_outdated() {
            self.0.remove_if(&key, Entry::is_outdated);
            return None;
        }
        Some(entry)
    }

    /// What is known, or else what is read now. Of those that ask for one key at one moment, one reads.
    pub(crate) async fn get_or_read(&self, key: &Key, read: impl Future<Output = Entry>) -> Entry {
        let found = self.0.get_or_insert_async(key, async { Ok::<_, std::convert::Infallible>(read.await) });
        match found.await {
            Ok(entry) => entry,
            Err(never) => match never {},
        }
    }

    pub(crate) fn remove(&self, key: &Key) {
        self.0.remove(key);
    }

    /// Removes the entries of a tenant.
    pub(crate) fn remove_tenant(&self, tenant: &str) {
        self.0.retain(|key, _| *key.tenant != *tenant);
    }

    pub(crate) fn clear(&self) {
        self.0.clear();
    }

    /// How many are kept, and about how many bytes they take.
    pub(crate) fn size(&self) -> (usize, u64) {
        (self.0.len(), self.0.weight())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn origin(number: usize) -> Key {
        Key::new(Kind::Origin, "acme.example", &format!("https://app{number}.example"))
    }

    #[tokio::test]
    async fn of_many_that_ask_at_one_moment_one_reads() {
        let (entries, reads) = (Arc::new(Entries::new(1 << 20)), Arc::new(AtomicUsize::new(0)));
        let mut asking = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let (entries, reads) = (Arc::clone(&entries), Arc::clone(&reads));
            asking.spawn(async move {
                let read = async {
                    tokio::task::yield_now().await;
                    reads.fetch_add(1, Ordering::Relaxed);
                    Entry::Origin
                };
                entries.get_or_read(&origin(1), read).await.origin()
            });
        }
        for answer in asking.join_all().await {
            assert_eq!(answer, Ok(true));
        }
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }

    #[tokio::test]
    async fn whoever_tries_names_takes_no_more_memory_than_is_set() {
        let entries = Entries::new(1 << 20);
        for number in 0..20_000 {
            entries.get_or_read(&origin(number), std::future::ready(Entry::absent())).await;
        }
        let (count, bytes) = entries.size();
        assert!(bytes <= 1 << 20 && count < 5000, "{count} entries, {bytes} bytes");
    }

    #[tokio::test]
    async fn a_row_of_one_kind_or_tenant_is_not_that_of_another() {
        let entries = Entries::new(1 << 20);
        entries.get_or_read(&origin(1), std::future::ready(Entry::Origin)).await;
        assert!(entries.get(Kind::Origin, "acme.example", "https://app1.example").is_some());
        assert!(entries.get(Kind::Resource, "acme.example", "https://app1.example").is_none());
        assert!(entries.get(Kind::Origin, "other.example", "https://app1.example").is_none());
        entries.remove_tenant("other.example");
        assert!(entries.get(Kind::Origin, "acme.example", "https://app1.example").is_some());
        entries.remove_tenant("acme.example");
        assert!(entries.get(Kind::Origin, "acme.example", "https://app1.example").is_none());
    }
}
