//! The documents of tenants that are served from their files, for whoever reads them while they are served.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::TenantData;
use crate::documents::document::Document;
use crate::documents::tenant_documents::{self, TenantDocuments};
use crate::tenant_file::{self, FieldErrors, Node, TenantFile, TenantFileError};

/// The documents of the tenants in files, as they are now.
#[derive(Debug, Default)]
pub struct FileTenants(ArcSwap<HashMap<String, Arc<FileTenant>>>);

/// A tenant with its clients and users, as its file had them when it was read.
#[derive(Debug)]
pub struct FileTenant {
    file: PathBuf,
    /// The clients and users are in the order of their ids.
    documents: TenantDocuments,
    /// The ids of users by their email addresses in lower case.
    by_email: HashMap<String, Vec<String>>,
}

/// A tenant file with the documents of its tenant if it has a Management API, or all errors in it; and the files that it names.
pub type ManagedTenantFile = (Result<(TenantFile, Option<FileTenant>), TenantFileError>, Vec<PathBuf>);

/// Reads tenant files on all cores, each as [`tenant_file::load`] does. `environment` gives the value of `${env:NAME}`; the paths of
/// `${file:PATH}` are relative to the folder of the tenant file. The results are in the order of the paths. The documents of tenants
/// without management keys are not kept: nobody may read them.
pub fn load_managed(
    paths: &[PathBuf],
    environment: &(dyn Fn(&str) -> Option<String> + Sync),
) -> Vec<ManagedTenantFile> {
    let read = tenant_file::load_all(paths, environment, &taken);
    let with_path = |(path, (read, files)): (&PathBuf, tenant_file::ReadWith<Option<FileTenant>>)| {
        let named = |(read, tenant): (TenantFile, Option<FileTenant>)| {
            (read, tenant.map(|tenant| FileTenant { file: path.clone(), ..tenant }))
        };
        (read.map(named), files)
    };
    paths.iter().zip(read).map(with_path).collect()
}

fn taken(root: &Node, data: &TenantData) -> Result<Option<FileTenant>, FieldErrors> {
    if data.tenant.management_keys.is_empty() {
        return Ok(None);
    }
    let mut documents = tenant_documents::of_tree(root, data)?;
    for entries in [&mut documents.clients, &mut documents.users] {
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    let mut by_email: HashMap<String, Vec<String>> = HashMap::new();
    for (id, user) in &data.users {
        if let Some(email) = user.profile.get("email").and_then(|email| email.as_str()) {
            by_email.entry(email.to_lowercase()).or_default().push(id.clone());
        }
    }
    by_email.values_mut().for_each(|ids| ids.sort());
    Ok(Some(FileTenant { file: PathBuf::new(), documents, by_email }))
}

impl FileTenants {
    /// These tenants.
    pub fn new(tenants: Vec<FileTenant>) -> Self {
        let held = Self::default();
        held.replace(tenants);
        held
    }

    /// Replaces all tenants at once.
    pub fn replace(&self, tenants: Vec<FileTenant>) {
        let by_domain = tenants.into_iter().map(|tenant| (tenant.documents.domain.clone(), Arc::new(tenant)));
        self.0.store(Arc::new(by_domain.collect()));
    }

    /// The tenant with this domain.
    pub fn tenant(&self, domain: &str) -> Option<Arc<FileTenant>> {
        self.0.load().get(domain).cloned()
    }
}

impl FileTenant {
    /// Where it was read.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The tenant without its clients and users.
    pub fn document(&self) -> &Document {
        &self.documents.tenant
    }

    /// The clients with their ids, in the order of these.
    pub fn clients(&self) -> &[(String, Document)] {
        &self.documents.clients
    }

    /// The users with their ids, in the order of these.
    pub fn users(&self) -> &[(String, Document)] {
        &self.documents.users
    }

    /// The client with this id.
    pub fn client(&self, client_id: &str) -> Option<&Document> {
        find(self.clients(), client_id)
    }

    /// The user with this id.
    pub fn user(&self, user_id: &str) -> Option<&Document> {
        find(self.users(), user_id)
    }

    /// The ids of the users with this email address, in whichever case it is written, in order.
    pub fn users_by_email(&self, email: &str) -> &[String] {
        self.by_email.get(&email.to_lowercase()).map(Vec::as_slice).unwrap_or_default()
    }
}

fn find<'a>(entries: &'a [(String, Document)], id: &str) -> Option<&'a Document> {
    let place = entries.binary_search_by(|(known, _)| known.as_str().cmp(id)).ok()?;
    entries.get(place).map(|(_, document)| document)
}
