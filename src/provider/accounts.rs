//! Parameters that name an account of the cloud.

use super::action::Action;
use super::path::Tree;
use super::shape::{Mark, Shape, Type};
use crate::parameters::Value;

impl Action {
    /// The first parameter of a call that names an account of the cloud, and the account. An empty text names none.
    pub fn named_account<'t>(&self, parameters: &'t Value) -> Option<(String, &'t str)> {
        in_members(&self.parameters, parameters)
    }
}

fn in_members<'t>(shape: &Shape, value: &'t Value) -> Option<(String, &'t str)> {
    let Value::Object(members) = value else { return None };
    members.iter().find_map(|(name, value)| {
        let field = shape.field(name)?;
        let found = match field.mark {
            Some(Mark::Account) => {
                let account = value.text().filter(|text| !text.trim().is_empty())?;
                return Some((name.clone(), account));
            }
            _ => in_value(&field.value, value)?,
        };
        Some((format!("{name}.{}", found.0), found.1))
    })
}

fn in_value<'t>(of: &Type, value: &'t Value) -> Option<(String, &'t str)> {
    match (of, value) {
        (Type::Structure(structure), value) => in_members(&structure.shape, value),
        (Type::List(element), Value::List(elements)) => elements.iter().find_map(|value| in_value(element, value)),
        _ => None,
    }
}
