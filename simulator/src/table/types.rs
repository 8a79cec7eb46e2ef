//! What parameters and answers are made of: texts, numbers, arrays, and structures by name.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;

/// A parameter, or a member of a structure.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Member {
    pub(crate) name: String,
    #[serde(rename = "type")]
    pub(crate) kind: Type,
    #[serde(default)]
    pub(crate) required: bool,
    /// Answers show it empty.
    #[serde(default)]
    pub(crate) secret: bool,
}

/// The type of a parameter.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(from = "String")]
pub(crate) enum Type {
    Text,
    Integer,
    /// An integer that is not negative.
    Unsigned,
    Boolean,
    Float,
    /// An object without documented members.
    Map,
    Array(Box<Type>),
    Structure(String),
}

/// A structure as the file writes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Structure {
    pub(crate) name: String,
    pub(crate) members: Vec<Member>,
}

/// The structures of an API version.
#[derive(Debug, Default)]
pub(crate) struct Types(BTreeMap<String, Vec<Member>>);

impl From<String> for Type {
    fn from(text: String) -> Self {
        match text.as_str() {
            "String" => Self::Text,
            "Integer" => Self::Integer,
            "Unsigned" => Self::Unsigned,
            "Boolean" => Self::Boolean,
            "Float" => Self::Float,
            "Map" => Self::Map,
            other => match other.strip_prefix("Array of ") {
                Some(element) => Self::Array(Box::new(Self::from(element.to_owned()))),
                None => Self::Structure(text),
            },
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => out.write_str("String"),
            Self::Integer => out.write_str("Integer"),
            Self::Unsigned => out.write_str("Integer that is not negative"),
            Self::Boolean => out.write_str("Boolean"),
            Self::Float => out.write_str("Float"),
            Self::Map => out.write_str("Map"),
            Self::Array(element) => write!(out, "Array of {element}"),
            Self::Structure(name) => out.write_str(name),
        }
    }
}

impl Types {
    /// Takes a structure in; false if its name was there.
    pub(super) fn add(&mut self, structure: Structure) -> bool {
        self.0.insert(structure.name, structure.members).is_none()
    }

    /// The members of a structure; none for a name that the table lacks (the load refuses such a table).
    pub(crate) fn members(&self, name: &str) -> &[Member] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&String, &Vec<Member>)> {
        self.0.iter()
    }
}
