//! The tree of a call's parameters, and how it is read from and written to the wire: JSON, and the clouds' flattened
//! names (`A.0.B=1`).
//!
//! The lowest room: it knows no table, no cloud and no call. Values keep the text that the caller wrote.

mod flat;
mod json;
mod value;

pub use flat::{FlatFault, flatten, flatten_from, unflatten, unflatten_from};
pub use json::{JsonFault, JsonLimits, read_json, write_json};
pub use value::Value;
