//! The documents of tenants in files, for those that have a Management API.

use std::fs;

use locum_store::documents::{FileTenants, from_tenant_file, load_managed};
use locum_store::tenant_file::References;
use tempfile::tempdir;

const MANAGED: &str = "domain: acme.example.com\n\
    management: {keys: [a management key of at least thirty-two bytes]}\n\
    clients: [{client_id: two, name: Two}, {client_id: one}]\n\
    users: [{user_id: b, email: B@acme.example}, {user_id: c, email: b@ACME.example}, {user_id: a}]\n";

#[test]
fn only_a_tenant_with_management_keys_has_documents() {
    let folder = tempdir().unwrap();
    let without = "domain: globex.example.com\nclients: [{client_id: one}]\n";
    let paths = [("acme.yaml", MANAGED), ("globex.yaml", without), ("broken.yaml", "domain: 5\n")].map(
        |(name, text)| {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        },
    );
    let mut read = load_managed(&paths, &|_| None).into_iter().map(|(read, _)| read);
    let acme = read.next().unwrap().unwrap().1.unwrap();
    assert!(read.next().unwrap().unwrap().1.is_none());
    assert!(read.next().unwrap().is_err());

    assert_eq!(acme.file(), paths[0]);
    let (documents, _) =
        from_tenant_file(MANAGED, "acme.yaml", &References::new(&|_| None, folder.path())).unwrap();
    assert_eq!(acme.document(), &documents.tenant);
    let ids = |entries: &[(String, _)]| entries.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    assert_eq!(
        (ids(acme.clients()), ids(acme.users())),
        (vec!["one".into(), "two".into()], vec!["a".into(), "b".into(), "c".into()])
    );
    assert_eq!(acme.client("two"), Some(&documents.clients[0].1));
    assert_eq!(acme.user("a"), Some(&documents.users[2].1));
    assert!(acme.client("three").is_none() && acme.user("one").is_none());
    assert_eq!(acme.users_by_email("b@acme.EXAMPLE"), ["b", "c"]);
    assert!(acme.users_by_email("a@acme.example").is_empty());

    let served = FileTenants::new(vec![acme]);
    assert!(served.tenant("acme.example.com").is_some() && served.tenant("globex.example.com").is_none());
    served.replace(Vec::new());
    assert!(served.tenant("acme.example.com").is_none());
}
