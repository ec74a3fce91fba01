//! Attributes of the user as nobody expects them: absent, of another type, with characters that have a meaning in XML and JSON.

use serde_json::{Value, json};

use crate::probes::attribute_names::attribute_names;
use crate::probes::context::{Found, ProbeContext};
use crate::probes::harmless::{Baseline, first_of, shown, succeeds};
use crate::probes::kept_state::request_with_attributes;

const ADVICE: &str = "leave it out, refuse it with `Failure::attribute_missing` or `attribute_unusable`, or encode it where it is written";

/// Asks with each attribute absent, of another type, and with hostile texts.
pub(crate) async fn hostile_attributes(context: &ProbeContext<'_>) -> Found {
    let request = request_with_attributes(context).await?;
    let (issuer, answered) = succeeds(context, &request).await?;
    let baseline = Baseline::of(context, answered, &request.grant.user_id, |_| false, ADVICE);
    let mut found = Vec::new();
    for name in attribute_names(context.manifest, &context.settings) {
        for value in values() {
            let mut hostile = request.clone();
            let profile = &mut hostile.grant.profile;
            match &value {
                Some(value) => profile.insert(name.to_owned(), value.clone()),
                None => profile.shift_remove(name),
            };
            let got = context.ask_next(&issuer, &hostile).await?;
            let value =
                value.as_ref().map_or_else(|| "absent".to_owned(), |value| format!("= {}", shown(value)));
            let harm = baseline.harm(context, &format!("attribute {name} {value}"), &got);
            found.extend(harm.into_iter().next());
        }
    }
    Ok(first_of(found))
}

/// The values; `None` for an attribute that the user has not.
fn values() -> Vec<Option<Value>> {
    let values = [
        json!(7),
        json!(true),
        json!(null),
        json!(["a"]),
        json!({ "a": "b" }),
        json!(""),
        json!("\"'<>&]]>{}\\"),
        json!("x</name><injected>y</injected>"),
        json!("x\",\"injected\":\"y"),
        json!("x&injected=y"),
        json!("../x"),
        json!("Zoë 日本 🎈"),
        json!("a\r\ninjected: b\0"),
    ];
    std::iter::once(None).chain(values.into_iter().map(Some)).collect()
}
