//! The signature of a service SAS and the query that contains it, without input or output.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use locum_plugin::percent::query_string;
use locum_plugin::prelude::*;
use locum_plugin::signing::HmacKey;

use crate::name::{BlobName, ContainerName};

/// The version of the storage service that defines how the SAS is signed and read. Azure still supports old versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize, JsonSchema)]
pub(crate) enum ServiceVersion {
    /// The version that Auth0 used.
    #[serde(rename = "2014-02-14")]
    V2014_02_14,
    #[serde(rename = "2015-04-05")]
    V2015_04_05,
    #[serde(rename = "2018-03-28")]
    V2018_03_28,
    #[serde(rename = "2018-11-09")]
    V2018_11_09,
    #[serde(rename = "2020-12-06")]
    V2020_12_06,
    #[default]
    #[serde(rename = "2022-11-02")]
    V2022_11_02,
    #[serde(rename = "2024-11-04")]
    V2024_11_04,
    #[serde(rename = "2025-11-05")]
    V2025_11_05,
}

impl ServiceVersion {
    const fn name(self) -> &'static str {
        match self {
            Self::V2014_02_14 => "2014-02-14",
            Self::V2015_04_05 => "2015-04-05",
            Self::V2018_03_28 => "2018-03-28",
            Self::V2018_11_09 => "2018-11-09",
            Self::V2020_12_06 => "2020-12-06",
            Self::V2022_11_02 => "2022-11-02",
            Self::V2024_11_04 => "2024-11-04",
            Self::V2025_11_05 => "2025-11-05",
        }
    }
}

/// A storage account that signs.
pub(crate) struct Account {
    pub(crate) name: String,
    pub(crate) key: HmacKey,
    pub(crate) version: ServiceVersion,
}

/// The container or blob that a signature gives access to.
pub(crate) struct Resource {
    pub(crate) container: ContainerName,
    /// `None` for the whole container.
    pub(crate) blob: Option<BlobName>,
}

/// Permissions and times of a signature.
pub(crate) enum Terms<'a> {
    /// Those of a stored access policy, by its id. A signature must not state them again.
    Policy(&'a str),
    /// Those given here. Times are RFC 3339 in UTC, in whole seconds.
    Stated { permissions: &'a str, starts: String, expires: String },
}

impl Account {
    /// The query that gives access, without a leading `?`. Its fields are in the order that Auth0 used.
    pub(crate) fn sign(&self, resource: &Resource, terms: &Terms<'_>) -> String {
        let signature = STANDARD.encode(self.key.sign(self.string_to_sign(resource, terms).as_bytes()));
        let version = self.version.name();
        let kind = kind_of(resource);
        match terms {
            Terms::Policy(policy) => {
                query_string(&[("sv", version), ("si", policy), ("sr", kind), ("sig", &signature)])
            }
            Terms::Stated { permissions, starts, expires } => query_string(&[
                ("st", starts),
                ("se", expires),
                ("sp", permissions),
                ("sv", version),
                ("sr", kind),
                ("sig", &signature),
            ]),
        }
    }

    /// The text that is signed: fields joined by line feeds. Which fields, depends on the version.
    fn string_to_sign(&self, resource: &Resource, terms: &Terms<'_>) -> String {
        let path = self.canonical_path(resource);
        let (permissions, starts, expires, policy) = match terms {
            Terms::Policy(policy) => ("", "", "", *policy),
            Terms::Stated { permissions, starts, expires } => {
                (*permissions, starts.as_str(), expires.as_str(), "")
            }
        };
        let mut fields = vec![permissions, starts, expires, &path, policy];
        if self.version >= ServiceVersion::V2015_04_05 {
            // Client addresses and protocols are not restricted.
            fields.extend(["", ""]);
        }
        fields.push(self.version.name());
        if self.version >= ServiceVersion::V2018_11_09 {
            // The kind of resource, and no snapshot.
            fields.extend([kind_of(resource), ""]);
        }
        if self.version >= ServiceVersion::V2020_12_06 {
            // No encryption scope.
            fields.push("");
        }
        // No response header is overridden: cache control, disposition, encoding, language, type.
        fields.extend([""; 5]);
        fields.join("\n")
    }

    fn canonical_path(&self, resource: &Resource) -> String {
        let service = if self.version >= ServiceVersion::V2015_04_05 { "/blob" } else { "" };
        let container = resource.container.as_str();
        match &resource.blob {
            Some(blob) => [service, "/", &self.name, "/", container, "/", blob.as_str()].concat(),
            None => [service, "/", &self.name, "/", container].concat(),
        }
    }
}

const fn kind_of(resource: &Resource) -> &'static str {
    match resource.blob {
        Some(_) => "b",
        None => "c",
    }
}
