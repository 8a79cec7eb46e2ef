//! The smallest parameters that an action's row accepts.

use dts_gateway::provider::{Action, Shape, TaskRef, Type};
use serde_json::{Map, Value, json};

/// Every required parameter, and the ids of `tasks`.
pub fn parameters(action: &Action, tasks: &[&TaskRef]) -> Value {
    let mut sample = required(&action.parameters);
    for id in &action.ids {
        let named = tasks.iter().find(|task| task.kind == id.task);
        if let (Some(task), false) = (named, id.names_many()) {
            sample.insert(id.path.to_string(), json!(task.id));
        }
    }
    Value::Object(sample)
}

fn required(shape: &Shape) -> Map<String, Value> {
    let fields = shape.fields().filter(|(_, field)| field.required);
    fields.map(|(name, field)| (name.to_owned(), value(&field.value))).collect()
}

fn value(value_type: &Type) -> Value {
    match value_type {
        Type::String => json!("sample"),
        Type::Integer => json!(1),
        Type::Float => json!(1.5),
        Type::Boolean => json!(true),
        Type::List(element) => json!([value(element)]),
        Type::Structure(structure) => Value::Object(required(&structure.shape)),
    }
}
