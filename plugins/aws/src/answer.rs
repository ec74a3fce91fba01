//! STS's answer: XML in, the object that AWS's own SDK for JavaScript makes of it out.

use jiff::Timestamp;
use locum_plugin::prelude::*;
use locum_plugin::upstream::refusal;

use crate::xml::Element;

/// Members of the result that are texts, in the order of the answer.
const TEXTS: [&str; 8] = [
    "SubjectFromWebIdentityToken",
    "Subject",
    "SubjectType",
    "Issuer",
    "Provider",
    "Audience",
    "NameQualifier",
    "SourceIdentity",
];
/// How much later than asked for credentials may end: two clocks and a journey.
const TOLERANCE_SECONDS: i64 = 300;

/// The object for the client, and the unix second in which the credentials end.
pub(crate) fn read(action: &str, reply: &UpstreamReply) -> Result<(Map<String, Value>, i64), Failure> {
    let root = Element::parse(&reply.body);
    if reply.status != 200 {
        let code = root.as_ref().ok().and_then(|root| root.child("Error")?.text_of("Code"));
        return Err(refusal(reply.status, code));
    }
    root.ok()
        .filter(|root| root.name == format!("{action}Response"))
        .and_then(|root| object(&root, root.child(&format!("{action}Result"))?))
        .ok_or_else(|| Failure::upstream_nonsense("STS answered 200 without credentials"))
}

/// The end to state: that of the credentials, but never later than the grant's.
///
/// STS counts the lifetime from the moment at which it answers, by its own clock, so its end is a little later.
pub(crate) fn within_grant(ends_at: i64, now: i64, grant_ends_at: i64) -> Result<i64, Failure> {
    if ends_at <= now {
        return Err(Failure::upstream_nonsense("STS answered with credentials that have ended"));
    }
    if ends_at > grant_ends_at.saturating_add(TOLERANCE_SECONDS) {
        return Err(Failure::upstream_nonsense(
            "STS answered with credentials that outlive what was asked for",
        ));
    }
    Ok(ends_at.min(grant_ends_at))
}

fn object(root: &Element, result: &Element) -> Option<(Map<String, Value>, i64)> {
    let mut object = Map::new();
    if let Some(id) = root.child("ResponseMetadata").and_then(|metadata| metadata.text_of("RequestId")) {
        object.insert("ResponseMetadata".to_owned(), json!({ "RequestId": id }));
    }
    let credentials = result.child("Credentials")?;
    let expiration: Timestamp = credentials.text_of("Expiration")?.parse().ok()?;
    object.insert(
        "Credentials".to_owned(),
        json!({
            "AccessKeyId": credentials.text_of("AccessKeyId")?,
            "SecretAccessKey": credentials.text_of("SecretAccessKey")?,
            "SessionToken": credentials.text_of("SessionToken")?,
            "Expiration": expiration.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
        }),
    );
    if let Some(user) = result.child("AssumedRoleUser") {
        let user = json!({ "AssumedRoleId": user.text_of("AssumedRoleId")?, "Arn": user.text_of("Arn")? });
        object.insert("AssumedRoleUser".to_owned(), user);
    }
    if let Some(size) = result.text_of("PackedPolicySize") {
        object.insert("PackedPolicySize".to_owned(), size.parse::<u32>().ok()?.into());
    }
    for name in TEXTS {
        if let Some(text) = result.text_of(name) {
            object.insert(name.to_owned(), text.into());
        }
    }
    Some((object, expiration.as_second()))
}
