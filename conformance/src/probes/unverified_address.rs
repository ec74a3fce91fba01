//! Is a user identified by an email address that nobody has verified? It may be somebody else's, and the account at the upstream
//! with it.

use locum_abi::manifest::Read;
use serde_json::{Map, Value, json};

use crate::probes::attribute_names::attribute_names;
use crate::probes::context::{Found, NotRun, ProbeContext, ProbeRequest};
use crate::probes::harmless::succeeds;
use crate::probes::kept_state::EMAIL_VERIFIED;
use crate::report::Difference;

const EMAIL: &str = "email";
const ADDRESS: &str = "somebody.else@example.com";

const EXPECTED: &str = "a refusal, or no address, or `email_verified` beside it (with `email_verified: false` refuse an address that identifies the user)";

/// Asks for a user whose address is not verified: with the settings of the plugin spec, and with those by which each attribute
/// that a setting names is the address.
pub(crate) async fn unverified_address(context: &ProbeContext<'_>) -> Found {
    let request = context.request()?;
    let (mut found, mut asked) = (Vec::new(), false);
    for settings in settings_that_read_it(context) {
        let request = ProbeRequest { settings, ..request.clone() };
        let [verified, unverified] = [true, false].map(|is_verified| with_address(&request, is_verified));
        let Ok((issuer, _)) = succeeds(context, &verified).await else { continue };
        asked = true;
        let got = context.ask_next(&issuer, &unverified).await?;
        let parts = context.parts(&got);
        if got.issued.is_err() || parts.iter().any(|(path, _)| path.ends_with(EMAIL_VERIFIED)) {
            continue;
        }
        let told = parts.iter().find(|(_, value)| value.contains(ADDRESS));
        found.extend(told.map(|(path, _)| Difference::new(path, EXPECTED, "the address")));
    }
    if asked {
        return Ok(found);
    }
    Err(NotRun("needs settings with which the issuer reads the user's email address".to_owned()))
}

fn settings_that_read_it(context: &ProbeContext<'_>) -> Vec<Map<String, Value>> {
    let own = Some(context.settings.clone())
        .filter(|settings| attribute_names(context.manifest, settings).contains(&EMAIL));
    let named = context.manifest.reads.iter().filter_map(|read| match read {
        Read::NamedBySetting { setting, .. } => {
            let mut settings = context.settings.clone();
            settings.insert(setting.clone(), EMAIL.into());
            Some(settings)
        }
        Read::Attribute { .. } | Read::Unknown => None,
    });
    own.into_iter().chain(named).collect()
}

fn with_address(request: &ProbeRequest, is_verified: bool) -> ProbeRequest {
    let mut request = request.clone();
    for members in [&mut request.grant.profile, &mut request.grant.claims] {
        members.insert(EMAIL.to_owned(), ADDRESS.into());
        members.insert(EMAIL_VERIFIED.to_owned(), json!(is_verified));
    }
    request
}
