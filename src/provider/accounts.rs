//! Parameters that name an account of the cloud.

use super::action::Action;
use super::path::Tree;
use super::shape::{Mark, Shape, Type};
use crate::parameters::Value;

impl Action {
    /// The parameters of a call that name an account of the cloud, each with the account. An empty text names none.
    pub fn named_accounts<'t>(&self, parameters: &'t Value) -> Vec<(String, &'t str)> {
        let mut found = Vec::new();
        in_members(&self.parameters, parameters, "", &mut found);
        found
    }
}

fn in_members<'t>(shape: &Shape, value: &'t Value, above: &str, found: &mut Vec<(String, &'t str)>) {
    let Value::Object(members) = value else { return };
    for (name, value) in members {
        let Some(field) = shape.field(name) else { continue };
        let path = if above.is_empty() { name.clone() } else { format!("{above}.{name}") };
        match field.mark {
            Some(Mark::Account) => {
                let account = value.text().filter(|text| !text.trim().is_empty());
                found.extend(account.map(|account| (path, account)));
            }
            _ => in_value(&field.value, value, &path, found),
        }
    }
}

fn in_value<'t>(of: &Type, value: &'t Value, path: &str, found: &mut Vec<(String, &'t str)>) {
    match (of, value) {
        (Type::Structure(structure), value) => in_members(&structure.shape, value, path, found),
        (Type::List(element), Value::List(elements)) => {
            elements.iter().for_each(|value| in_value(element, value, path, found));
        }
        _ => {}
    }
}
