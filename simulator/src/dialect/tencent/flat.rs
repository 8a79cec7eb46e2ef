//! Flattened parameters (`Tags.0.TagKey=a`) as the nested value that they stand for; every leaf stays text.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::dialect::ApiError;

/// More levels than any parameter has; a longer name is taken as one unknown name.
const DEEPEST: usize = 16;

enum Node {
    Leaf(String),
    Branch(BTreeMap<String, Node>),
}

/// Nests the pairs; a name that is there twice, or both a value and a structure, is an error.
pub(super) fn nest<N, V>(pairs: impl Iterator<Item = (N, V)>) -> Result<Map<String, Value>, ApiError>
where
    N: AsRef<str>,
    V: AsRef<str>,
{
    let mut root = BTreeMap::new();
    for (name, value) in pairs {
        let name = name.as_ref();
        let mut segments: Vec<&str> = name.split('.').collect();
        if segments.len() > DEEPEST || segments.iter().any(|segment| segment.is_empty()) {
            segments = vec![name];
        }
        if !insert(&mut root, &segments, value.as_ref()) {
            let message = format!("The parameter `{name}` is there more than once or contradicts another.");
            return Err(ApiError::new("InvalidParameter", message));
        }
    }
    Ok(root.into_iter().map(|(name, node)| (name, node.into_value())).collect())
}

fn insert(branch: &mut BTreeMap<String, Node>, segments: &[&str], value: &str) -> bool {
    match segments {
        [] => false,
        [last] => {
            let free = !branch.contains_key(*last);
            if free {
                branch.insert((*last).to_owned(), Node::Leaf(value.to_owned()));
            }
            free
        }
        [first, rest @ ..] => {
            match branch.entry((*first).to_owned()).or_insert_with(|| Node::Branch(BTreeMap::new())) {
                Node::Branch(inner) => insert(inner, rest, value),
                Node::Leaf(_) => false,
            }
        }
    }
}

impl Node {
    fn into_value(self) -> Value {
        match self {
            Self::Leaf(text) => Value::String(text),
            Self::Branch(inner) => {
                let indexes: Option<Vec<u32>> = inner.keys().map(|key| key.parse().ok()).collect();
                match indexes {
                    Some(indexes) => {
                        let mut elements: Vec<(u32, Node)> = indexes.into_iter().zip(inner.into_values()).collect();
                        elements.sort_by_key(|(index, _)| *index);
                        Value::Array(elements.into_iter().map(|(_, node)| node.into_value()).collect())
                    }
                    None => Value::Object(inner.into_iter().map(|(name, node)| (name, node.into_value())).collect()),
                }
            }
        }
    }
}
