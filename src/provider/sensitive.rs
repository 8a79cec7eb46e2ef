//! Which members of a request or an answer must be kept out of sight, as a tree to walk along with the data; and the
//! copy of parameters that may be written down. Follows from the marks in the structures: no path is written by hand.

use std::collections::BTreeMap;

use super::action::Action;
use super::check::check_value;
use super::shape::{Mark, Shape, Type};
use crate::parameters::Value;

/// The sensitive members of one request or one answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathSet {
    root: Node,
}

/// A place in the data at or below which something is sensitive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    mark: Option<Mark>,
    members: BTreeMap<String, Node>,
    element: Option<Box<Node>>,
}

/// The version of how parameters are redacted, in every record. Raise it when the code below, the marks' meaning or the
/// bound on a record's parameters changes what a record shows; what the tables mark is told by their digest.
pub const REDACTION: u32 = 1;

/// What stands where something was taken out.
pub const REDACTED: &str = "[redacted]";

/// The name under which a member that the action does not have is written down: its own may be a secret.
pub const UNKNOWN_MEMBER: &str = "[unknown]";

impl PathSet {
    pub(super) fn of(shape: &Shape) -> PathSet {
        PathSet { root: Node::of_shape(shape).unwrap_or_default() }
    }

    /// The top of the data.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// Whether nothing at all is sensitive.
    pub fn is_empty(&self) -> bool {
        self.root == Node::default()
    }

    /// Every sensitive path with its mark, sorted: for documents and tests.
    pub fn paths(&self) -> Vec<(String, Mark)> {
        let mut found = Vec::new();
        self.root.collect("", &mut found);
        found
    }
}

impl Node {
    /// The node of an object's member; none: nothing below it is sensitive.
    ///
    /// Where the tables expect a list and the data has its element, the element's members count.
    pub fn descend(&self, name: &str) -> Option<&Node> {
        self.members.get(name).or_else(|| self.element.as_deref()?.descend(name))
    }

    /// The node of every element of a list. Where the tables expect no list it is this very node, so that a list in
    /// the place of one object hides as much.
    pub fn element(&self) -> &Node {
        self.element.as_deref().unwrap_or(self)
    }

    /// Why the value at this very place is sensitive.
    pub fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// Whether the value at this very place is blanked in an answer.
    pub fn is_secret(&self) -> bool {
        self.mark == Some(Mark::Secret)
    }

    fn of_shape(shape: &Shape) -> Option<Node> {
        let members: BTreeMap<String, Node> = shape
            .fields()
            .filter_map(|(name, field)| {
                let mut node = Node::of_type(&field.value).unwrap_or_default();
                node.mark = field.mark;
                (node != Node::default()).then(|| (name.to_owned(), node))
            })
            .collect();
        (!members.is_empty()).then(|| Node { members, ..Node::default() })
    }

    fn of_type(value: &Type) -> Option<Node> {
        match value {
            Type::Structure(structure) => Node::of_shape(&structure.shape),
            Type::List(element) => {
                Node::of_type(element).map(|node| Node { element: Some(Box::new(node)), ..Node::default() })
            }
            Type::String | Type::Integer | Type::Float | Type::Boolean => None,
        }
    }

    fn collect(&self, path: &str, found: &mut Vec<(String, Mark)>) {
        if let Some(mark) = self.mark {
            found.push((path.to_owned(), mark));
        }
        if let Some(element) = &self.element {
            element.collect(&format!("{path}[]"), found);
        }
        for (name, node) in &self.members {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            node.collect(&below, found);
        }
    }
}

impl Action {
    /// A copy of the parameters that may be written down: secrets and opaque texts are gone, and so is everything that
    /// the action does not know or that is not of its type, as nobody can tell what such a value is.
    pub fn redacted(&self, parameters: &Value) -> Value {
        match parameters {
            Value::Object(members) => redacted_members(&self.parameters, members),
            _ => Value::Text(REDACTED.to_owned()),
        }
    }
}

fn redacted_members(shape: &Shape, members: &[(String, Value)]) -> Value {
    let redacted = members.iter().map(|(name, value)| match shape.field(name) {
        None => (UNKNOWN_MEMBER.to_owned(), Value::Text(REDACTED.to_owned())),
        Some(field) => match field.mark {
            Some(Mark::Secret | Mark::Opaque) => (name.clone(), Value::Text(REDACTED.to_owned())),
            Some(Mark::Identity | Mark::Account) | None => (name.clone(), redacted_value(&field.value, value)),
        },
    });
    Value::Object(redacted.collect())
}

fn redacted_value(expected: &Type, value: &Value) -> Value {
    match (expected, value) {
        (_, Value::Null) => Value::Null,
        (Type::Structure(structure), Value::Object(members)) => redacted_members(&structure.shape, members),
        (Type::List(element), Value::List(elements)) => {
            Value::List(elements.iter().map(|value| redacted_value(element, value)).collect())
        }
        (Type::Structure(_) | Type::List(_), _) | (_, Value::List(_) | Value::Object(_)) => {
            Value::Text(REDACTED.to_owned())
        }
        // What is in the wrong place may be a password there.
        (expected, scalar) if check_value(expected, scalar, 0).is_err() => Value::Text(REDACTED.to_owned()),
        (Type::String | Type::Integer | Type::Float | Type::Boolean, scalar) => scalar.clone(),
    }
}
