//! Changes of a SAML assertion: another audience, subject or recipient, or a later expiry.

use std::fmt;
use std::ops::Range;

/// A part of an assertion that says for whom or how long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum XmlPart {
    /// The text of the only element of this name.
    Element(&'static str),
    /// The value of the attribute of this name, in the order of the document from 0.
    Attribute(&'static str, usize),
}

impl fmt::Display for XmlPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Element(name) => f.write_str(name),
            Self::Attribute(name, index) => write!(f, "{name}-{}", index + 1),
        }
    }
}

/// The parts that the document has.
pub(crate) fn parts(document: &str) -> Vec<XmlPart> {
    let elements = ["Audience", "NameID"].map(XmlPart::Element);
    let attributes = ["Recipient", "Destination", "NotOnOrAfter"]
        .into_iter()
        .flat_map(|name| (0..ATTRIBUTES_MAX).map(move |index| XmlPart::Attribute(name, index)));
    elements.into_iter().chain(attributes).filter(|part| place(document, part).is_some()).collect()
}

/// How many attributes of one name are changed.
const ATTRIBUTES_MAX: usize = 8;

/// The document with another text in this part; `None` if it has no such part.
pub(crate) fn changed_part(document: &str, part: &XmlPart) -> Option<String> {
    let place = place(document, part)?;
    let text = document.get(place.clone())?;
    let changed = match part {
        // A century later.
        XmlPart::Attribute("NotOnOrAfter", _) => format!("21{}", text.get(2..)?),
        _ => format!("{text}-other"),
    };
    let mut document = document.to_owned();
    document.replace_range(place, &changed);
    Some(document)
}

fn place(document: &str, part: &XmlPart) -> Option<Range<usize>> {
    let (start, end) = match part {
        XmlPart::Element(name) => {
            let at_name = |tag: &str| tag.rsplit(':').next() == Some(*name);
            let opened = document.match_indices('<').find(|(at, _)| {
                let inside = document.get(at + 1..).unwrap_or_default();
                at_name(inside.split(['>', ' ']).next().unwrap_or_default())
            });
            let (tag, _) = opened?;
            (tag + document.get(tag..)?.find('>')? + 1, '<')
        }
        XmlPart::Attribute(name, index) => {
            let opening = format!(" {name}=\"");
            let (at, _) = document.match_indices(&opening).nth(*index)?;
            (at + opening.len(), '"')
        }
    };
    Some(start..start + document.get(start..)?.find(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<s:R Destination=\"u\"><s:NameID Format=\"f\">a</s:NameID><s:D NotOnOrAfter=\"2030-01\" Recipient=\"u\"/>\
        <s:C NotOnOrAfter=\"2031-01\"><s:AudienceRestriction><s:Audience>b</s:Audience></s:AudienceRestriction></s:C>\
        <s:A SessionNotOnOrAfter=\"2032-01\"/></s:R>";

    #[test]
    fn each_part_is_changed_alone() {
        let names: Vec<String> = parts(DOCUMENT).iter().map(ToString::to_string).collect();
        assert_eq!(
            names,
            ["Audience", "NameID", "Recipient-1", "Destination-1", "NotOnOrAfter-1", "NotOnOrAfter-2"]
        );
        let expected = [
            ("<s:Audience>b<", "<s:Audience>b-other<"),
            ("\"f\">a<", "\"f\">a-other<"),
            ("Recipient=\"u\"", "Recipient=\"u-other\""),
            ("Destination=\"u\"", "Destination=\"u-other\""),
            ("\"2030-01", "\"2130-01"),
            ("\"2031-01", "\"2131-01"),
        ];
        for (part, (before, after)) in parts(DOCUMENT).iter().zip(expected) {
            assert_eq!(changed_part(DOCUMENT, part).unwrap(), DOCUMENT.replacen(before, after, 1), "{part}");
        }
    }

    #[test]
    fn a_document_without_such_parts_has_none() {
        assert!(parts("<a Format=\"f\">b</a>").is_empty());
        assert!(changed_part("<a/>", &XmlPart::Element("NameID")).is_none());
    }
}
