//! From issuer types to a plugin: the manifest and the export macro.

use locum_abi::answer::Failure;
use locum_abi::boundary::IssuerBox;
use locum_abi::configuration::Configuration;
use locum_abi::manifest::{IssuerManifest, Manifest};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::boundary::configured;
use crate::issuer::Issuer;

/// Who a plugin is. [`export_plugin!`](crate::export_plugin) fills it, in part from `Cargo.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// The plugin's name.
    pub name: &'static str,
    /// The crate's version.
    pub version: &'static str,
    /// The person or organisation that maintains it.
    pub vendor: &'static str,
    /// One sentence for operators: the crate's description.
    pub description: &'static str,
}

/// A type that implements [`Issuer`], as functions.
pub struct IssuerType {
    serves: fn(&str) -> bool,
    manifests: fn() -> Vec<IssuerManifest>,
    /// Configures an issuer of this type.
    pub configure: fn(Configuration) -> Result<IssuerBox, Failure>,
}

impl IssuerType {
    /// The functions of the type `T`.
    pub const fn of<T: Issuer>() -> Self {
        Self { serves: serves::<T>, manifests: manifests::<T>, configure: configured::<T> }
    }

    /// Whether it serves this api_type.
    pub fn serves(&self, api_type: &str) -> bool {
        (self.serves)(api_type)
    }
}

/// The manifest that the code states.
pub fn manifest(identity: Identity, types: &[IssuerType]) -> Manifest {
    let issuers = types.iter().flat_map(|issuer| (issuer.manifests)()).collect();
    let mut manifest = Manifest::new(identity.name, issuers);
    identity.version.clone_into(&mut manifest.version);
    identity.vendor.clone_into(&mut manifest.vendor);
    identity.description.clone_into(&mut manifest.description);
    manifest
}

fn serves<T: Issuer>(api_type: &str) -> bool {
    T::api_types().iter().any(|served| served.name() == api_type)
}

fn manifests<T: Issuer>() -> Vec<IssuerManifest> {
    let settings = schema_of::<T::Settings>();
    let parameters = schema_of::<T::Parameters>();
    T::api_types()
        .into_iter()
        .map(|served| served.into_manifest(settings.clone(), parameters.clone()))
        .collect()
}

fn schema_of<S: schemars::JsonSchema>() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .with(|settings| {
            settings.meta_schema = None;
            settings.inline_subschemas = true;
        })
        .into_generator()
        .into_root_schema_for::<S>();
    // The name of the Rust type means nothing to an operator.
    schema.remove("title");
    let mut schema = schema.to_value();
    unwrap_descriptions(&mut schema);
    schema
}

/// Doc comments have line breaks where the source has them; operators read them elsewhere.
fn unwrap_descriptions(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(description)) = members.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            members.values_mut().for_each(unwrap_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(unwrap_descriptions),
        _ => {}
    }
}

/// Exports a plugin. `name` is the plugin's first api_type, `vendor` the person or organisation that maintains it, and
/// `issuers` lists the types that implement [`Issuer`].
///
/// Version and description come from the crate's `Cargo.toml`. The manifest is the file `manifest.json` beside it. This
/// macro adds a test that compares the file with the code; with `LOCUM_BLESS=1` the test writes the file.
#[macro_export]
macro_rules! export_plugin {
    (name: $name:literal, vendor: $vendor:literal, issuers: [$($issuer:ty),+ $(,)?] $(,)?) => {
        #[doc(hidden)]
        mod __locum_plugin {
            use super::*;

            const TYPES: &[$crate::exported::IssuerType] = &[$($crate::exported::IssuerType::of::<$issuer>()),+];

            pub(super) fn manifest() -> $crate::abi::manifest::Manifest {
                let identity = $crate::exported::Identity {
                    name: $name,
                    version: env!("CARGO_PKG_VERSION"),
                    vendor: $vendor,
                    description: env!("CARGO_PKG_DESCRIPTION"),
                };
                $crate::exported::manifest(identity, TYPES)
            }

            fn make(
                configuration: $crate::abi::configuration::Configuration,
            ) -> Result<$crate::abi::boundary::IssuerBox, $crate::Failure> {
                match TYPES.iter().find(|issuer| issuer.serves(&configuration.api_type)) {
                    Some(issuer) => (issuer.configure)(configuration),
                    None => Err($crate::exported::unknown_api_type(&configuration.api_type)),
                }
            }

            extern "C" fn describe() -> $crate::abi::boundary::OwnedBytes {
                $crate::exported::describe(manifest)
            }

            extern "C" fn create(
                input: $crate::abi::boundary::BorrowedBytes<'_>,
            ) -> $crate::abi::boundary::CallResult<$crate::abi::boundary::IssuerBox> {
                $crate::exported::create(input, make)
            }

            #[cfg(not(test))]
            const MANIFEST_FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
            // The test that writes the file must compile before the file exists.
            #[cfg(test)]
            const MANIFEST_FILE: &str = "{}";

            $crate::abi::export_module! {
                describe: describe,
                create: create,
                manifest: MANIFEST_FILE,
            }
        }

        #[cfg(test)]
        #[test]
        fn manifest_json_says_what_the_code_says() {
            $crate::testing::assert_manifest_file(
                concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"),
                &__locum_plugin::manifest(),
            );
        }
    };
}
