//! Blanks secret members of an answer and leaves every other byte as it came.

use std::ops::Range;

use bytes::Bytes;
use serde_json::value::RawValue;

use crate::provider::Node;

/// `body` with `""` in place of every secret that is not empty. `inside` is the part of `body` that `secrets` is about.
///
/// The part was parsed before, so a piece that cannot be read here cannot occur; it would be left out of the answer.
pub(super) fn blank(body: &Bytes, inside: &RawValue, secrets: &Node) -> Bytes {
    let mut found = Vec::new();
    search(inside, secrets, body, &mut found);
    if found.is_empty() {
        return body.clone();
    }
    let mut blanked = Vec::with_capacity(body.len());
    let mut copied = 0;
    for place in found {
        blanked.extend_from_slice(&body[copied..place.start]);
        blanked.extend_from_slice(b"\"\"");
        copied = place.end;
    }
    blanked.extend_from_slice(&body[copied..]);
    Bytes::from(blanked)
}

fn search(raw: &RawValue, node: &Node, body: &Bytes, found: &mut Vec<Range<usize>>) {
    let text = raw.get();
    if node.is_secret() {
        if !matches!(text, "\"\"" | "null" | "[]" | "{}") {
            found.push(place_of(text, body));
        }
        return;
    }
    match text.as_bytes().first() {
        Some(b'{') => {
            let members: Members<'_> = serde_json::from_str(text).unwrap_or_default();
            for (name, value) in members.0 {
                if let Some(below) = node.descend(&name) {
                    search(value, below, body, found);
                }
            }
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
            for element in elements {
                search(element, node.element(), body, found);
            }
        }
        _ => {}
    }
}

/// Where a piece borrowed from `body` stands in it.
fn place_of(piece: &str, body: &Bytes) -> Range<usize> {
    let start = piece.as_ptr() as usize - body.as_ptr() as usize;
    start..start + piece.len()
}

/// The members of an object in their order; a name that comes twice is kept twice, so that neither escapes.
#[derive(Default)]
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de> serde::Deserialize<'de> for Members<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}
