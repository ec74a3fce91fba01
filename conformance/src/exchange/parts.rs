//! What a credential or a request says, part by part: JWTs, JSON, XML, forms and URLs are decoded, so that two texts can be
//! compared although their signatures are random.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use locum_abi::upstream::UpstreamRequest;
use serde_json::{Map, Value};
use url::Url;

use crate::exchange::credential::jwt;
use crate::exchange::upstream_request::form;
use crate::exchange::xml::Element;

/// How deep texts in texts are decoded.
const DEPTH_MAX: usize = 8;

/// The last name in the path of a signature.
const SIGNATURE: &str = "signature";

/// The parts of a text, or of several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The texts, by path: names with slashes between them.
    values: BTreeMap<String, String>,
    /// How the text at a path was decoded.
    forms: BTreeMap<String, &'static str>,
}

impl Parts {
    /// Adds a value that is not decoded.
    pub(crate) fn add(&mut self, path: &str, value: impl Into<String>) {
        let mut path = path.to_owned();
        while self.values.contains_key(&path) {
            path.push('+');
        }
        self.values.insert(path, value.into());
    }

    /// Adds a text, decoded.
    pub(crate) fn add_text(&mut self, path: &str, text: &str) {
        self.add_decoded(path, text, 0);
    }

    /// Adds a value, with all texts in it decoded.
    pub(crate) fn add_value(&mut self, path: &str, value: &Value) {
        self.add_members(path, value, 0);
    }

    /// Adds a request to an upstream.
    pub(crate) fn add_request(&mut self, path: &str, request: &UpstreamRequest) {
        self.add(&format!("{path}/method"), request.method.as_str());
        match Url::parse(&request.url) {
            Ok(url) => {
                self.add(&format!("{path}/url/origin"), url.origin().ascii_serialization());
                self.add(&format!("{path}/url/path"), url.path());
                for (name, value) in url.query_pairs() {
                    self.add_text(&format!("{path}/url/query/{name}"), &value);
                }
            }
            Err(_) => self.add(&format!("{path}/url"), request.url.as_str()),
        }
        for (name, value) in &request.headers {
            let name = name.to_ascii_lowercase();
            let token = value.strip_prefix("Bearer ").unwrap_or(value);
            self.add_text(&format!("{path}/header/{name}"), token);
        }
        let is_form = request.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.starts_with("application/x-www-form-urlencoded")
        });
        if is_form {
            for (name, value) in form(request) {
                self.add_text(&format!("{path}/form/{name}"), &value);
            }
        } else {
            self.add_text(&format!("{path}/body"), &request.body);
        }
    }

    /// The paths and their values, in the order of the paths.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(path, value)| (path.as_str(), value.as_str()))
    }

    pub(crate) fn value(&self, path: &str) -> Option<&str> {
        self.values.get(path).map(String::as_str)
    }

    /// What was decoded here and is no longer: path and form of each text that the other one has in another form.
    pub(crate) fn forms_lost_in<'p>(&'p self, other: &'p Self) -> impl Iterator<Item = (&'p str, &'p str)> {
        let lost = self.forms.iter().filter(|(path, form)| {
            other.values.contains_key(*path) || other.forms.get(*path).is_some_and(|own| own != *form)
        });
        lost.map(|(path, form)| (path.as_str(), *form))
    }

    /// The paths at which two differ, with both values. Signatures count only if nothing else differs.
    pub(crate) fn differing<'p>(
        &'p self,
        other: &'p Self,
    ) -> Vec<(&'p str, Option<&'p str>, Option<&'p str>)> {
        let mut paths: Vec<&str> =
            self.values.keys().chain(other.values.keys()).map(String::as_str).collect();
        paths.sort_unstable();
        paths.dedup();
        let differing = paths.into_iter().map(|path| (path, self.value(path), other.value(path)));
        let (signatures, others): (Vec<_>, Vec<_>) = differing
            .filter(|(_, own, other)| own != other)
            .partition(|(path, _, _)| path.rsplit('/').next() == Some(SIGNATURE));
        if others.is_empty() { signatures } else { others }
    }

    fn add_decoded(&mut self, path: &str, text: &str, depth: usize) {
        if depth > DEPTH_MAX {
            return self.add(path, text);
        }
        if let Ok(token) = jwt(text.to_owned()) {
            self.forms.insert(path.to_owned(), "a JWT");
            let header = token.header.unwrap_or_default();
            let algorithm = header.get("alg").and_then(Value::as_str).unwrap_or_default();
            if !has_random_signature(algorithm) {
                let signature = text.rsplit('.').next().unwrap_or_default();
                self.add(&format!("{path}/{SIGNATURE}"), signature);
            }
            self.add_members(&format!("{path}/header"), &Value::Object(header), depth + 1);
            return self.add_members(&format!("{path}/claims"), &Value::Object(token.claims), depth + 1);
        }
        if let Some(object) = object(text) {
            self.forms.insert(path.to_owned(), "JSON");
            return self.add_members(path, &Value::Object(object), depth + 1);
        }
        if let Some(document) = document(text) {
            self.forms.insert(path.to_owned(), "XML");
            return self.add_leaves(path, &document);
        }
        let inner = [STANDARD.decode(text), URL_SAFE_NO_PAD.decode(text)].into_iter().find_map(Result::ok);
        if let Some(document) = inner.and_then(|bytes| document(&String::from_utf8(bytes).ok()?)) {
            self.forms.insert(path.to_owned(), "XML in base64");
            return self.add_leaves(path, &document);
        }
        self.add(path, text);
    }

    fn add_leaves(&mut self, path: &str, document: &Element) {
        for (name, text) in document.leaves() {
            self.add(&format!("{path}/{name}"), text);
        }
    }

    fn add_members(&mut self, path: &str, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.add_decoded(path, text, depth + 1),
            Value::Object(members) => {
                for (name, member) in members {
                    self.add_members(&format!("{path}/{name}"), member, depth);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.add_members(&format!("{path}/{index}"), item, depth);
                }
            }
            other => self.add(path, other.to_string()),
        }
    }
}

fn object(text: &str) -> Option<Map<String, Value>> {
    text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten()
}

fn document(text: &str) -> Option<Element> {
    text.trim_start().starts_with('<').then(|| Element::document(text).ok()).flatten()
}

/// Whether two signatures of this algorithm of JWTs differ although the same is signed.
pub(crate) fn has_random_signature(algorithm: &str) -> bool {
    algorithm.starts_with("PS") || algorithm.starts_with("ES")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(algorithm: &str, claims: &Value, signature: &str) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.{signature}", part(&json!({ "alg": algorithm })), part(claims))
    }

    fn parts(text: &str) -> Parts {
        let mut parts = Parts::default();
        parts.add_text("t", text);
        parts
    }

    fn values(text: &str) -> Vec<(String, String)> {
        parts(text).iter().map(|(path, value)| (path.to_owned(), value.to_owned())).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(path, value)| (path.to_owned(), value.to_owned())).to_vec()
    }

    #[test]
    fn texts_in_texts_are_decoded() {
        let inner = token("HS256", &json!({ "sub": "a" }), "c2ln");
        let text = json!({ "x": [1, inner], "y": STANDARD.encode("<r a='b'>c</r>") }).to_string();
        let expected = [
            ("t/x/0", "1"),
            ("t/x/1/claims/sub", "a"),
            ("t/x/1/header/alg", "HS256"),
            ("t/x/1/signature", "c2ln"),
            ("t/y/r", "c"),
            ("t/y/r/@a", "b"),
        ];
        assert_eq!(values(&text), pairs(expected));
        assert_eq!(values("plain <text>"), pairs([("t", "plain <text>")]));
    }

    #[test]
    fn a_random_signature_is_no_difference_and_another_one_is() {
        let differing = |algorithm: &str| {
            let [one, other] = ["a", "b"].map(|signature| parts(&token(algorithm, &json!({}), signature)));
            one.differing(&other).len()
        };
        assert_eq!((differing("ES256"), differing("PS256"), differing("RS256")), (0, 0, 1));
        let [one, other] = ["a", "b"].map(|sub| parts(&token("RS256", &json!({ "sub": sub }), sub)));
        assert_eq!(one.differing(&other), [("t/claims/sub", Some("a"), Some("b"))]);
    }

    #[test]
    fn a_request_is_decoded() {
        let mut request = UpstreamRequest::new("POST", "https://u.example/a/b?q=1");
        request.headers.push(("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()));
        request.body = "f=a%26b&f=c".to_owned();
        let mut parts = Parts::default();
        parts.add_request("r", &request);
        let values: Vec<_> = parts.iter().collect();
        let expected = [
            ("r/form/f", "a&b"),
            ("r/form/f+", "c"),
            ("r/header/content-type", "application/x-www-form-urlencoded"),
            ("r/method", "POST"),
            ("r/url/origin", "https://u.example"),
            ("r/url/path", "/a/b"),
            ("r/url/query/q", "1"),
        ];
        assert_eq!(values, expected);
    }

    #[test]
    fn a_text_that_can_no_longer_be_decoded_has_lost_its_form() {
        let lost = |text: &str| parts("<r>a</r>").forms_lost_in(&parts(text)).count();
        assert_eq!((lost("<r>b</r>"), lost("<r>a<b</r>"), lost("{}")), (0, 1, 1));
        assert_eq!(parts("<r>a</r>").forms_lost_in(&Parts::default()).count(), 0);
    }
}
