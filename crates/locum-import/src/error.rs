//! Why an import stops. Each message says what to add or correct, and where.

use crate::printable;

/// Why nothing was imported.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// A file of the export, or one named on the command line, cannot be used.
    #[error("{file}: {why}")]
    File {
        /// The path, as shown.
        file: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The folder is no export.
    #[error(
        "{0}: it has neither tenant.yaml nor a folder `clients`; name the folder into which `a0deploy export` wrote, and have it export `clients` and `tenant`"
    )]
    NoExport(String),
    /// The clients have no ids.
    #[error(
        "{} of {of} clients have no client_id ({}); add to config.json\n    \"AUTH0_EXPORT_IDENTIFIERS\": true\nand export again, or give the response of GET /api/v2/clients with --clients",
        .without.len(), names(.without)
    )]
    IdsMissing {
        /// The names of the clients without an id.
        without: Vec<String>,
        /// How many clients the export has.
        of: usize,
    },
    /// The clients have no secrets.
    #[error(
        "no client has a client_secret; add to config.json\n    \"INCLUDED_PROPS\": {{ \"clients\": [\"client_secret\"] }}\nand export again with a program that has the scope read:client_keys, or give the response of GET /api/v2/clients with --clients"
    )]
    SecretsMissing,
    /// Two clients cannot be told apart.
    #[error(
        "{what}: two clients are called {}, so their ids cannot be found by name; add to config.json\n    \"AUTH0_EXPORT_IDENTIFIERS\": true\nand export again",
        printable(.name)
    )]
    NameTwice {
        /// Where both are.
        what: String,
        /// Their name.
        name: String,
    },
    /// Two clients have one id.
    #[error("two clients of the export have the client_id {}; remove one of them", printable(.0))]
    IdTwice(String),
    /// A value would be read as a reference.
    #[error(
        "client {}: its field {} contains `${{`, which the tenant file reads as a reference; change the value at Auth0 and export again",
        printable(.client), printable(.field)
    )]
    Reference {
        /// The client's name and id.
        client: String,
        /// The field.
        field: String,
    },
    /// A marker of the export is not in the config.
    #[error(
        "client {}: its field {} contains the marker {}, which was not replaced; give config.json with --config, and in it this key under AUTH0_KEYWORD_REPLACE_MAPPINGS",
        printable(.client), printable(.field), printable(.marker)
    )]
    Marker {
        /// The client's name and id.
        client: String,
        /// The field.
        field: String,
        /// The marker.
        marker: String,
    },
    /// The domain is no host name.
    #[error(
        "--domain {}: write the host name on which Locum will answer, without scheme, port and path",
        printable(.0)
    )]
    Domain(String),
    /// No client would be left.
    #[error("none of the {0} clients can use delegation or be its target; there is nothing to import")]
    NothingToImport(usize),
    /// No client can be a target.
    #[error("no plugin serves `app`, which every client is a target of; install the plugin app and pin it")]
    NoAppIssuer,
    /// What was made of the export is refused as a whole.
    #[error("the tenant file that was made of the export is refused: {}", printable(.0))]
    Refused(String),
    /// The key was not made.
    #[error("a signing key cannot be made: {0}")]
    SigningKey(String),
}

impl ImportError {
    pub(crate) fn file(file: impl Into<String>, why: impl Into<String>) -> Self {
        Self::File { file: printable(&file.into()), why: printable(&why.into()) }
    }
}

/// The first names, for a message.
fn names(all: &[String]) -> String {
    let mut shown: Vec<String> = all.iter().take(5).map(|name| printable(name)).collect();
    if all.len() > shown.len() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}
