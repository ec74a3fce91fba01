//! Converts STS's XML answer into the object that the AWS SDK for JavaScript makes of it.

use jiff::Timestamp;
use locum_plugin::prelude::*;
use locum_plugin::upstream::{failure_for_reply, retry_after_seconds};

use crate::xml::Element;

/// Members of the result that are texts, in the order of the object.
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
/// Codes with which STS asks to be called again. It sends most of them with status 400.
const BUSY: [&str; 6] = [
    "IDPCommunicationError",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
];
/// How much later than asked for credentials may expire: STS's clock may be ahead, and the call takes time.
pub(crate) const TOLERANCE_SECONDS: i64 = 300;

/// The object for the client, and when the credentials expire.
pub(crate) fn read(action: &str, reply: &UpstreamReply) -> Result<(Map<String, Value>, UnixTime), Failure> {
    let root = Element::parse(&reply.body);
    if reply.status != 200 {
        let code = root.as_ref().ok().and_then(|root| root.child("Error")?.text_of("Code"));
        return Err(match code {
            Some(code) if BUSY.contains(&code) => {
                Failure::upstream_busy(retry_after_seconds(reply), format!("STS answered {code}"))
            }
            code => failure_for_reply(reply, code),
        });
    }
    root.ok()
        .filter(|root| root.name == format!("{action}Response"))
        .and_then(|root| object(&root, root.child(&format!("{action}Result"))?))
        .ok_or_else(|| Failure::upstream_nonsense("STS answered 200 without credentials"))
}

fn object(root: &Element, result: &Element) -> Option<(Map<String, Value>, UnixTime)> {
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
    Some((object, UnixTime::from_seconds(expiration.as_second())))
}
