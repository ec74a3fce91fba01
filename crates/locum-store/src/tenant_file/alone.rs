//! One entry of a tenant file alone: the tenant without its clients and users, a client, or a user. Pointers are relative
//! to the entry.

use locum_engine::model::{Client, Tenant, User};
use serde::de::DeserializeOwned;

use crate::tenant_file::field_error::{FieldError, FieldErrors};
use crate::tenant_file::model::{ClientEntry, TenantEntry, UserEntry};
use crate::tenant_file::node::Node;
use crate::tenant_file::reader::{self, LeftOut};
use crate::tenant_file::{build, management};

/// The fields that a client may have.
pub(crate) const CLIENT_FIELDS: &[&str] = ClientEntry::FIELDS;

/// What is read, or all errors in it.
type Read<T> = Result<T, Vec<FieldError>>;

/// The tenant, and whether it is the default.
pub(crate) fn tenant(entry: &Node) -> Read<(Tenant, bool)> {
    read(entry, |entry: TenantEntry, errors| {
        let is_default = entry.default;
        let grants = management::grants_by_id(&entry, errors);
        let mut tenant = build::tenant_alone(entry, errors);
        tenant.management_grants = grants;
        (tenant, is_default)
    })
}

/// A client of this tenant.
pub(crate) fn client(entry: &Node, tenant: &Tenant) -> Read<Client> {
    let signs =
        !tenant.signing_keys.is_empty() || tenant.former_issuers.iter().any(|issuer| issuer.keys.is_some());
    read(entry, |entry: ClientEntry, errors| {
        management::check_names(&entry, &tenant.management_audience(), "", errors);
        build::client(entry, "", signs, &tenant.management_grants, errors)
    })
}

/// A user with its id.
pub(crate) fn user(entry: &Node) -> Read<(String, User)> {
    read(entry, |entry: UserEntry, errors| build::user(entry, "", errors))
}

fn read<E: DeserializeOwned, T>(entry: &Node, build: impl FnOnce(E, &mut FieldErrors) -> T) -> Read<T> {
    let (read, type_errors) = reader::read_all::<E>(entry, LeftOut::new());
    let mut errors: Vec<FieldError> =
        type_errors.into_iter().map(|error| FieldError::new(error.pointer(), error.message)).collect();
    let Some(read) = read else { return Err(errors) };
    let mut build_errors = FieldErrors::default();
    let built = build(read, &mut build_errors);
    let FieldErrors(found) = build_errors;
    let follows = |found: &FieldError| errors.iter().any(|error| found.is_at_or_around(error));
    let independent: Vec<FieldError> = found.into_iter().filter(|found| !follows(found)).collect();
    errors.extend(independent);
    if errors.is_empty() { Ok(built) } else { Err(errors) }
}
