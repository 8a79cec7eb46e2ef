//! Turns member rows into shapes: types are read, structures are looked up, each built once and shared.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::super::error::{At, Report};
use super::super::super::path::is_name;
use super::super::super::shape::{Field, Mark, Shape, Structure, Type};
use super::super::actions::FieldRow;

/// The structures of a version.
pub(super) struct Structures<'r> {
    rows: BTreeMap<&'r str, &'r (At<String>, Vec<FieldRow>)>,
    report: &'r Report,
    built: RefCell<BTreeMap<String, Option<Arc<Structure>>>>,
    used: RefCell<BTreeSet<String>>,
}

impl<'r> Structures<'r> {
    pub(super) fn new(rows: &'r [(At<String>, Vec<FieldRow>)], report: &'r Report) -> Structures<'r> {
        let structures = Structures {
            rows: rows.iter().map(|row| (row.0.value.as_str(), row)).collect(),
            report,
            built: RefCell::default(),
            used: RefCell::default(),
        };
        for (name, _) in rows {
            if matches!(name.value.as_str(), "String" | "Integer" | "Float" | "Boolean") {
                report.add(&name.place, format!("`{}` is a type already", name.value));
            }
            structures.build(&name.value, &mut Vec::new());
        }
        structures
    }

    /// The shape of an action's parameters or answer.
    pub(super) fn shape(&self, rows: &[FieldRow]) -> Shape {
        self.shape_within(rows, &mut Vec::new())
    }

    pub(super) fn report_unused(&self) {
        for (name, _) in self.rows.values().filter(|row| !self.used.borrow().contains(&row.0.value)) {
            self.report.add(&name.place, format!("nothing is of the structure `{}`", name.value));
        }
    }

    fn shape_within(&self, rows: &[FieldRow], inside: &mut Vec<String>) -> Shape {
        let mut fields = BTreeMap::new();
        for row in rows {
            if !is_name(&row.name.value) {
                self.report.add(&row.name.place, format!("`{}` is no member's name", row.name.value));
            }
            if let Some(field) = self.field(&row.words, inside) {
                fields.insert(row.name.value.clone(), field);
            }
        }
        Shape::new(fields)
    }

    /// `Type words`, for example `SrcInfo[] required`.
    fn field(&self, text: &At<String>, inside: &mut Vec<String>) -> Option<Field> {
        let mut words = text.value.split_ascii_whitespace();
        let value = self.read_type(words.next().unwrap_or_default(), text, inside);
        let (mut required, mut mark) = (false, None);
        for word in words {
            let fresh = match word {
                "required" => !std::mem::replace(&mut required, true),
                "secret" => mark.replace(Mark::Secret).is_none(),
                "opaque" => mark.replace(Mark::Opaque).is_none(),
                "identity" => mark.replace(Mark::Identity).is_none(),
                "account" => mark.replace(Mark::Account).is_none(),
                _ => false,
            };
            if !fresh {
                let message =
                    format!("`{word}` is not one of: required; at most one of secret, opaque, identity, account");
                self.report.add(&text.place, message);
            }
        }
        Some(Field { value: value?, required, mark })
    }

    fn read_type(&self, name: &str, text: &At<String>, inside: &mut Vec<String>) -> Option<Type> {
        if let Some(element) = name.strip_suffix("[]") {
            return Some(Type::List(Box::new(self.read_type(element, text, inside)?)));
        }
        match name {
            "String" => Some(Type::String),
            "Integer" => Some(Type::Integer),
            "Float" => Some(Type::Float),
            "Boolean" => Some(Type::Boolean),
            _ if !self.rows.contains_key(name) => {
                self.report.add(&text.place, format!("`{name}` is neither a type nor a structure"));
                None
            }
            _ if inside.iter().any(|outer| outer == name) => {
                self.report.add(&text.place, format!("the structure `{name}` contains itself"));
                None
            }
            _ => {
                self.used.borrow_mut().insert(name.to_owned());
                self.build(name, inside).map(Type::Structure)
            }
        }
    }

    fn build(&self, name: &str, inside: &mut Vec<String>) -> Option<Arc<Structure>> {
        if let Some(built) = self.built.borrow().get(name) {
            return built.clone();
        }
        let (_, rows) = self.rows.get(name)?;
        inside.push(name.to_owned());
        let shape = self.shape_within(rows, inside);
        inside.pop();
        let structure = Some(Arc::new(Structure { name: name.to_owned(), shape }));
        self.built.borrow_mut().insert(name.to_owned(), structure.clone());
        structure
    }
}
