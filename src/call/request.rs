//! What a dialect read out of a request: no judgement yet.

use std::time::Duration;

use crate::parameters::Value;
use crate::provider::Family;

/// In which of the cloud's forms the parameters came; upstream gets the same form again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Flattened names in a query string (`GET`).
    Query,
    /// Flattened names in a form body (`POST`).
    FormBody,
    /// A JSON document (`POST`).
    Json,
}

/// The request's meaning, as far as it could be read.
#[derive(Clone, Debug)]
pub struct Request {
    /// Whose shape the answer must have.
    pub family: Family,
    /// The API version, such as `2018-03-30`; empty when none was given.
    pub version: String,
    /// The action, such as `StartMigrateJob`; empty when none was given.
    pub action: String,
    /// The region that the caller named, if it did.
    pub region: Option<String>,
    /// The form that the parameters came in.
    pub form: Form,
    /// The parameters as a tree ([`Value::Object`] at the top), common parameters taken out.
    pub parameters: Value,
    /// `X-DTS-Gateway-Account`: the account that the caller asks for.
    pub account: Option<String>,
    /// `X-DTS-Gateway-Max-Wait`: how long the call may wait for its turn.
    pub max_wait: Option<Duration>,
    /// `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The caller prefers `application/problem+json` with true HTTP statuses over the cloud's own shape.
    pub wants_problem: bool,
}

impl Request {
    /// What is known of a request before anything of it was read.
    pub fn unread(family: Family) -> Request {
        Request {
            family,
            version: String::new(),
            action: String::new(),
            region: None,
            form: Form::Json,
            parameters: Value::Object(Vec::new()),
            account: None,
            max_wait: None,
            idempotency_key: None,
            wants_problem: false,
        }
    }
}
