//! Where something stands in a tree of parameters or in an answer: `SrcInfo.Password`, `JobList[].Status`,
//! `OtherOptions[Key=DstWriteMode].Value`. Works on any tree; knows nothing of actions.

use std::fmt;

use crate::parameters::Value;

/// A path from the top of a tree to zero or more values in it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    segments: Vec<Segment>,
}

/// A tree that a path can be followed in.
pub trait Tree: Sized {
    /// The member of that name, if this is an object and has one.
    fn member(&self, name: &str) -> Option<&Self>;
    /// The elements, if this is a list.
    fn elements(&self) -> Option<&[Self]>;
    /// The text of a scalar as it was written; nothing for null, lists and objects.
    fn text(&self) -> Option<&str>;
}

/// A path's text that cannot be read; displays what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no path: write member names with dots between them, `[]` or `[Name=value]` after a list's name")]
pub struct PathError(String);

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment {
    pub(super) name: String,
    pub(super) list: Option<Elements>,
}

/// Which elements of a list a segment goes on to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Elements {
    All,
    Where { member: String, equals: String },
}

impl Path {
    /// Reads a path's text.
    ///
    /// # Errors
    /// An empty name, or brackets that are not `[]` or `[Name=value]`.
    pub fn parse(text: &str) -> Result<Path, PathError> {
        let segments = text.split('.').map(Segment::parse).collect::<Option<Vec<_>>>();
        Ok(Path { segments: segments.ok_or_else(|| PathError(text.to_owned()))? })
    }

    /// Every value at this path, in the order of the tree. Nothing where a member is absent or a list is none.
    pub fn select<'t, T: Tree>(&self, tree: &'t T) -> Vec<&'t T> {
        select(&self.segments, tree)
    }

    /// The smallest tree that holds `value` at this path: every list has one element.
    pub fn build(&self, value: Value) -> Value {
        self.segments.iter().rev().fold(value, |inner, segment| {
            let inner = if segment.list.is_some() { Value::List(vec![inner]) } else { inner };
            Value::Object(vec![(segment.name.clone(), inner)])
        })
    }

    /// Splits behind the last list: the path of one element, and the way on from it.
    pub(super) fn split_at_last_list(&self) -> (&[Segment], &[Segment]) {
        let end = self.segments.iter().rposition(|segment| segment.list.is_some()).map_or(0, |index| index + 1);
        self.segments.split_at(end)
    }

    pub(super) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}

pub(super) fn select<'t, T: Tree>(segments: &[Segment], tree: &'t T) -> Vec<&'t T> {
    let mut found = vec![tree];
    for segment in segments {
        found = found
            .into_iter()
            .filter_map(|tree| tree.member(&segment.name))
            .flat_map(|tree| segment.go_on(tree))
            .collect();
    }
    found
}

impl Segment {
    fn parse(text: &str) -> Option<Segment> {
        let (name, list) = match text.split_once('[') {
            None => (text, None),
            Some((name, "]")) => (name, Some(Elements::All)),
            Some((name, rest)) => {
                let (member, equals) = rest.strip_suffix(']')?.split_once('=')?;
                if !is_name(member) || equals.is_empty() {
                    return None;
                }
                (name, Some(Elements::Where { member: member.to_owned(), equals: equals.to_owned() }))
            }
        };
        is_name(name).then(|| Segment { name: name.to_owned(), list })
    }

    fn go_on<'t, T: Tree>(&self, tree: &'t T) -> Vec<&'t T> {
        match &self.list {
            None => vec![tree],
            Some(elements) => {
                tree.elements().unwrap_or_default().iter().filter(|element| elements.include(*element)).collect()
            }
        }
    }
}

impl Elements {
    fn include<T: Tree>(&self, element: &T) -> bool {
        match self {
            Elements::All => true,
            // Whatever the cloud might take for it: a danger must not hide behind another spelling.
            Elements::Where { member, equals } => {
                element.member(member).and_then(T::text).is_some_and(|text| text.trim().eq_ignore_ascii_case(equals))
            }
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.segments.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            write!(formatter, "{dot}{}", segment.name)?;
            match &segment.list {
                None => {}
                Some(Elements::All) => formatter.write_str("[]")?,
                Some(Elements::Where { member, equals }) => write!(formatter, "[{member}={equals}]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Path({self})")
    }
}

impl Tree for Value {
    fn member(&self, name: &str) -> Option<&Value> {
        match self {
            Value::Object(members) => members.iter().find(|(key, _)| key == name).map(|(_, value)| value),
            _ => None,
        }
    }

    fn elements(&self) -> Option<&[Value]> {
        match self {
            Value::List(elements) => Some(elements),
            _ => None,
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) | Value::String(text) | Value::Number(text) => Some(text),
            Value::Bool(flag) => Some(if *flag { "true" } else { "false" }),
            Value::Null | Value::List(_) | Value::Object(_) => None,
        }
    }
}

impl Tree for serde_json::Value {
    fn member(&self, name: &str) -> Option<&serde_json::Value> {
        self.as_object()?.get(name)
    }

    fn elements(&self) -> Option<&[serde_json::Value]> {
        self.as_array().map(Vec::as_slice)
    }

    fn text(&self) -> Option<&str> {
        match self {
            serde_json::Value::String(text) => Some(text),
            serde_json::Value::Number(number) => Some(number.as_str()),
            serde_json::Value::Bool(flag) => Some(if *flag { "true" } else { "false" }),
            serde_json::Value::Null | serde_json::Value::Array(_) | serde_json::Value::Object(_) => None,
        }
    }
}

/// Letters, digits, `_` and `-`: what a member may be called in a table.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}
