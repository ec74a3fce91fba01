//! Parses an XML answer into a small tree of elements and texts, without namespaces and attributes.
//!
//! A document type is refused, and so is every entity that XML does not predefine. Therefore no entity can expand.

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::Event;

/// The largest number of elements in an answer. Answers of STS have about twenty.
const ELEMENTS_MAX: usize = 256;
/// The deepest nesting of elements. Answers of STS have four levels.
const DEPTH_MAX: usize = 8;

/// An element.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Element {
    /// The name without its namespace prefix.
    pub(crate) name: String,
    /// The text outside of its children.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

/// The text is not XML, or is beyond the limits of this module.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Element {
    /// The root element of a document.
    pub(crate) fn parse(document: &str) -> Result<Self, Malformed> {
        let mut reader = Reader::from_str(document);
        // The first element represents the document; its children are the roots.
        let mut open = vec![Self::default()];
        let mut elements = 0;
        loop {
            let event = reader.read_event().map_err(|_| Malformed)?;
            if let Event::Start(tag) | Event::Empty(tag) = &event {
                elements += 1;
                if elements > ELEMENTS_MAX || open.len() > DEPTH_MAX {
                    return Err(Malformed);
                }
                let name = tag.local_name().as_ref().to_owned();
                open.push(Self { name, ..Self::default() });
            }
            match event {
                Event::Start(_) | Event::Decl(_) | Event::Comment(_) => {}
                Event::Empty(_) | Event::End(_) => {
                    let closed = open.pop().ok_or(Malformed)?;
                    open.last_mut().ok_or(Malformed)?.children.push(closed);
                }
                Event::Text(text) => push(&mut open, &text.xml10_content())?,
                Event::CData(text) => push(&mut open, &text.xml10_content())?,
                Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| Malformed)? {
                    Some(character) => push(&mut open, character.encode_utf8(&mut [0; 4]))?,
                    None => push(&mut open, resolve_xml_entity(&reference.into_inner()).ok_or(Malformed)?)?,
                },
                Event::DocType(_) | Event::PI(_) => return Err(Malformed),
                Event::Eof => break,
            }
        }
        let document = open.pop().filter(|document| open.is_empty() && document.text.trim().is_empty());
        let document = document.ok_or(Malformed)?;
        let [root] = <[Self; 1]>::try_from(document.children).map_err(|_| Malformed)?;
        Ok(root)
    }

    /// The child with this name; `None` if there is no such child or more than one.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        let mut named = self.children.iter().filter(|child| child.name == name);
        let child = named.next()?;
        named.next().is_none().then_some(child)
    }

    /// The text of the only child with this name; `None` if it is empty.
    pub(crate) fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str()).filter(|text| !text.is_empty())
    }
}

fn push(open: &mut [Element], text: &str) -> Result<(), Malformed> {
    open.last_mut().ok_or(Malformed)?.text.push_str(text);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_texts_and_predefined_entities_are_read() {
        let root = Element::parse(
            "<?xml version=\"1.0\"?>\n<p:a xmlns:p=\"x\"><b>1 &lt; &#50;</b><c/><!-- no --></p:a>\n",
        )
        .unwrap();
        assert_eq!(root.name, "a");
        assert_eq!(root.text_of("b"), Some("1 < 2"));
        assert_eq!(root.child("c").unwrap().text, "");
        assert_eq!(root.text_of("c"), None);
    }

    #[test]
    fn a_child_that_occurs_twice_is_not_found() {
        let root = Element::parse("<a><b>1</b><b>2</b></a>").unwrap();
        assert_eq!(root.child("b"), None);
    }

    #[test]
    fn document_types_instructions_and_unknown_entities_are_refused() {
        for bad in [
            "<!DOCTYPE a><a></a>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
            "<a>&b;</a>",
            "<?php ?><a></a>",
            "<a><?x y?></a>",
        ] {
            assert_eq!(Element::parse(bad), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn a_document_that_is_not_one_complete_element_is_refused() {
        for bad in [
            "",
            "text",
            "<a></a>junk",
            "<a>",
            "<a></b>",
            "<a></a><b></b>",
            "</a>",
            "<a><b></a></b>",
            "<a",
            "<a>&</a>",
            "{}",
        ] {
            assert_eq!(Element::parse(bad), Err(Malformed), "{bad}");
        }
    }

    #[test]
    fn depth_and_number_of_elements_are_limited() {
        let deep = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(Element::parse(&deep(DEPTH_MAX)).is_ok());
        assert!(Element::parse(&deep(DEPTH_MAX + 1)).is_err());
        let wide = |children: usize| format!("<a>{}</a>", "<b/>".repeat(children));
        assert!(Element::parse(&wide(ELEMENTS_MAX - 1)).is_ok());
        assert!(Element::parse(&wide(ELEMENTS_MAX)).is_err());
    }
}
