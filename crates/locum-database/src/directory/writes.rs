//! Writes tenants, clients and users: in a transaction, with the changes by which other servers hear of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use locum_engine::model::Tenant;
use locum_store::documents::{self, Document, DocumentKind};
use sqlx::{Any, Row as _, Transaction};

use crate::database::Database;
use crate::directory::changes::{self, Changed};
use crate::directory::entries::{Key, Kind};
use crate::directory::write_error::WriteError;
use crate::sealing::{self, MasterKeys, Row};

/// A document of the database, and how often it was written.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stored {
    /// The document, opened.
    pub document: Document,
    /// One at first, and one more with each change.
    pub version: i64,
}

/// A transaction that writes to the directory. All of it is there at once when it is [committed](Self::commit), and nothing
/// otherwise.
pub struct DirectoryWrite {
    transaction: Transaction<'static, Any>,
    database: Database,
    keys: Arc<MasterKeys>,
    changed: BTreeSet<Changed>,
    /// Tenants of which servers forget everything: their rows need not be told one by one.
    replaced: BTreeSet<String>,
}

impl DirectoryWrite {
    /// Begins. Other writers wait until it ends: changes become visible in the order of their numbers.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn begin(database: &Database, keys: Arc<MasterKeys>) -> Result<Self, WriteError> {
        let mut transaction = database.begin().await?;
        database.server().lock(&mut transaction, "changes").await?;
        Ok(Self {
            transaction,
            database: database.clone(),
            keys,
            changed: BTreeSet::new(),
            replaced: BTreeSet::new(),
        })
    }

    /// Lets it take as long as it needs. Other writers are refused meanwhile.
    pub(crate) async fn lift_limits(&mut self) -> Result<(), WriteError> {
        Ok(self.database.server().lift_limits(&mut self.transaction).await?)
    }

    /// Ends it, and tells the servers.
    ///
    /// # Errors
    /// The database is unavailable. If the connection is lost at this moment, everything is written or nothing.
    pub async fn commit(mut self) -> Result<(), WriteError> {
        changes::write(self.database.server(), &mut self.transaction, &self.changed).await?;
        Ok(self.transaction.commit().await?)
    }

    /// The tenant with this domain.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn tenant(&mut self, domain: &str) -> Result<Option<Stored>, WriteError> {
        let select = "SELECT document, version FROM tenants WHERE domain = $1";
        self.stored(Row::tenant(domain), select).await
    }

    /// The client with this id.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn client(&mut self, tenant: &str, client_id: &str) -> Result<Option<Stored>, WriteError> {
        let select = "SELECT document, version FROM clients WHERE tenant = $1 AND client_id = $2";
        self.stored(Row::client(tenant, client_id), select).await
    }

    /// The user with this id.
    ///
    /// # Errors
    /// The database is unavailable, or the row cannot be opened.
    pub async fn user(&mut self, tenant: &str, user_id: &str) -> Result<Option<Stored>, WriteError> {
        let select = "SELECT document, version FROM users WHERE tenant = $1 AND user_id = $2";
        self.stored(Row::user(tenant, user_id), select).await
    }

    /// Writes a tenant: a new one, or instead of the one with this domain. Its clients and users stay.
    ///
    /// # Errors
    /// The database is unavailable, the document breaks a rule, or another tenant is the default already.
    pub async fn put_tenant(&mut self, domain: &str, document: &Document) -> Result<(), WriteError> {
        let (_, is_default) = documents::tenant(domain, document.expose())
            .map_err(|error| WriteError::invalid(Row::tenant(domain), error))?;
        if is_default {
            let other =
                sqlx::query_scalar("SELECT domain FROM tenants WHERE is_default = 1 AND domain <> $1")
                    .bind(domain)
                    .fetch_optional(&mut *self.transaction)
                    .await?;
            if let Some(other) = other {
                return Err(WriteError::TwoDefaults { tenant: domain.to_owned(), other });
            }
        }
        let sealed = self.seal(Row::tenant(domain), document)?;
        sqlx::query(
            "INSERT INTO tenants (domain, document, is_default, version) VALUES ($1, $2, $3, 1)
             ON CONFLICT (domain) DO UPDATE SET document = excluded.document, is_default = excluded.is_default,
                 version = tenants.version + 1",
        )
        .bind(domain)
        .bind(sealed)
        .bind(i64::from(is_default))
        .execute(&mut *self.transaction)
        .await?;
        self.changed.insert(Changed::Tenant(domain.to_owned()));
        Ok(())
    }

    /// Writes a client: a new one, or instead of the one with this id.
    ///
    /// # Errors
    /// The database is unavailable, the document breaks a rule, or another client lists one of its resources.
    pub async fn put_client(
        &mut self,
        tenant: &Tenant,
        client_id: &str,
        document: &Document,
    ) -> Result<(), WriteError> {
        let domain = tenant.domain.as_str();
        let client = documents::client(client_id, document.expose(), tenant)
            .map_err(|error| WriteError::invalid(Row::client(domain, client_id), error))?;
        let sealed = self.seal(Row::client(domain, client_id), document)?;
        self.remove_listed(domain, client_id).await?;
        sqlx::query(
            "INSERT INTO clients (tenant, client_id, document, version) VALUES ($1, $2, $3, 1)
             ON CONFLICT (tenant, client_id) DO UPDATE SET document = excluded.document, version = clients.version + 1",
        )
        .bind(domain)
        .bind(client_id)
        .bind(sealed)
        .execute(&mut *self.transaction)
        .await?;
        for resource in &client.resources {
            self.add_resource(domain, client_id, resource).await?;
        }
        for origin in &client.allowed_origins {
            sqlx::query(
                "INSERT INTO origins (tenant, origin, client_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            )
            .bind(domain)
            .bind(origin.as_str())
            .bind(client_id)
            .execute(&mut *self.transaction)
            .await?;
            self.entry_changed(Kind::Origin, domain, origin);
        }
        self.entry_changed(Kind::Client, domain, client_id);
        Ok(())
    }

    /// Writes a user: a new one, or instead of the one with this id.
    ///
    /// # Errors
    /// The database is unavailable, or the document breaks a rule.
    pub async fn put_user(
        &mut self,
        tenant: &str,
        user_id: &str,
        document: &Document,
    ) -> Result<(), WriteError> {
        let user = documents::user(user_id, document.expose())
            .map_err(|error| WriteError::invalid(Row::user(tenant, user_id), error))?;
        let email = user.profile.get("email").and_then(|email| email.as_str()).map(str::to_lowercase);
        let sealed = self.seal(Row::user(tenant, user_id), document)?;
        sqlx::query(
            "INSERT INTO users (tenant, user_id, email, document, version) VALUES ($1, $2, $3, $4, 1)
             ON CONFLICT (tenant, user_id) DO UPDATE SET email = excluded.email, document = excluded.document,
                 version = users.version + 1",
        )
        .bind(tenant)
        .bind(user_id)
        .bind(email)
        .bind(sealed)
        .execute(&mut *self.transaction)
        .await?;
        self.entry_changed(Kind::User, tenant, user_id);
        Ok(())
    }

    /// Deletes a tenant with its clients and users. Returns whether there was one. Refresh tokens of it stay, and nobody can use
    /// them.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn delete_tenant(&mut self, domain: &str) -> Result<bool, WriteError> {
        for delete in [
            "DELETE FROM origins WHERE tenant = $1",
            "DELETE FROM resources WHERE tenant = $1",
            "DELETE FROM clients WHERE tenant = $1",
            "DELETE FROM users WHERE tenant = $1",
        ] {
            sqlx::query(delete).bind(domain).execute(&mut *self.transaction).await?;
        }
        let deleted = sqlx::query("DELETE FROM tenants WHERE domain = $1").bind(domain);
        let deleted = deleted.execute(&mut *self.transaction).await?.rows_affected() == 1;
        self.everything_changes(domain);
        Ok(deleted)
    }

    /// Deletes a client. Returns whether there was one.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn delete_client(&mut self, tenant: &str, client_id: &str) -> Result<bool, WriteError> {
        self.remove_listed(tenant, client_id).await?;
        let delete = "DELETE FROM clients WHERE tenant = $1 AND client_id = $2";
        self.delete(delete, Kind::Client, tenant, client_id).await
    }

    /// Deletes a user. Returns whether there was one.
    ///
    /// # Errors
    /// The database is unavailable.
    pub async fn delete_user(&mut self, tenant: &str, user_id: &str) -> Result<bool, WriteError> {
        let delete = "DELETE FROM users WHERE tenant = $1 AND user_id = $2";
        self.delete(delete, Kind::User, tenant, user_id).await
    }

    /// Makes servers forget all that they know of a tenant, instead of each row that this transaction writes from now on: for
    /// many rows.
    pub fn everything_changes(&mut self, tenant: &str) {
        self.changed.insert(Changed::Everything(tenant.to_owned()));
        self.replaced.insert(tenant.to_owned());
    }

    async fn stored(&mut self, row: Row<'_>, select: &'static str) -> Result<Option<Stored>, WriteError> {
        let mut query = sqlx::query(select).bind(row.domain());
        if row.kind() != DocumentKind::Tenant {
            query = query.bind(row.id());
        }
        let Some(found) = query.fetch_optional(&mut *self.transaction).await? else { return Ok(None) };
        let sealed: String = found.try_get(0)?;
        let document =
            sealing::open(row, &sealed, &self.keys).map_err(|error| WriteError::sealed(row, error))?;
        Ok(Some(Stored { document, version: found.try_get(1)? }))
    }

    fn seal(&self, row: Row<'_>, document: &Document) -> Result<String, WriteError> {
        sealing::seal(row, document, &self.keys).map_err(|error| WriteError::sealed(row, error))
    }

    async fn add_resource(
        &mut self,
        tenant: &str,
        client_id: &str,
        resource: &str,
    ) -> Result<(), WriteError> {
        let other: Option<String> =
            sqlx::query_scalar("SELECT client_id FROM resources WHERE tenant = $1 AND resource = $2")
                .bind(tenant)
                .bind(resource)
                .fetch_optional(&mut *self.transaction)
                .await?;
        if let Some(other) = other.filter(|other| other != client_id) {
            let (client_id, resource) = (client_id.to_owned(), resource.to_owned());
            return Err(WriteError::ResourceTwice { client_id, resource, other });
        }
        sqlx::query(
            "INSERT INTO resources (tenant, resource, client_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(tenant)
        .bind(resource)
        .bind(client_id)
        .execute(&mut *self.transaction)
        .await?;
        self.entry_changed(Kind::Resource, tenant, resource);
        Ok(())
    }

    /// Removes the origins and resources that a client lists.
    async fn remove_listed(&mut self, tenant: &str, client_id: &str) -> Result<(), WriteError> {
        let of_client = [
            (Kind::Origin, "DELETE FROM origins WHERE tenant = $1 AND client_id = $2 RETURNING origin"),
            (Kind::Resource, "DELETE FROM resources WHERE tenant = $1 AND client_id = $2 RETURNING resource"),
        ];
        for (kind, delete) in of_client {
            let removed: Vec<String> = sqlx::query_scalar(delete)
                .bind(tenant)
                .bind(client_id)
                .fetch_all(&mut *self.transaction)
                .await?;
            removed.iter().for_each(|id| self.entry_changed(kind, tenant, id));
        }
        Ok(())
    }

    async fn delete(
        &mut self,
        delete: &'static str,
        kind: Kind,
        tenant: &str,
        id: &str,
    ) -> Result<bool, WriteError> {
        let deleted = sqlx::query(delete).bind(tenant).bind(id).execute(&mut *self.transaction).await?;
        self.entry_changed(kind, tenant, id);
        Ok(deleted.rows_affected() == 1)
    }

    fn entry_changed(&mut self, kind: Kind, tenant: &str, id: &str) {
        if self.replaced.contains(tenant) {
            return;
        }
        self.changed.insert(Changed::Entry(Key::new(kind, tenant, id)));
    }
}
