//! An answer in XML as a tree of elements that remember where they stand, so that one can be blanked in place.
//!
//! Read event by event and without entities of a document's own: an answer may come from anywhere on the way.

use std::ops::Range;

use bytes::Bytes;
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use crate::parameters::Value;
use crate::provider::Node;

/// More levels than any answer has.
const DEEPEST: usize = 64;

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) name: String,
    /// The text directly in it, unescaped.
    text: String,
    children: Vec<Element>,
    /// What stands between its tags, in bytes.
    inside: Range<usize>,
}

/// The root; none for what is not one whole document.
pub(super) fn parse(body: &[u8]) -> Option<Element> {
    let mut reader = Reader::from_str(std::str::from_utf8(body).ok()?);
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let before = usize::try_from(reader.buffer_position()).ok()?;
        let event = reader.read_event().ok()?;
        let after = usize::try_from(reader.buffer_position()).ok()?;
        let closed = match event {
            Event::Start(tag) => {
                if root.is_some() || open.len() == DEEPEST {
                    return None;
                }
                open.push(Element::new(tag.local_name().as_ref(), after));
                continue;
            }
            Event::Empty(tag) if root.is_none() => Element::new(tag.local_name().as_ref(), after),
            Event::End(_) => {
                let mut element = open.pop()?;
                element.inside.end = before;
                element
            }
            Event::Text(text) => {
                append(&mut open, &text.xml10_content())?;
                continue;
            }
            Event::CData(text) => {
                append(&mut open, &text.xml10_content())?;
                continue;
            }
            Event::GeneralRef(reference) => {
                let text = match reference.resolve_char_ref().ok()? {
                    Some(character) => character.to_string(),
                    None => resolve_predefined_entity(&reference)?.to_owned(),
                };
                append(&mut open, &text)?;
                continue;
            }
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => continue,
            Event::Eof => return root.filter(|_| open.is_empty()),
            Event::DocType(_) | Event::Empty(_) => return None,
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(closed),
            None => root = Some(closed),
        }
    }
}

/// Text counts inside the root only; blanks may stand around it.
fn append(open: &mut [Element], text: &str) -> Option<()> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return None,
    }
    Some(())
}

impl Element {
    fn new(name: &str, at: usize) -> Element {
        Element { name: name.to_owned(), text: String::new(), children: Vec::new(), inside: at..at }
    }

    /// The text of the child of this name.
    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.children.iter().find(|child| child.name == name).map(|child| child.text.trim())
    }

    /// As the same answer is in JSON, but for a list of one element, which looks like the element itself.
    pub(super) fn value(&self) -> Value {
        if self.children.is_empty() {
            return Value::String(self.text.clone());
        }
        let mut members: Vec<(String, Vec<Value>)> = Vec::new();
        for child in &self.children {
            match members.iter_mut().find(|(name, _)| *name == child.name) {
                Some((_, values)) => values.push(child.value()),
                None => members.push((child.name.clone(), vec![child.value()])),
            }
        }
        let value = |(name, mut values): (String, Vec<Value>)| match values.len() {
            1 => (name, values.remove(0)),
            _ => (name, Value::List(values)),
        };
        Value::Object(members.into_iter().map(value).collect())
    }

    /// `body`, of which this is the root, without the text of secret elements.
    pub(super) fn blanked(&self, body: &Bytes, secrets: &Node) -> Bytes {
        let mut found = Vec::new();
        self.search(secrets, &mut found);
        if found.is_empty() {
            return body.clone();
        }
        let (mut blanked, mut copied) = (Vec::with_capacity(body.len()), 0);
        for place in found {
            blanked.extend_from_slice(&body[copied..place.start]);
            copied = place.end;
        }
        blanked.extend_from_slice(&body[copied..]);
        Bytes::from(blanked)
    }

    fn search(&self, node: &Node, found: &mut Vec<Range<usize>>) {
        for child in &self.children {
            match node.descend(&child.name) {
                Some(below) if below.is_secret() || below.element().is_secret() => found.push(child.inside.clone()),
                Some(below) => child.search(below, found),
                None => {}
            }
        }
    }
}
