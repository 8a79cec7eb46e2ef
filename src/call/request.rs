//! What a dialect read out of a request: no judgement yet.

use std::time::Duration;

use crate::parameters::Value;
use crate::provider::Family;

/// In which of the cloud's forms the parameters came; upstream gets the same form again.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Form {
    /// Flattened names in a query string (`GET`).
    Query,
    /// Flattened names in a form body (`POST`).
    FormBody,
    /// A JSON document (`POST`).
    Json,
}

/// In which language the answer is wanted, where a cloud has several.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum AnswerForm {
    /// JSON.
    #[default]
    Json,
    /// XML.
    Xml,
}

/// Where a request carries the protocol: its action, its time, its signature. Upstream gets it there again, in a family
/// whose parameters look the same either way.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Signing {
    /// In headers.
    #[default]
    InHeaders,
    /// Among the parameters.
    InParameters,
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
    /// The language that the answer must have.
    pub answer_form: AnswerForm,
    /// Where the protocol stood.
    pub signing: Signing,
    /// The parameters as a tree ([`Value::Object`] at the top), common parameters taken out.
    pub parameters: Value,
    /// Those of the parameters that belong to the protocol, unless the action has one of that name.
    pub unless_own: &'static [&'static str],
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
            answer_form: AnswerForm::default(),
            signing: Signing::default(),
            parameters: Value::Object(Vec::new()),
            unless_own: &[],
            account: None,
            max_wait: None,
            idempotency_key: None,
            wants_problem: false,
        }
    }
}
