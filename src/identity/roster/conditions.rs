//! The parameters that a grant is about, and whether any call can have them.

use std::ops::Range;

use super::table::{Faults, Text, Value, texts};
use crate::call::Condition;
use crate::provider::{Action, Path, Type};

/// Reads a grant's `parameters`. `about`: the actions that the grant is about, if that is known.
pub(super) fn read_conditions(value: Value<'_>, about: Option<&[&Action]>, faults: &mut Faults<'_>) -> Vec<Condition> {
    let Some(members) = value.get_ref().as_table() else {
        faults.add(value.span(), "parameters must be a table, such as { \"MigrateOption.RunMode\" = [\"1\"] }");
        return Vec::new();
    };
    let mut conditions = Vec::new();
    for (path, value) in members {
        let one_of = texts("the values of a parameter", value, faults);
        if one_of.is_empty() {
            faults.add(value.span(), format!("{} needs at least one value, as text", path.get_ref()));
        }
        let parameter = match Path::parse(path.get_ref()) {
            Ok(parameter) => parameter,
            Err(error) => {
                faults.add(path.span(), error.to_string());
                continue;
            }
        };
        // Actions that there are not are told already.
        if let Some(about) = about.filter(|about| !about.is_empty()) {
            check_condition(&parameter, path.span(), &one_of, about, faults);
        }
        let one_of = one_of.into_iter().map(|(value, _)| value).collect();
        conditions.push(Condition { parameter, one_of });
    }
    conditions
}

/// A condition that no call can meet would lift a grant that denies, without a word.
fn check_condition(parameter: &Path, place: Range<usize>, one_of: &[Text], about: &[&Action], faults: &mut Faults<'_>) {
    let types: Vec<&Type> = about.iter().filter_map(|action| action.type_at(parameter)).collect();
    if types.is_empty() {
        faults.add(place, format!("{parameter} is no parameter of the actions that the grant is about"));
        return;
    }
    let has_parts = |of: &&Type| matches!(of, Type::Structure(_) | Type::List(_));
    let (whole, single): (Vec<&Type>, Vec<&Type>) = types.into_iter().partition(has_parts);
    match (single.first(), whole.first()) {
        (None, Some(Type::List(_))) => faults.add(place, format!("{parameter} is a list, write {parameter}[]")),
        (None, _) => faults.add(place, format!("{parameter} has parts, write the path of one of them")),
        (Some(first), _) => {
            for (text, span) in one_of.iter().filter(|(text, _)| !single.iter().any(|of| of.takes(text))) {
                faults.add(span.clone(), format!("{parameter} can't be {text}, it is of type {first}"));
            }
        }
    }
}
