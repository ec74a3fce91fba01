//! Compares the plugin's requests to upstreams with the script.

use std::borrow::Cow;
use std::collections::BTreeSet;

use locum_abi::upstream::UpstreamRequest;
use serde_json::{Map, Value};

use super::{Compared, Comparison, at, only_names};
use crate::exchange::credential::{DecodedCredential, jwt};
use crate::exchange::upstream_request::{at as text_at, decoded, form, header, json, shown_header};
use crate::exchange::xml::Element;
use crate::fixtures::credential_reading::VerifyingKey;
use crate::fixtures::fixture::{
    Base64Bytes, ElementTexts, ExpectedJwt, ExpectedRequest, ExpectedXml, OnlyNames, Place, UpstreamExchange,
};

/// Verifies a JWT of a request with a key of the fixtures.
pub(crate) type Verify<'a> = &'a dyn Fn(&DecodedCredential, &VerifyingKey) -> Result<(), String>;

impl Comparison<'_> {
    /// Compares all requests. `of` says whose they are, if it is not obvious.
    pub(super) fn upstream_requests(
        &mut self,
        script: &[UpstreamExchange],
        requests: &[UpstreamRequest],
        of: &str,
        verify: Verify<'_>,
    ) -> Compared {
        for (index, request) in requests.iter().enumerate() {
            let number = format!("upstream request {}{of}", index + 1);
            match script.get(index) {
                None => self.differs(number, "none", format!("{} {}", request.method, request.url)),
                Some(UpstreamExchange { request: None, .. }) => {}
                Some(UpstreamExchange { request: Some(expected), .. }) => {
                    RequestComparison { number: &number, request, comparison: self }
                        .compare(expected, verify)?;
                }
            }
        }
        Ok(())
    }
}

/// One request.
struct RequestComparison<'c, 'v> {
    /// Which one it is.
    number: &'c str,
    request: &'c UpstreamRequest,
    comparison: &'c mut Comparison<'v>,
}

impl RequestComparison<'_, '_> {
    fn compare(mut self, expected: &ExpectedRequest, verify: Verify<'_>) -> Compared {
        let UpstreamRequest { method, url, body, .. } = self.request;
        for (what, wanted, got) in [
            ("method", &expected.method, method),
            ("URL", &expected.url, url),
            ("body", &expected.body, body),
        ] {
            if wanted.is_some() {
                self.text(what, wanted.as_deref(), Some(got.as_str()))?;
            }
        }
        if let Some(wanted) = &expected.body_base64 {
            let got = self.request.bytes().map(|bytes| Base64Bytes::from(bytes.into_owned()));
            if got.as_ref() != Some(wanted) {
                let got =
                    got.map_or_else(|| "bytes that are not in base64".to_owned(), |got| got.to_string());
                self.differs("bytes of the body", wanted.to_string(), got);
            }
        }
        for (name, wanted) in &expected.headers {
            self.header(name, wanted.as_deref())?;
        }
        self.form(expected)?;
        self.json(expected)?;
        if let Some(wanted) = &expected.jwt {
            self.jwt(wanted, verify)?;
        }
        expected.xml.as_ref().map_or(Ok(()), |wanted| self.xml(wanted))
    }

    fn differs(&mut self, what: &str, expected: impl Into<String>, got: impl Into<String>) {
        self.comparison.differs(format!("{}, {what}", self.number), expected, got);
    }

    fn member(&mut self, what: &str, wanted: &Value, got: Option<&Value>) -> Compared {
        self.comparison.member(&format!("{}, {what}", self.number), wanted, got)
    }

    /// Compares a text; `None` if it must be absent, or is.
    fn text(&mut self, what: &str, wanted: Option<&str>, got: Option<&str>) -> Compared {
        let wanted = wanted.map(|wanted| self.comparison.shown(wanted)).transpose()?;
        if wanted.as_deref() != got {
            let shown = |text: Option<&str>| text.unwrap_or("absent").to_owned();
            self.differs(what, shown(wanted.as_deref()), shown(got));
        }
        Ok(())
    }

    fn header(&mut self, name: &str, wanted: Option<&str>) -> Compared {
        let wanted = wanted.map(|wanted| self.comparison.shown(wanted)).transpose()?;
        let got = header(self.request, name);
        if wanted.as_deref() != got {
            let shown = |text: Option<&str>| text.map_or_else(|| "absent".to_owned(), shown_header);
            self.differs(&format!("header {name}"), shown(wanted.as_deref()), shown(got));
        }
        Ok(())
    }

    fn form(&mut self, expected: &ExpectedRequest) -> Compared {
        if expected.form.is_empty() && expected.only_form.is_none() {
            return Ok(());
        }
        let fields = form(self.request);
        let mut names = BTreeSet::new();
        for (name, _) in &fields {
            if !names.insert(name.as_ref()) {
                self.differs(&format!("form field {name}"), "once", "several times");
            }
        }
        for (name, wanted) in &expected.form {
            let got = fields.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_ref());
            self.text(&format!("form field {name}"), wanted.as_deref(), got)?;
        }
        let stated = expected.form.iter().filter(|(_, wanted)| wanted.is_some());
        let decoded = expected.decoded_places().filter_map(|place| match place {
            Place::Form(name) => Some(Cow::Borrowed(name.as_str())),
            _ => None,
        });
        let stated = stated.map(|(name, _)| Cow::Borrowed(name.as_str())).chain(decoded);
        self.only("names of the form's fields", expected.only_form.as_ref(), stated, names.into_iter());
        Ok(())
    }

    fn json(&mut self, expected: &ExpectedRequest) -> Compared {
        if expected.json.is_empty() && expected.only_json.is_none() {
            return Ok(());
        }
        let Some(body) = json(self.request) else {
            self.differs("body", "a JSON object", "another body");
            return Ok(());
        };
        for (name, wanted) in &expected.json {
            self.member(&format!("member {name}"), wanted, at(&body, name).as_ref())?;
        }
        let stated = expected.json.iter().filter(|(_, wanted)| !wanted.is_null());
        let decoded = expected.decoded_places().filter_map(|place| match place {
            Place::Json(pointer) => Some(pointer),
            _ => None,
        });
        let stated = stated.map(|(name, _)| name).chain(decoded).map(|name| outermost(name));
        let names = body.keys().map(String::as_str);
        self.only("names of the members", expected.only_json.as_ref(), stated, names);
        Ok(())
    }

    /// Compares names with those that there may be.
    fn only<'n>(
        &mut self,
        what: &str,
        wanted: Option<&OnlyNames>,
        stated: impl Iterator<Item = Cow<'n, str>>,
        got: impl Iterator<Item = &'n str>,
    ) {
        let got: BTreeSet<&str> = got.collect();
        match wanted {
            None | Some(OnlyNames::Stated(false)) => {}
            Some(OnlyNames::Listed(wanted)) => {
                if let Some((wanted, got)) = only_names(wanted, got.into_iter()) {
                    self.differs(what, wanted, got);
                }
            }
            Some(OnlyNames::Stated(true)) => {
                let stated: BTreeSet<Cow<'_, str>> = stated.collect();
                let others: Vec<&str> = got.into_iter().filter(|name| !stated.contains(*name)).collect();
                if !others.is_empty() {
                    self.differs(what, "no others than the stated ones", others.join(", "));
                }
            }
        }
    }

    fn jwt(&mut self, expected: &ExpectedJwt, verify: Verify<'_>) -> Compared {
        let Some(place) = &expected.at else { return Ok(()) };
        let what = format!("JWT at {place}");
        let Some(token) = text_at(self.request, place) else {
            self.differs(&what, "a compact JWT", "absent");
            return Ok(());
        };
        let token = match jwt(token) {
            Ok(token) => token,
            Err(why) => {
                self.differs(&what, "a compact JWT", why);
                return Ok(());
            }
        };
        if let Some(wanted) = &expected.header {
            let got = token.header.clone().map(Value::Object);
            self.member(&format!("header of the {what}"), &Value::Object(wanted.clone()), got.as_ref())?;
        }
        for (name, wanted) in &expected.claims {
            self.member(&format!("claim {name} of the {what}"), wanted, token.claim(name).as_ref())?;
        }
        if let Some(wanted) = &expected.only_claims
            && let Some((wanted, got)) = only_names(wanted, names_of(&token.claims))
        {
            self.differs(&format!("names of the claims of the {what}"), wanted, got);
        }
        if let Some(key) = &expected.verifies_with
            && let Err(why) = verify(&token, key)
        {
            self.differs(&format!("signature of the {what}"), "valid for the stated key", why);
        }
        Ok(())
    }

    fn xml(&mut self, expected: &ExpectedXml) -> Compared {
        let Some(place) = &expected.at else { return Ok(()) };
        let what = format!("XML at {place}");
        let Some(text) = text_at(self.request, place) else {
            self.differs(&what, "an XML document", "absent");
            return Ok(());
        };
        let Some(text) = decoded(text, expected.encoding) else {
            self.differs(&what, "a document in the stated encoding", "another text");
            return Ok(());
        };
        let document = match Element::document(&text) {
            Ok(document) => document,
            Err(why) => {
                self.differs(&what, "an XML document", why);
                return Ok(());
            }
        };
        for (path, wanted) in &expected.elements {
            let what = format!("{path} of the {what}");
            match document.texts(&self.comparison.shown(path)?) {
                Err(why) => self.differs(&what, "a path", why),
                Ok(texts) => self.elements(&what, wanted.as_ref(), texts)?,
            }
        }
        Ok(())
    }

    fn elements(&mut self, what: &str, wanted: Option<&ElementTexts>, got: Vec<String>) -> Compared {
        let shown = |text: &String| self.comparison.shown(text);
        let wanted = match wanted {
            None => Vec::new(),
            Some(ElementTexts::Only(only)) => vec![shown(only)?],
            Some(ElementTexts::All(all)) => all.iter().map(shown).collect::<Result<_, _>>()?,
        };
        if wanted != got {
            let written = |texts: Vec<String>| match <[String; 1]>::try_from(texts) {
                Ok([only]) => only,
                Err(several) if several.is_empty() => "absent".to_owned(),
                Err(several) => Value::from(several).to_string(),
            };
            self.differs(what, written(wanted), written(got));
        }
        Ok(())
    }
}

/// The outermost member that a name or JSON pointer leads to.
fn outermost(name: &str) -> Cow<'_, str> {
    match name.strip_prefix('/') {
        None => Cow::Borrowed(name),
        Some(pointer) => {
            let member = pointer.split('/').next().unwrap_or_default();
            Cow::Owned(member.replace("~1", "/").replace("~0", "~"))
        }
    }
}

fn names_of(members: &Map<String, Value>) -> impl Iterator<Item = &str> {
    members.keys().map(String::as_str)
}

#[cfg(test)]
mod tests;
