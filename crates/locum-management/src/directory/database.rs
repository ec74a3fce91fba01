//! Tenants in a database: what is read is what the database has at this moment.

use locum_database::directory::{self, DatabaseDirectory, Page};

use crate::directory::{Documents, Listed, Reading, Stored};

impl Documents for DatabaseDirectory {
    fn tenant<'a>(&'a self, domain: &'a str) -> Reading<'a, Option<Stored>> {
        Box::pin(async { Ok(self.reader().tenant(domain).await?.map(Stored::from)) })
    }

    fn client<'a>(&'a self, tenant: &'a str, client_id: &'a str) -> Reading<'a, Option<Stored>> {
        Box::pin(async { Ok(self.reader().client(tenant, client_id).await?.map(Stored::from)) })
    }

    fn user<'a>(&'a self, tenant: &'a str, user_id: &'a str) -> Reading<'a, Option<Stored>> {
        Box::pin(async { Ok(self.reader().user(tenant, user_id).await?.map(Stored::from)) })
    }

    fn clients<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed> {
        Box::pin(async { Ok(self.reader().clients(tenant, page).await?.into()) })
    }

    fn users<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed> {
        Box::pin(async { Ok(self.reader().users(tenant, page).await?.into()) })
    }

    fn users_by_email<'a>(
        &'a self,
        tenant: &'a str,
        email: &'a str,
        start: u32,
        count: u32,
    ) -> Reading<'a, Listed> {
        Box::pin(async move { Ok(self.reader().users_by_email(tenant, email, start, count).await?.into()) })
    }
}

impl From<directory::Stored> for Stored {
    fn from(stored: directory::Stored) -> Self {
        Self { document: stored.document, version: Some(stored.version) }
    }
}

impl From<directory::Listed> for Listed {
    fn from(listed: directory::Listed) -> Self {
        let entries = listed.entries.into_iter().map(|(id, stored)| (id, stored.document));
        Self { entries: entries.collect(), total: listed.total }
    }
}
