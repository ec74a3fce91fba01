//! The plugin spec that a run uses.

use locum_abi::manifest::Manifest;
use serde_json::{Map, Value};

use crate::fixtures::load::Fixtures;
use crate::fixtures::plugin_spec::PluginSpec;
use crate::options::{Options, SetupError};
use crate::running::completeness::missing_by_manifest;

/// The plugin spec of the fixtures, with the settings of the options if there are any.
///
/// # Errors
/// Neither a spec nor settings, or a spec that lacks one of the plugin's api_types or what it needs.
pub(crate) fn spec_for(
    options: &Options,
    fixtures: &Fixtures,
    manifest: &Manifest,
) -> Result<PluginSpec, SetupError> {
    let spec = match (fixtures.spec(&manifest.name), &options.settings) {
        (Some(spec), _) => spec.clone(),
        (None, Some(_)) => PluginSpec::bare(manifest),
        (None, None) => return Err(SetupError::NoPluginSpec(manifest.name.clone())),
    };
    complete(spec, manifest, options.settings.as_ref())
}

/// The spec with these settings, if there are any, and an entry for every api_type.
fn complete(
    mut spec: PluginSpec,
    manifest: &Manifest,
    settings: Option<&Map<String, Value>>,
) -> Result<PluginSpec, SetupError> {
    for issuer in &manifest.issuers {
        let api_type = &issuer.api_type;
        match (spec.issuers.get_mut(api_type), settings) {
            (Some(of_issuer), Some(settings)) => {
                of_issuer.settings = settings.clone();
                // It is what the settings of the spec give.
                of_issuer.issued = None;
            }
            (Some(of_issuer), None) => {
                let missing = missing_by_manifest(issuer, of_issuer);
                if !missing.is_empty() {
                    return Err(incomplete(manifest, api_type, missing));
                }
            }
            (None, _) => {
                return Err(SetupError::NoIssuerSpec {
                    plugin: manifest.name.clone(),
                    api_type: api_type.clone(),
                });
            }
        }
    }
    Ok(spec)
}

/// The plugin spec of the fixtures, which has settings for every api_type.
///
/// # Errors
/// As [`spec_for`].
pub(crate) fn spec_for_settings(fixtures: &Fixtures, manifest: &Manifest) -> Result<PluginSpec, SetupError> {
    let spec =
        fixtures.spec(&manifest.name).ok_or_else(|| SetupError::NoPluginSpec(manifest.name.clone()))?;
    complete(spec.clone(), manifest, None)
}

/// The error for a spec that lacks something for this api_type.
pub(super) fn incomplete(manifest: &Manifest, api_type: &str, missing: Vec<String>) -> SetupError {
    SetupError::IncompletePluginSpec { plugin: manifest.name.clone(), api_type: api_type.to_owned(), missing }
}
