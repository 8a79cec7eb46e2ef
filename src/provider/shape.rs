//! What parameters and answers look like: names, types, presence and what is sensitive. Judges no value.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::path::{Elements, Path, Segment};

/// The members of an action's parameters, of an answer or of a structure.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shape {
    fields: BTreeMap<String, Field>,
}

/// One member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What its value is.
    pub value: Type,
    /// Refused when absent; inside a structure: whenever the structure is there.
    pub required: bool,
    /// Whether it must be kept out of sight.
    pub mark: Option<Mark>,
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// Text.
    String,
    /// A whole number of any size, with an optional sign.
    Integer,
    /// A number.
    Float,
    /// True or false.
    Boolean,
    /// A list of one type.
    List(Box<Type>),
    /// A structure, defined once and shared.
    Structure(Arc<Structure>),
}

/// A named structure.
#[derive(Debug, PartialEq, Eq)]
pub struct Structure {
    /// Its name in the cloud's documentation.
    pub name: String,
    /// Its members.
    pub shape: Shape,
}

/// Why a member is sensitive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Never recorded, and blanked in an answer.
    Secret,
    /// Free text that may hold a secret: never recorded, answered as it is.
    Opaque,
    /// Names a person or an account of a database: recorded, and worth knowing.
    Identity,
    /// Names an account of the cloud: refused unless it is the one that the call is made on.
    Account,
}

impl Shape {
    pub(super) fn new(fields: BTreeMap<String, Field>) -> Shape {
        Shape { fields }
    }

    /// The member of exactly this name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(name)
    }

    /// Every member, sorted by name.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &Field)> {
        self.fields.iter().map(|(name, field)| (name.as_str(), field))
    }

    /// The field at the end of a path; behind `[]` that is the list's own, whose type is then the element's.
    pub(super) fn at(&self, path: &Path) -> Option<(&Field, &Type)> {
        self.follow(path.segments())
    }

    fn follow(&self, segments: &[Segment]) -> Option<(&Field, &Type)> {
        let (segment, rest) = segments.split_first()?;
        let field = self.fields.get(&segment.name)?;
        let value = match (&segment.list, &field.value) {
            (None, value) => value,
            (Some(elements), Type::List(element)) => {
                if let Elements::Where { member, .. } = elements {
                    element.shape()?.field(member)?;
                }
                element
            }
            (Some(_), _) => return None,
        };
        if rest.is_empty() { Some((field, value)) } else { value.shape()?.follow(rest) }
    }
}

impl Type {
    fn shape(&self) -> Option<&Shape> {
        match self {
            Type::Structure(structure) => Some(&structure.shape),
            Type::String | Type::Integer | Type::Float | Type::Boolean | Type::List(_) => None,
        }
    }
}

/// As the tables and the cloud's documentation call it.
impl fmt::Display for Type {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::String => formatter.write_str("String"),
            Type::Integer => formatter.write_str("Integer"),
            Type::Float => formatter.write_str("Float"),
            Type::Boolean => formatter.write_str("Boolean"),
            Type::List(element) => write!(formatter, "Array of {element}"),
            Type::Structure(structure) => formatter.write_str(&structure.name),
        }
    }
}
