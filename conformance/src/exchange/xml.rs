//! Reads an XML document of a plugin's request, such as a SAML assertion, and finds texts in it by path.
//!
//! Names are compared without their prefixes, and what a signature covers is not seen here: `verifiers/` has programs that
//! verify signed documents as their receivers do.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// An element with what is in it.
#[derive(Debug, Default)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    content: Vec<Content>,
}

#[derive(Debug)]
enum Content {
    Text(String),
    Element(Element),
}

impl Element {
    /// The document, as an element without a name around its root.
    ///
    /// # Errors
    /// It is not XML, or has a document type or a processing instruction.
    pub(crate) fn document(text: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(text);
        let mut open = vec![Self::default()];
        loop {
            match reader.read_event().map_err(|error| error.to_string())? {
                Event::Start(tag) => open.push(Self::opened(&tag)?),
                Event::Empty(tag) => add(&mut open, Content::Element(Self::opened(&tag)?)),
                Event::End(_) => {
                    let closed = open.pop().ok_or("an element ends that has not started")?;
                    add(&mut open, Content::Element(closed));
                }
                Event::Text(text) => add(&mut open, Content::Text(text.xml10_content().into_owned())),
                Event::CData(text) => add(&mut open, Content::Text(text.xml10_content().into_owned())),
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|error| error.to_string())?;
                    let text = match character {
                        Some(character) => character.to_string(),
                        None => resolve_xml_entity(&reference.into_inner())
                            .ok_or("it has an entity that XML does not define")?
                            .to_owned(),
                    };
                    add(&mut open, Content::Text(text));
                }
                Event::Decl(_) | Event::Comment(_) => {}
                Event::DocType(_) | Event::PI(_) => {
                    return Err("it has a document type or a processing instruction".to_owned());
                }
                Event::Eof => break,
            }
        }
        let document = open.pop().filter(|document| open.is_empty() && document.elements().count() == 1);
        document.ok_or_else(|| "it is not one element".to_owned())
    }

    fn opened(tag: &BytesStart<'_>) -> Result<Self, String> {
        let mut attributes = Vec::new();
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value =
                attribute.normalized_value(XmlVersion::Explicit1_0).map_err(|error| error.to_string())?;
            attributes.push((attribute.key.local_name().as_ref().to_owned(), value.into_owned()));
        }
        Ok(Self { name: tag.local_name().as_ref().to_owned(), attributes, content: Vec::new() })
    }

    /// The texts that a path leads to, in the order of the document.
    ///
    /// # Errors
    /// The path is malformed.
    pub(crate) fn texts(&self, path: &str) -> Result<Vec<String>, String> {
        let (steps, attribute) = parsed(path).ok_or_else(|| format!("`{path}` is not a path"))?;
        let mut found = Vec::new();
        self.visit(&mut Vec::new(), &mut |ancestors| {
            let Some(start) = ancestors.len().checked_sub(steps.len()) else { return };
            let fits = ancestors.iter().skip(start).zip(&steps).all(|(element, step)| step.fits(element));
            let Some(element) = ancestors.last().filter(|_| fits) else { return };
            match attribute {
                None => found.push(element.text()),
                Some(name) => found.extend(element.attribute(name).map(str::to_owned)),
            }
        });
        Ok(found)
    }

    /// Every text and attribute with its path, in the order of the document. Texts of white space alone are left out.
    pub(crate) fn leaves(&self) -> Vec<(String, String)> {
        let mut leaves = Vec::new();
        self.visit(&mut Vec::new(), &mut |ancestors| {
            let Some(element) = ancestors.last() else { return };
            let path = ancestors.iter().map(|element| element.name.as_str()).collect::<Vec<_>>().join("/");
            let attributes = element.attributes.iter();
            leaves.extend(attributes.map(|(name, value)| (format!("{path}/@{name}"), value.clone())));
            let texts = element.content.iter().filter_map(|content| match content {
                Content::Text(text) => Some(text.as_str()),
                Content::Element(_) => None,
            });
            let text: String = texts.collect();
            let has_elements = element.elements().next().is_some();
            if !has_elements || !text.trim().is_empty() {
                leaves.push((path, text));
            }
        });
        leaves
    }

    /// Visits every element below this one, each with the elements around it.
    fn visit<'e>(&'e self, ancestors: &mut Vec<&'e Self>, visitor: &mut dyn FnMut(&[&'e Self])) {
        for element in self.elements() {
            ancestors.push(element);
            visitor(ancestors);
            element.visit(ancestors, visitor);
            ancestors.pop();
        }
    }

    fn elements(&self) -> impl Iterator<Item = &Self> {
        self.content.iter().filter_map(|content| match content {
            Content::Element(element) => Some(element),
            Content::Text(_) => None,
        })
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    /// Its text and that of all elements in it.
    fn text(&self) -> String {
        let text = |content: &Content| match content {
            Content::Text(text) => text.clone(),
            Content::Element(element) => element.text(),
        };
        self.content.iter().map(text).collect()
    }
}

fn add(open: &mut [Element], content: Content) {
    if let Some(element) = open.last_mut() {
        element.content.push(content);
    }
}

/// One element of a path, such as `Attribute` or `Attribute[@Name=team]`.
struct Step<'p> {
    name: &'p str,
    condition: Option<(&'p str, &'p str)>,
}

impl Step<'_> {
    fn fits(&self, element: &Element) -> bool {
        element.name == self.name
            && self.condition.is_none_or(|(name, value)| element.attribute(name) == Some(value))
    }
}

/// The elements of a path, and the attribute at its end. A value in brackets may contain a slash.
fn parsed(path: &str) -> Option<(Vec<Step<'_>>, Option<&str>)> {
    let mut steps = Vec::new();
    let mut rest = path;
    loop {
        if let Some(attribute) = rest.strip_prefix('@') {
            return (!attribute.is_empty() && !steps.is_empty()).then_some((steps, Some(attribute)));
        }
        let (name, after) = rest.split_at(rest.find(['/', '[']).unwrap_or(rest.len()));
        let (condition, after) = match after.strip_prefix("[@") {
            None => (None, after),
            Some(inside) => {
                let (condition, after) = inside.split_once(']')?;
                (Some(condition.split_once('=')?), after)
            }
        };
        if name.is_empty() {
            return None;
        }
        steps.push(Step { name, condition });
        match after.strip_prefix('/') {
            Some(next) => rest = next,
            None => return after.is_empty().then_some((steps, None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<?xml version=\"1.0\"?>\n<s:R xmlns:s=\"x\"><I>outer</I><A ID=\"1\"><I>in&amp;ner &#50;</I>\
        <T N=\"a/b\"><V>x</V><V>y</V></T><T N=\"c\"/><!-- no --></A></s:R>\n";

    fn texts(path: &str) -> Vec<String> {
        Element::document(DOCUMENT).unwrap().texts(path).unwrap()
    }

    #[test]
    fn a_path_is_the_end_of_an_elements_path() {
        assert_eq!(texts("I"), ["outer", "in&ner 2"]);
        assert_eq!(texts("A/I"), ["in&ner 2"]);
        assert_eq!(texts("R/A/I"), ["in&ner 2"]);
        assert_eq!(texts("R/I"), ["outer"]);
        assert!(texts("I/A").is_empty());
    }

    #[test]
    fn an_attribute_and_a_condition_end_a_path() {
        assert_eq!(texts("T/@N"), ["a/b", "c"]);
        assert_eq!(texts("A/@ID"), ["1"]);
        assert_eq!(texts("T[@N=a/b]/V"), ["x", "y"]);
        assert_eq!(texts("T[@N=a/b]"), ["xy"]);
        assert_eq!(texts("T[@N=c]"), [""]);
        assert!(texts("T[@N=d]").is_empty());
    }

    #[test]
    fn the_leaves_are_all_texts_and_attributes() {
        let document = "<r a='1'> <b/><b>x&lt;</b>y</r>";
        let leaves = Element::document(document).unwrap().leaves();
        let expected = [("r/@a", "1"), ("r", " y"), ("r/b", ""), ("r/b", "x<")];
        assert_eq!(leaves, expected.map(|(path, text)| (path.to_owned(), text.to_owned())));
    }

    #[test]
    fn a_malformed_path_is_refused() {
        let document = Element::document(DOCUMENT).unwrap();
        for path in ["", "/A", "A/", "@N", "A/@", "T[@N]", "T[@N=c", "T[@N=c]x", "T[N=c]"] {
            assert!(document.texts(path).is_err(), "{path}");
        }
    }

    #[test]
    fn what_is_not_one_plain_document_is_refused() {
        for text in ["", "no", "<a>", "<a></b>", "<a/><b/>", "<!DOCTYPE a><a/>", "<a>&b;</a>", "<?b c?><a/>"]
        {
            assert!(Element::document(text).is_err(), "{text}");
        }
    }
}
