//! `management` and `clientGrants` of a tenant file: who gets management tokens, and which keys are refused.

use locum_engine::model::{
    Client, ClientAuthentication, ClientKey, ClientSecret, ManagementKey, SecretDigest,
};
use locum_store::tenant_file::TenantFile;
use locum_store::{TenantData, TenantSet, TenantSetError};
use locum_testing::{ACME, GLOBEX, ScriptedIssuers, both_tenants, client_of};

use crate::tenant_file::read_text;

const KEY: &str = "a management key of at least thirty-two bytes";
const AUDIENCE: &str = "https://acme.example.com/api/v2/";

/// A file with these lines after two clients: `one`, called `Worker`, and `two`.
fn file(lines: &str) -> Result<TenantFile, String> {
    read_text(&format!(
        "domain: Acme.example.com\nclients:\n  - {{client_id: one, name: Worker, client_secret: {SECRET}}}\n  \
         - {{client_id: two, client_secret: {SECRET}}}\n{lines}"
    ))
}

const SECRET: &str = "the secret of a client of more than thirty-two bytes";

fn grant(grant: &str) -> Result<TenantFile, String> {
    file(&format!("management: {{keys: [{KEY}]}}\nclientGrants:\n  - {{{grant}}}\n"))
}

/// The scopes of the clients `one` and `two`.
fn scopes(file: Result<TenantFile, String>) -> [Vec<String>; 2] {
    let file = file.unwrap();
    let of = |id: &str| {
        let client = file.data.clients.iter().find(|client| client.id == id).unwrap();
        client.management_scopes.clone()
    };
    [of("one"), of("two")]
}

fn warnings(file: Result<TenantFile, String>) -> Vec<String> {
    file.unwrap().warnings.iter().map(|warning| warning.message.clone()).collect()
}

#[test]
fn a_grant_for_the_management_api_names_its_client_by_id_or_by_name() {
    let granted = [vec!["read:users".to_owned(), "anything:else".to_owned()], Vec::new()];
    let scope = "scope: [read:users, anything:else]";
    for named in ["one", "Worker"] {
        let file = grant(&format!("client_id: {named}, audience: {AUDIENCE}, {scope}"));
        assert_eq!(warnings(grant(&format!("client_id: {named}, audience: {AUDIENCE}, {scope}"))), [""; 0]);
        assert_eq!(scopes(file), granted, "{named}");
    }
    // What newer exports have besides.
    let further = "id: cgr_1, organization_usage: deny, allow_any_organization: false, subject_type: client";
    assert_eq!(scopes(grant(&format!("client_id: one, audience: {AUDIENCE}, {scope}, {further}"))), granted);
    assert_eq!(scopes(file("")), [[""; 0]; 2]);
}

#[test]
fn grants_for_anything_else_are_ignored() {
    for other in [
        "client_id: one, audience: https://acme.example.com/api/v2, scope: [a]",
        "client_id: one, audience: https://globex.example.com/api/v2/, scope: [a]",
        "client_id: nobody, audience: https://api.example.com/, scope: [a]",
        "client_id: one, audience: https://acme.eu.auth0.com/api/v2/, scope: [a]",
        &format!("client_id: one, audience: {AUDIENCE}, subject_type: user, scope: [a]"),
        "client_id: nobody",
    ] {
        assert_eq!(scopes(grant(other)), [[""; 0]; 2], "{other}");
    }
}

#[test]
fn a_grant_of_an_unknown_client_is_refused_with_its_line() {
    let unknown = "tenant.yaml:7:17: it names no client of this tenant, neither by an id nor by a name that only one has; \
                   correct or remove it (at /clientGrants/0/client_id)";
    for named in ["nobody", "worker"] {
        assert_eq!(grant(&format!("client_id: {named}, audience: {AUDIENCE}")).unwrap_err(), unknown);
    }
    let two = "domain: acme.example.com\nclients:\n  - {client_id: one, name: Same}\n  - {client_id: two, name: Same}\n";
    let by_name = format!("{two}clientGrants: [{{client_id: Same, audience: {AUDIENCE}, scope: [a]}}]\n");
    assert!(read_text(&by_name).unwrap_err().contains("it names no client of this tenant"));
    let id_of_one = by_name.replace("client_id: two", "client_id: Same");
    let file = read_text(&id_of_one).unwrap();
    assert!(
        file.data.clients.iter().all(|client| client.management_scopes.is_empty() == (client.id == "one"))
    );
}

#[test]
fn a_grant_has_scopes_and_is_the_only_one_of_its_client() {
    for (scope, pointer) in [("a b", 0), ("", 0), ("a\\\\b", 0), ("\u{e4}", 0)] {
        let refused =
            grant(&format!("client_id: one, audience: {AUDIENCE}, scope: [\"{scope}\"]")).unwrap_err();
        let expected = format!(
            "write one scope without spaces, such as read:users (at /clientGrants/0/scope/{pointer})"
        );
        assert!(refused.ends_with(&expected), "{refused}");
    }
    let twice = format!(
        "clientGrants:\n  - {{client_id: one, audience: {AUDIENCE}, scope: [a]}}\n  \
         - {{client_id: Worker, audience: {AUDIENCE}, scope: [b]}}\n"
    );
    assert!(file(&twice).unwrap_err().contains("this client has two grants for the Management API"));
    assert!(file(&twice.replace("client_id: Worker", "client_id: two")).is_ok());
    assert!(file(&twice.replace("scope: [b]", "subject_type: user")).is_ok());
}

#[test]
fn grant_types_must_name_the_grant_if_there_are_any() {
    let with = |field: &str| {
        let text = format!(
            "domain: acme.example.com\nmanagement: {{keys: [{KEY}]}}\nclients:\n  - client_id: one\n    client_secret: {SECRET}\n    \
             {field}\n  - client_id: two\nclientGrants: [{{client_id: one, audience: {AUDIENCE}, scope: [a]}}]\n"
        );
        let file = read_text(&text).unwrap();
        let warned = file.warnings.iter().map(|warning| warning.message.clone()).collect::<Vec<_>>();
        (file.data.clients[0].management_scopes.len(), warned)
    };
    assert_eq!(with("name: x"), (1, vec![]));
    assert_eq!(with("grant_types: [implicit, client_credentials]"), (1, vec![]));
    let (count, warned) = with("grant_types: [implicit]");
    assert_eq!(count, 0);
    assert_eq!(
        warned,
        [
            "client one gets no management tokens: its grant_types lack client_credentials; add it, or remove the grant"
        ]
    );
    let (_, warned) = with("token_endpoint_auth_method: none");
    assert_eq!(
        warned,
        [
            "client one gets no management tokens: it does not authenticate; give it a client_secret or jwks, or remove the grant"
        ]
    );
}

#[test]
fn a_management_key_is_long_and_nothing_else() {
    let keys = |keys: &str| file(&format!("management:\n  keys: [{keys}]\n"));
    let read = keys(&format!("{KEY}, \"{KEY} \"")).unwrap().data.tenant.management_keys;
    let texts: Vec<&str> = read.iter().map(|key| key.secret().expose()).collect();
    assert_eq!(texts, [KEY.to_owned(), format!("{KEY} ")]);
    assert!(file("").unwrap().data.tenant.management_keys.is_empty());
    for (text, refusal) in [
        (
            "short-key-of-thirty-one-bytes-01".get(1..).unwrap().to_owned(),
            "a management key has at least 32 bytes; write a longer random one, as `openssl rand -hex 32` makes it (at /management/keys/0)",
        ),
        (
            SECRET.to_owned(),
            "it is the secret of a client, who could make management tokens with it; write another key (at /management/keys/0)",
        ),
        (format!("{KEY}, {KEY}"), "this key is in the list twice; remove one (at /management/keys/1)"),
        (String::new(), "write at least one key, or leave `management` out (at /management/keys)"),
    ] {
        let refused = keys(&text).unwrap_err();
        assert!(refused.ends_with(refusal), "{refused}");
        assert!(text.is_empty() || !refused.contains(&text), "{refused}");
    }
    assert!(keys("\"short-key-of-thirty-two-bytes-01\"").is_ok());
    assert!(file("management: {}\n").unwrap_err().contains("write at least one key"));
    let unknown = file(&format!("management: {{keys: [{KEY}], listen: x}}\n")).unwrap_err();
    assert!(unknown.contains("unknown field `listen`"), "{unknown}");
}

#[test]
fn the_bytes_that_a_secret_encodes_are_no_key_either() {
    // The decoded secret is the key.
    let encoded = "YSBtYW5hZ2VtZW50IGtleSBvZiBhdCBsZWFzdCB0aGlydHktdHdvIGJ5dGVz";
    let with = |key: &str, is_encoded: bool| {
        read_text(&format!(
            "domain: acme.example.com\nmanagement: {{keys: [{key}]}}\nclients:\n  - client_id: one\n    client_secret: {encoded}\n    \
             jwt_configuration: {{secret_encoded: {is_encoded}}}\n"
        ))
        .map(drop)
    };
    for (key, is_encoded) in [(KEY, true), (KEY, false), (encoded, true), (encoded, false)] {
        assert!(with(key, is_encoded).unwrap_err().contains("it is the secret of a client"), "{key}");
    }
    assert_eq!(with(&KEY.replace("management", "other"), true), Ok(()));
}

#[test]
fn a_key_of_the_environment_that_is_not_set_is_one_error() {
    let refused = file("management: {keys: [\"${env:LOCUM_MANAGEMENT_KEY}\"]}\n").unwrap_err();
    assert_eq!(
        refused,
        "tenant.yaml:5:21: the environment variable LOCUM_MANAGEMENT_KEY is not set; set it before starting locum (at /management/keys/0)"
    );
    let set = read_text("domain: a.example\nmanagement: {keys: [\"${env:SPA_SECRET}, and twelve more\"]}\n")
        .unwrap();
    assert_eq!(set.data.tenant.management_keys[0].secret().expose(), "from the environment, and twelve more");
}

#[test]
fn no_client_and_no_resource_is_called_as_the_audience() {
    let taken = "this is the audience of the tenant's Management API; choose another name";
    let with = |line: &str| read_text(&format!("domain: ACME.example.com\nclients:\n  - {line}\n")).map(drop);
    let id = with(&format!("{{client_id: \"{AUDIENCE}\"}}")).unwrap_err();
    assert_eq!(id, format!("tenant.yaml:3:17: {taken} (at /clients/0/client_id)"));
    let resource = with(&format!("{{client_id: one, resources: [\"urn:a\", \"{AUDIENCE}\"]}}")).unwrap_err();
    assert!(resource.ends_with(&format!("{taken} (at /clients/0/resources/1)")), "{resource}");
    assert_eq!(with("{client_id: one, resources: [\"https://acme.example.com/api/v3/\"]}"), Ok(()));
    assert_eq!(with("{client_id: \"https://globex.example.com/api/v2/\"}"), Ok(()));
}

fn conflicts(change: impl FnOnce(&mut TenantData, &mut TenantData)) -> Vec<TenantSetError> {
    let [mut acme, mut globex] = both_tenants();
    acme.tenant.management_keys = vec![ManagementKey::new(KEY.into()).unwrap()];
    change(&mut acme, &mut globex);
    let tenants = vec![acme, globex];
    let found = TenantSet::conflicts(&tenants);
    let prepared = TenantSet::prepare(tenants, &ScriptedIssuers::default());
    assert_eq!(prepared.err().as_ref(), found.first());
    found
}

fn shared(domain: &str, other: &str) -> Vec<TenantSetError> {
    vec![TenantSetError::ManagementKeyShared { domain: domain.to_owned(), other: other.to_owned() }]
}

#[test]
fn no_client_of_any_tenant_and_no_other_tenant_has_a_management_key() {
    assert_eq!(conflicts(|_, _| {}), []);
    let keys = |text: &str| vec![ManagementKey::new(text.into()).unwrap()];
    let of_acme = format!("as a management key of {ACME}");
    assert_eq!(conflicts(|_, globex| globex.tenant.management_keys = keys(KEY)), shared(GLOBEX, &of_acme));
    assert_eq!(conflicts(|_, globex| globex.tenant.management_keys = keys(&format!("{KEY}."))), []);
    assert_eq!(conflicts(|acme, _| acme.tenant.management_keys.extend(keys(KEY))), shared(ACME, &of_acme));
    let changes: [fn(&mut Client, &str); 3] = [
        |client, text| client.key = ClientKey::Secret(ClientSecret::new(&text.into(), false).unwrap()),
        |client, text| client.authentication = ClientAuthentication::Secret(SecretDigest::of(&text.into())),
        |client, text| drop(client.app.settings.insert("secret".to_owned(), text.into())),
    ];
    for change in changes {
        for domain in [ACME, GLOBEX] {
            let with = |text: &str| {
                conflicts(|acme, globex| {
                    change(client_of(if domain == ACME { acme } else { globex }, "api"), text);
                })
            };
            assert_eq!(with(KEY), shared(ACME, &format!("as the secret of the client api of {domain}")));
            assert_eq!(with(&KEY[1..]), []);
        }
    }
}

#[test]
fn the_audience_is_reserved_whoever_made_the_tenant() {
    let taken = |client_id: &str| {
        vec![TenantSetError::ManagementAudience { domain: ACME.to_owned(), client_id: client_id.to_owned() }]
    };
    assert_eq!(conflicts(|acme, _| _ = client_of(acme, AUDIENCE)), taken(AUDIENCE));
    let resource = |acme: &mut TenantData, text: &str| client_of(acme, "api").resources.push(text.to_owned());
    assert_eq!(conflicts(|acme, _| resource(acme, AUDIENCE)), taken("api"));
    assert_eq!(conflicts(|acme, _| resource(acme, "https://acme.example.com/api/v2")), []);
    assert_eq!(conflicts(|_, globex| _ = client_of(globex, AUDIENCE)), [], "it is another tenant's");
}
