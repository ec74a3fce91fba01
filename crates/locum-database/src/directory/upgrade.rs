//! Other plugins for the clients that are in use: whether all add-ons still work, and the exchange.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use locum_engine::ports::Issuers;
use locum_engine::prepared::{AddOnProblem, PreparedClient, PreparedTenant};
use locum_store::TenantProblem;
use locum_store::documents;
use sqlx::Row as _;

use crate::directory::DatabaseDirectory;
use crate::directory::rows::panicked;
use crate::error::DatabaseError;
use crate::sealing::{self, MasterKeys, Row};

/// How many clients are read at once.
const READ_AT_ONCE: i64 = 200;

impl DatabaseDirectory {
    /// The add-ons of all clients that work now and would not with these issuers. Rows that cannot be used are skipped.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn newly_broken(
        &self,
        issuers: &Arc<dyn Issuers>,
    ) -> Result<Vec<TenantProblem>, DatabaseError> {
        let tenants: Vec<_> = self.tenants.load().served().map(Arc::clone).collect();
        let mut broken = Vec::new();
        for tenant in tenants {
            let mut after = String::new();
            loop {
                let rows = self.clients_after(tenant.domain(), &after).await?;
                let Some((last, _)) = rows.last() else { break };
                after.clone_from(last);
                let (tenant, keys) = (Arc::clone(&tenant), self.rows.keys.load_full());
                let (old, new) = (Arc::clone(&self.issuers.load()), Arc::clone(issuers));
                let compare = move || {
                    let broken = rows.iter().flat_map(|row| newly_broken(&tenant, row, &keys, &*old, &*new));
                    broken.collect::<Vec<_>>()
                };
                let compared = async { tokio::task::spawn_blocking(compare).await.map_err(panicked) };
                broken.extend(compared.await.map_err(|cause| self.rows.database.failed(cause))?);
            }
        }
        Ok(broken)
    }

    /// Prepares clients with these issuers from now on.
    pub fn replace_issuers(&self, issuers: Arc<dyn Issuers>) {
        self.issuers.store(Arc::new(issuers));
        self.removals.fetch_add(1, Ordering::SeqCst);
        self.entries.clear();
    }

    /// Ids and documents of clients, in the order of the ids.
    async fn clients_after(&self, tenant: &str, id: &str) -> Result<Vec<(String, String)>, DatabaseError> {
        let read = async {
            let rows = sqlx::query(
                "SELECT client_id, document FROM clients WHERE tenant = $1 AND client_id > $2
                 ORDER BY client_id LIMIT $3",
            )
            .bind(tenant)
            .bind(id)
            .bind(READ_AT_ONCE)
            .fetch_all(self.rows.database.pool())
            .await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
        };
        self.rows.database.call(read).await
    }
}

fn newly_broken(
    tenant: &PreparedTenant,
    (client_id, sealed): &(String, String),
    keys: &MasterKeys,
    old: &dyn Issuers,
    new: &dyn Issuers,
) -> Vec<TenantProblem> {
    let prepared = |issuers| {
        let domain = tenant.domain();
        let document = sealing::open(Row::client(domain, client_id), sealed, keys).ok()?;
        let client = documents::client(client_id, document.expose(), tenant.tenant()).ok()?;
        Some(PreparedClient::prepare(tenant, client, issuers))
    };
    let Some(with_new) = prepared(new) else { return Vec::new() };
    let mut problems = with_new.problems().peekable();
    if problems.peek().is_none() {
        return Vec::new();
    }
    let Some(with_old) = prepared(old) else { return Vec::new() };
    let worked = |problem: &AddOnProblem| {
        let mut add_ons = std::iter::once(with_old.app()).chain(with_old.add_ons());
        add_ons.any(|add_on| add_on.api_type() == problem.api_type && add_on.is_ready())
    };
    let broken = problems.filter(worked);
    broken.map(|problem| TenantProblem { domain: tenant.domain().to_owned(), problem }).collect()
}
