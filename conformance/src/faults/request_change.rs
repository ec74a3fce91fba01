//! The changes of a request that each stand for a bug of its plugin.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use locum_abi::upstream::UpstreamRequest;
use serde_json::Value;

use crate::exchange::credential::jwt;
use crate::exchange::upstream_request::{at, decoded, encoded, form, header, json, set, set_form};
use crate::faults::xml_change::{XmlPart, changed_part, parts};
use crate::fixtures::fixture::{Place, XmlEncoding};

/// What is appended to a text so that it is another.
const OTHER: &str = "-other";
/// Seconds by which an expiry is later.
const LATER_SECONDS: i64 = 3600;
/// The claims that say for whom, for which audience and for how long a JWT is.
const CLAIMS: [&str; 3] = ["aud", "sub", "exp"];

/// One change of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestChange {
    /// It goes to another URL.
    OtherUrl,
    /// It lacks what is at this place.
    LeftOut(Place),
    /// It has another value at this place.
    OtherValue(Place),
    /// The JWT at this place has another value of this claim, and a valid signature.
    OtherClaim(Place, &'static str),
    /// The JWT at this place is signed with another key.
    OtherSignature(Place),
    /// The XML document at this place has another text in this part.
    OtherXml(Place, XmlEncoding, XmlPart),
}

impl RequestChange {
    /// Every change of this request.
    pub(crate) fn all_of(request: &UpstreamRequest) -> Vec<Self> {
        let mut changes = vec![Self::OtherUrl];
        let authorization = Place::Header("authorization".to_owned());
        if header(request, "authorization").is_some() {
            changes.push(Self::LeftOut(authorization.clone()));
            changes.extend(Self::all_at(request, authorization));
        }
        let is_form = header(request, "content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            for (name, _) in form(request) {
                let field = Place::Form(name.into_owned());
                changes.push(Self::LeftOut(field.clone()));
                changes.extend(Self::all_at(request, field));
            }
        } else if let Some(body) = json(request) {
            for (name, member) in &body {
                let pointer = pointer_below("", name);
                changes.push(Self::LeftOut(Place::Json(pointer.clone())));
                for leaf in leaves(pointer, member) {
                    changes.extend(Self::all_at(request, Place::Json(leaf)));
                }
            }
        }
        changes
    }

    /// The changes of the value at a place: of the claims of a JWT, of the parts of an XML document, or of the whole value.
    fn all_at(request: &UpstreamRequest, place: Place) -> Vec<Self> {
        let text = at(request, &place).unwrap_or_default();
        if let Ok(token) = jwt(text.clone()) {
            let claims = CLAIMS.into_iter().filter(|name| token.claims.contains_key(*name));
            let mut changes: Vec<Self> = claims.map(|name| Self::OtherClaim(place.clone(), name)).collect();
            changes.push(Self::OtherSignature(place));
            return changes;
        }
        for encoding in [XmlEncoding::Base64, XmlEncoding::Base64url] {
            let document = decoded(text.clone(), Some(encoding));
            if let Some(document) = document.filter(|document| document.starts_with('<')) {
                let change = |part| Self::OtherXml(place.clone(), encoding, part);
                return parts(&document).into_iter().map(change).collect();
            }
        }
        vec![Self::OtherValue(place)]
    }

    /// Changes the request.
    pub(crate) fn apply(&self, request: &mut UpstreamRequest) {
        match self {
            Self::OtherUrl => request.url.push_str(OTHER),
            Self::LeftOut(place) => leave_out(request, place),
            Self::OtherValue(Place::Json(pointer)) => {
                let mut body = Value::Object(json(request).unwrap_or_default());
                if let Some(member) = body.pointer_mut(pointer) {
                    *member = other(member.take());
                    request.body = body.to_string();
                }
            }
            Self::OtherValue(place) => {
                replace(request, place, |text| Some(format!("{text}{OTHER}")));
            }
            Self::OtherClaim(place, name) => replace(request, place, |token| with_other_claim(token, name)),
            Self::OtherSignature(place) => replace(request, place, |token| {
                let (signed, _) = token.rsplit_once('.')?;
                Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 256])))
            }),
            Self::OtherXml(place, encoding, part) => replace(request, place, |text| {
                let document = decoded(text.to_owned(), Some(*encoding))?;
                Some(encoded(&changed_part(&document, part)?, *encoding))
            }),
        }
    }

    /// Whether it stands for a plugin that signs the changed request as it should.
    pub(crate) fn is_signed(&self) -> bool {
        matches!(self, Self::OtherClaim(..))
    }

    /// A part of the mutant's id.
    pub(crate) fn id(&self) -> String {
        let path = |place: &Place| place.to_string().replacen(":/", "/", 1).replacen(':', "/", 1);
        match self {
            Self::OtherUrl => "url/other".to_owned(),
            Self::LeftOut(place) => format!("{}/left-out", path(place)),
            Self::OtherValue(place) => format!("{}/other", path(place)),
            Self::OtherClaim(place, name) => format!("{}/{name}/other", path(place)),
            Self::OtherSignature(place) => format!("{}/signature/other", path(place)),
            Self::OtherXml(place, _, part) => format!("{}/{part}/other", path(place)),
        }
    }

    /// What the request has that it should not have.
    pub(crate) fn description(&self) -> String {
        match self {
            Self::OtherUrl => "another URL".to_owned(),
            Self::LeftOut(place) => format!("nothing at `{place}`"),
            Self::OtherValue(place) => format!("another value at `{place}`"),
            Self::OtherClaim(place, name) => format!("another `{name}` in the JWT at `{place}`"),
            Self::OtherSignature(place) => format!("another signature of the JWT at `{place}`"),
            Self::OtherXml(place, _, part) => format!("another {part} in the XML document at `{place}`"),
        }
    }
}

fn replace(request: &mut UpstreamRequest, place: &Place, change: impl FnOnce(&str) -> Option<String>) {
    if let Some(changed) = at(request, place).and_then(|text| change(&text)) {
        set(request, place, changed);
    }
}

fn leave_out(request: &mut UpstreamRequest, place: &Place) {
    match place {
        Place::Header(name) => request.headers.retain(|(own, _)| !own.eq_ignore_ascii_case(name)),
        Place::Form(name) => {
            let fields = form(request).into_iter().filter(|(own, _)| own != name);
            let fields = fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            set_form(request, fields);
        }
        Place::Json(pointer) => {
            let mut body = json(request).unwrap_or_default();
            body.retain(|name, _| pointer_below("", name) != *pointer);
            request.body = Value::Object(body).to_string();
        }
        Place::Body => request.body.clear(),
    }
}

fn with_other_claim(token: &str, name: &str) -> Option<String> {
    let mut claims = jwt(token.to_owned()).ok()?.claims;
    let claim = claims.get_mut(name)?;
    *claim = other(claim.take());
    let mut parts: Vec<&str> = token.split('.').collect();
    let changed = URL_SAFE_NO_PAD.encode(Value::Object(claims).to_string());
    *parts.get_mut(1)? = &changed;
    Some(parts.join("."))
}

/// Another value of the same type.
fn other(value: Value) -> Value {
    match value {
        Value::String(text) => format!("{text}{OTHER}").into(),
        Value::Bool(truth) => (!truth).into(),
        Value::Number(number) => (number.as_i64().unwrap_or_default() + LATER_SECONDS).into(),
        Value::Array(mut items) => {
            items.push(OTHER.into());
            items.into()
        }
        Value::Object(mut members) => {
            members.insert(OTHER.to_owned(), true.into());
            members.into()
        }
        Value::Null => OTHER.into(),
    }
}

/// The pointers of the values below this one that hold no others.
fn leaves(pointer: String, value: &Value) -> Vec<String> {
    match value {
        Value::Object(members) if !members.is_empty() => {
            members.iter().flat_map(|(name, member)| leaves(pointer_below(&pointer, name), member)).collect()
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter().enumerate();
            items.flat_map(|(index, item)| leaves(format!("{pointer}/{index}"), item)).collect()
        }
        _ => vec![pointer],
    }
}

fn pointer_below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
