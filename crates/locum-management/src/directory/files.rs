//! Tenants in files: what is read is what the files had when the server read them, as it serves them.

use std::future::ready;

use locum_database::directory::Page;
use locum_store::documents::{Document, FileTenant, FileTenants};

use crate::directory::{Documents, Listed, Reading, Stored};

impl Documents for FileTenants {
    fn tenant<'a>(&'a self, domain: &'a str) -> Reading<'a, Option<Stored>> {
        one(self, domain, |tenant| Some(tenant.document()))
    }

    fn client<'a>(&'a self, tenant: &'a str, client_id: &'a str) -> Reading<'a, Option<Stored>> {
        one(self, tenant, |tenant| tenant.client(client_id))
    }

    fn user<'a>(&'a self, tenant: &'a str, user_id: &'a str) -> Reading<'a, Option<Stored>> {
        one(self, tenant, |tenant| tenant.user(user_id))
    }

    fn clients<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed> {
        list(self, tenant, |tenant| part(tenant.clients(), page))
    }

    fn users<'a>(&'a self, tenant: &'a str, page: &'a Page) -> Reading<'a, Listed> {
        list(self, tenant, |tenant| part(tenant.users(), page))
    }

    fn users_by_email<'a>(
        &'a self,
        tenant: &'a str,
        email: &'a str,
        start: u32,
        count: u32,
    ) -> Reading<'a, Listed> {
        list(self, tenant, |tenant| {
            let ids = tenant.users_by_email(email);
            let shown = ids.iter().skip(start as usize).take(count as usize);
            let entries = shown.filter_map(|id| Some((id.clone(), tenant.user(id)?.clone())));
            Listed { entries: entries.collect(), total: ids.len() as u64 }
        })
    }
}

fn one<'a>(
    tenants: &FileTenants,
    domain: &str,
    find: impl FnOnce(&FileTenant) -> Option<&Document>,
) -> Reading<'a, Option<Stored>> {
    let tenant = tenants.tenant(domain);
    let document = tenant.as_deref().and_then(find).cloned();
    Box::pin(ready(Ok(document.map(|document| Stored { document, version: None }))))
}

fn list<'a>(
    tenants: &FileTenants,
    domain: &str,
    part: impl FnOnce(&FileTenant) -> Listed,
) -> Reading<'a, Listed> {
    let tenant = tenants.tenant(domain);
    let listed = tenant.as_deref().map_or_else(|| Listed { entries: Vec::new(), total: 0 }, part);
    Box::pin(ready(Ok(listed)))
}

/// A page of entries that are in the order of their ids.
fn part(entries: &[(String, Document)], page: &Page) -> Listed {
    let (start, count) = match page {
        Page::Offset { start, count } => (*start as usize, *count),
        Page::After { id, count } => (entries.partition_point(|(known, _)| known <= id), *count),
        _ => (entries.len(), 0),
    };
    let shown = entries.iter().skip(start).take(count as usize).cloned();
    Listed { entries: shown.collect(), total: entries.len() as u64 }
}
