//! The account's databases that a migration could use: two, whatever was told elsewhere.

use serde_json::{Value, json};

use super::super::render::{list_answer, page};
use super::super::{Call, Done};
use super::is;
use crate::dialect::ApiError;

pub(in crate::cloud) fn list(call: &Call<'_>) -> Result<Done, ApiError> {
    let engine = call.text("DatabaseType");
    let instance = |number: u16| {
        json!({
            "InstanceId": format!("{engine}-sample{number:02}"), "InstanceName": format!("sample {number}"),
            "Vip": format!("192.0.2.{}", 100 + number), "Vport": 3306, "Usable": 1, "Hint": "",
        })
    };
    let fits = |instance: &Value| {
        let text = |name: &str| instance.get(name).and_then(Value::as_str).unwrap_or("").to_owned();
        is(call, "InstanceId", &text("InstanceId")) && text("InstanceName").contains(call.text("InstanceName"))
    };
    let found: Vec<Value> = (1..=2).map(instance).filter(fits).collect();
    let total = found.len();
    Ok(list_answer(call, &json!({ "TotalCount": total, "Instances": page(call, found)? })))
}
