//! Follows what is written to the database, and removes from memory what was changed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sqlx::postgres::PgListener;
use tokio::time::timeout;

use crate::directory::DatabaseDirectory;
use crate::directory::changes::{self, CHANNEL, Changed, READ_AT_ONCE, Read};
use crate::directory::followed::Outcome;
use crate::directory::tenants::{TenantRow, Tenants};
use crate::error::DatabaseError;
use crate::limits::WAIT_MAX;

/// How often the changes are read although the server of the database tells about each.
const PERIOD_WHEN_TOLD: Duration = Duration::from_secs(5);

/// How often they are read where nobody tells.
const PERIOD: Duration = Duration::from_millis(500);

impl DatabaseDirectory {
    /// Follows the changes until the server stops. Whether the database is reached is in the log, once for each time that it
    /// changes.
    pub async fn follow(&self) {
        let mut listener = None;
        let mut failing_since: Option<Instant> = None;
        loop {
            if listener.is_none() {
                listener = self.listen().await;
            }
            match (self.read_changes().await, failing_since) {
                (Ok(()), Some(since)) => {
                    let seconds = since.elapsed().as_secs();
                    tracing::info!(seconds, "the database of the tenants is reached again");
                    failing_since = None;
                }
                (Err(error), None) => {
                    tracing::warn!(
                        "the database of the tenants cannot be reached; what is in memory is used: {error}"
                    );
                    failing_since = Some(Instant::now());
                }
                (Ok(()), None) | (Err(_), Some(_)) => {}
            }
            self.wait_for_changes(&mut listener).await;
        }
    }

    async fn listen(&self) -> Option<PgListener> {
        let url = self.rows.database.url_of_postgres()?;
        let listening = async {
            let mut listener = PgListener::connect(&url).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await.map(|()| listener)
        };
        // It tries again by itself where connections are refused, and waits longer each time: changes would be seen late.
        timeout(WAIT_MAX, listening).await.ok()?.ok()
    }

    async fn wait_for_changes(&self, listener: &mut Option<PgListener>) {
        let period = if listener.is_some() { PERIOD_WHEN_TOLD } else { PERIOD };
        let told = async {
            match listener.as_mut() {
                Some(listener) => matches!(listener.try_recv().await, Ok(Some(_))),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = tokio::time::sleep(period) => {}
            () = self.written.notified() => {}
            is_listening = told => if !is_listening {
                *listener = None;
                // The server of the database has ended the connection: it may need some time to start.
                tokio::time::sleep(PERIOD).await;
            }
        }
    }

    /// Reads the changes that were written before this call, and removes from memory what they change. However many ask at one
    /// moment, there is one read, and at most one that follows it.
    ///
    /// # Errors
    /// The database cannot be reached. What was read is applied once it can.
    pub(crate) async fn read_changes(&self) -> Outcome {
        let asked = self.followed.ask();
        let mut last = self.followed.last().await;
        if let Some(outcome) = last.outcome_for(&asked) {
            return outcome;
        }
        let number = self.followed.begin();
        let outcome = self.apply_after(&mut last.point).await.map_err(Arc::new);
        self.followed.end(&mut last, number, outcome)
    }

    async fn apply_after(&self, point: &mut i64) -> Result<(), DatabaseError> {
        loop {
            let asked = Instant::now();
            match changes::after(&self.rows.database, *point).await? {
                Read::Lost(latest) => {
                    self.reload().await?;
                    *point = latest;
                }
                Read::Changes(changes, next) => {
                    for changed in &changes {
                        self.apply(changed).await?;
                    }
                    *point = next;
                    if changes.len() < usize::from(READ_AT_ONCE) {
                        self.freshness.confirm(asked);
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Forgets everything, and reads the tenants anew.
    pub(crate) async fn reload(&self) -> Result<(), DatabaseError> {
        let mut tenants = Tenants::default();
        for read in self.rows.tenants().await? {
            tenants.put(&read.domain, read.row, read.is_default);
        }
        self.tenants.store(Arc::new(tenants));
        self.removals.fetch_add(1, Ordering::SeqCst);
        self.entries.clear();
        Ok(())
    }

    async fn apply(&self, changed: &Changed) -> Result<(), DatabaseError> {
        match changed {
            Changed::Entry(key) => {
                self.removals.fetch_add(1, Ordering::SeqCst);
                self.entries.remove(key);
            }
            Changed::Tenant(domain) => {
                if self.reload_tenant(domain).await? {
                    self.forget(domain);
                }
            }
            Changed::Everything(domain) => {
                self.reload_tenant(domain).await?;
                self.forget(domain);
            }
        }
        Ok(())
    }

    fn forget(&self, domain: &str) {
        self.removals.fetch_add(1, Ordering::SeqCst);
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        self.entries.remove_tenant(domain);
    }

    /// Reads a tenant anew. Returns whether its clients have to be prepared anew: not if only its policy is another.
    async fn reload_tenant(&self, domain: &str) -> Result<bool, DatabaseError> {
        let read = self.rows.tenant(domain).await?;
        let before = self.tenants.load_full();
        let mut tenants = (*before).clone();
        let mut keeps_clients = false;
        match read {
            Some(read) => {
                if let (TenantRow::Served(after), Some(before)) = (&read.row, before.with_domain(domain)) {
                    let mut with_the_policy = before.tenant().clone();
                    with_the_policy.delegation = after.delegation().clone();
                    keeps_clients = with_the_policy == *after.tenant();
                }
                tenants.put(domain, read.row, read.is_default);
            }
            None => tenants.remove(domain),
        }
        self.tenants.store(Arc::new(tenants));
        Ok(!keeps_clients)
    }
}
