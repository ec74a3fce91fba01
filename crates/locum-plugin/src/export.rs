//! From issuer types to a plugin: the manifest and the export macro.

use locum_abi::answer::Failure;
use locum_abi::configuration::Configuration;
use locum_abi::ffi::IssuerBox;
use locum_abi::manifest::{CONTRACT, IssuerManifest, Manifest};
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::border::ready;
use crate::issuer::Issuer;

/// Who a plugin is; filled by [`export_plugin!`](crate::export_plugin) from `Cargo.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Identity {
    /// The plugin's name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Who answers for it.
    pub vendor: &'static str,
    /// One sentence for operators.
    pub description: &'static str,
}

/// An issuer type, erased.
pub struct IssuerType {
    serves: fn(&str) -> bool,
    manifests: fn() -> Vec<IssuerManifest>,
    /// Makes an issuer of this type ready.
    pub ready: fn(Configuration) -> Result<IssuerBox, Failure>,
}

impl IssuerType {
    /// The type `T`.
    pub const fn of<T: Issuer>() -> Self {
        Self { serves: serves::<T>, manifests: manifests::<T>, ready: ready::<T> }
    }

    /// Whether it serves this api_type.
    pub fn serves(&self, api_type: &str) -> bool {
        (self.serves)(api_type)
    }
}

/// The manifest that the code states.
pub fn manifest(identity: Identity, types: &[IssuerType]) -> Manifest {
    Manifest {
        contract: CONTRACT,
        name: identity.name.to_owned(),
        version: identity.version.to_owned(),
        vendor: identity.vendor.to_owned(),
        description: identity.description.to_owned(),
        issuers: types.iter().flat_map(|issuer| (issuer.manifests)()).collect(),
    }
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
    // The Rust type's name says nothing to an operator.
    schema.remove("title");
    let mut schema = schema.to_value();
    unwrap_descriptions(&mut schema);
    schema
}

/// Doc comments are broken at the width of the source; operators read them elsewhere.
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

/// Exports a plugin: `name` and `vendor` for people, `issuers` the types that implement [`Issuer`].
///
/// The version and the description come from the crate's `Cargo.toml`; the manifest must stand in `manifest.json`
/// beside it. A test that this macro adds compares it with the code and, with `LOCUM_BLESS=1`, writes it.
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
            ) -> Result<$crate::abi::ffi::IssuerBox, $crate::Failure> {
                match TYPES.iter().find(|issuer| issuer.serves(&configuration.api_type)) {
                    Some(issuer) => (issuer.ready)(configuration),
                    None => Err($crate::exported::missing_api_type(&configuration.api_type)),
                }
            }

            extern "C" fn describe() -> $crate::abi::ffi::RVec<u8> {
                $crate::exported::describe(manifest)
            }

            extern "C" fn create(
                input: $crate::abi::ffi::RSlice<'_, u8>,
            ) -> $crate::abi::ffi::RResult<$crate::abi::ffi::IssuerBox, $crate::abi::ffi::RVec<u8>> {
                $crate::exported::create(input, make)
            }

            #[cfg(not(test))]
            const MANIFEST_FILE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/manifest.json"));
            // The test that writes the file must compile before there is one.
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
