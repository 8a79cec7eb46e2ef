//! Parameters as flattened names: `MigrateOption.RunMode=1`, `JobIds.0=x`, `Tags.0.TagKey=`.
//!
//! Lists count from 0 (or as a cloud does: from 1 in `Tag.1.Key`) without gaps, in any order of arrival (SDKs sort `A.10` before `A.2`). A name has one meaning:
//! it is given once, and it is a value, a list or an object. Objects keep the order in which their members first come.

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::{JsonLimits, Value};

/// Why pairs make no tree. Names are cut to 128 characters.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FlatFault {
    /// The same name a second time.
    #[error("the parameter {name:?} is given twice")]
    Twice {
        /// The name.
        name: String,
    },
    /// A part of the name is empty, as in `A..B`.
    #[error("the parameter name {name:?} has an empty part")]
    EmptyPart {
        /// The name.
        name: String,
    },
    /// It is a value and also has members, or has members and also elements.
    #[error("the parameter {name:?} is given in two shapes")]
    Shape {
        /// The name.
        name: String,
    },
    /// The elements of a list are not numbered one after the other.
    #[error("the elements of {name:?} are not numbered from {first} without gaps")]
    Gap {
        /// The list's name.
        name: String,
        /// The number of a first element.
        first: usize,
    },
    /// More levels than a JSON body may have.
    #[error("the parameter {name:?} is nested deeper than {limit} levels")]
    TooDeep {
        /// The name.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// More members than a JSON body may have.
    #[error("there are more than {limit} parameters")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

/// A name's part in the tree that is being built. Nodes refer to one another by place, the root is at 0.
#[derive(Default)]
struct Node<'pairs> {
    part: &'pairs str,
    full: &'pairs str,
    text: Option<&'pairs str>,
    children: Vec<usize>,
}

/// Makes the tree; always an object. The limits are those of [`JsonLimits::default`].
///
/// # Errors
/// The first parameter whose name has no meaning beside the others.
pub fn unflatten(pairs: &[(String, String)]) -> Result<Value, FlatFault> {
    unflatten_from(pairs, 0)
}

/// As [`unflatten`], where lists count from `first`.
///
/// # Errors
/// As there.
pub fn unflatten_from(pairs: &[(String, String)], first: usize) -> Result<Value, FlatFault> {
    let limits = JsonLimits::default();
    let mut nodes = vec![Node::default()];
    let mut places: HashMap<(usize, &str), usize> = HashMap::new();
    for (name, text) in pairs {
        let mut here = 0;
        let mut end = 0;
        for (level, part) in name.split('.').enumerate() {
            end += usize::from(level > 0) + part.len();
            if part.is_empty() {
                return Err(FlatFault::EmptyPart { name: shown(name) });
            }
            if level >= limits.depth {
                return Err(FlatFault::TooDeep { name: shown(name), limit: limits.depth });
            }
            here = match places.get(&(here, part)) {
                Some(place) => *place,
                None => {
                    let place = nodes.len();
                    if place > limits.members {
                        return Err(FlatFault::TooMany { limit: limits.members });
                    }
                    places.insert((here, part), place);
                    nodes[here].children.push(place);
                    nodes.push(Node { part, full: &name[..end], ..Node::default() });
                    place
                }
            };
        }
        if nodes[here].text.replace(text).is_some() {
            return Err(FlatFault::Twice { name: shown(name) });
        }
    }
    let members = &nodes[0].children;
    members.iter().map(|place| member(&nodes, *place, first)).collect::<Result<_, _>>().map(Value::Object)
}

/// The inverse of [`unflatten`]. Null and empty lists and objects vanish, as the SDKs let them; the elements of a list
/// keep their numbers. Everything becomes text.
pub fn flatten(value: &Value) -> Vec<(String, String)> {
    flatten_from(value, 0)
}

/// As [`flatten`], where lists count from `first`.
pub fn flatten_from(value: &Value, first: usize) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    flatten_into(value, first, &mut String::new(), &mut pairs);
    pairs
}

fn flatten_into(value: &Value, first: usize, name: &mut String, pairs: &mut Vec<(String, String)>) {
    let mut within = |part: &str, inner: &Value| {
        let outer = name.len();
        if outer > 0 {
            name.push('.');
        }
        name.push_str(part);
        flatten_into(inner, first, name, pairs);
        name.truncate(outer);
    };
    match value {
        Value::Object(members) => members.iter().for_each(|(part, member)| within(part, member)),
        Value::List(elements) => {
            elements.iter().enumerate().for_each(|(index, element)| within(&(first + index).to_string(), element));
        }
        scalar => pairs.extend(scalar.as_text().map(|text| (name.clone(), text.to_owned()))),
    }
}

fn member(nodes: &[Node<'_>], place: usize, first: usize) -> Result<(String, Value), FlatFault> {
    let node = &nodes[place];
    Ok((node.part.to_owned(), tree(nodes, node, first)?))
}

fn tree(nodes: &[Node<'_>], node: &Node<'_>, first: usize) -> Result<Value, FlatFault> {
    match node.text {
        Some(text) if node.children.is_empty() => return Ok(Value::Text(text.to_owned())),
        Some(_) => return Err(FlatFault::Shape { name: shown(node.full) }),
        None => {}
    }
    let numbered = |place: &&usize| nodes[**place].part.bytes().all(|byte| byte.is_ascii_digit());
    match node.children.iter().filter(numbered).count() {
        0 => {
            node.children.iter().map(|place| member(nodes, *place, first)).collect::<Result<_, _>>().map(Value::Object)
        }
        count if count == node.children.len() => list(nodes, node, first),
        _ => Err(FlatFault::Shape { name: shown(node.full) }),
    }
}

fn list(nodes: &[Node<'_>], node: &Node<'_>, first: usize) -> Result<Value, FlatFault> {
    let gap = || FlatFault::Gap { name: shown(node.full), first };
    let mut elements = vec![Value::Null; node.children.len()];
    for place in &node.children {
        let child = &nodes[*place];
        let leading_zero = child.part.len() > 1 && child.part.starts_with('0');
        let number: usize = child.part.parse().map_err(|_| gap())?;
        let index = number.checked_sub(first).ok_or_else(gap)?;
        // Parts differ, so without leading zeros no index comes twice, and as many as there are places fill them all.
        match elements.get_mut(index) {
            Some(element) if !leading_zero => *element = tree(nodes, child, first)?,
            _ => return Err(gap()),
        }
    }
    Ok(Value::List(elements))
}

fn shown(name: &str) -> String {
    name.chars().take(128).collect()
}
