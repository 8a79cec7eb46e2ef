//! How a cloud family speaks: reading a request, writing a refusal, asking the cloud, understanding its answer.
//!
//! Nothing outside this room knows a family's parameter names, envelopes or codes. It judges nothing.

mod aliyun;
mod blank;
mod own_headers;
mod problem;
mod tencent;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use uuid::Uuid;

pub use aliyun::Aliyun;
pub use problem::{problem, problem_status};
pub use tencent::Tencent;

use crate::call::{Account, AnswerForm, Form, Reason, Refusal, Reply, Request, Signing, Wire};
use crate::parameters::Value;
use crate::provider::{Action, Family, Version};
use crate::sign::has_alibaba_marks;

/// One family's way of speaking.
pub trait Dialect: Send + Sync + 'static {
    /// Reads what a request means.
    ///
    /// # Errors
    /// Why it can't be read, with as much of its meaning as could be, for the record and the shape of the answer.
    fn read(&self, wire: &Wire) -> Result<Request, Unreadable>;

    /// A refusal in the family's own shape. `code` overrides the family's usual code for the reason; `form` is the
    /// language that was asked for.
    fn refuse(&self, refusal: &Refusal, code: Option<&str>, id: Uuid, form: AnswerForm) -> Written;

    /// Headers that the family's clients look for on a refusal, beside those of every answer.
    fn headers(&self, _refusal: &Refusal) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// A header of the request that every answer gives back, for the clients' own error reports.
    fn echoed(&self) -> Option<HeaderName> {
        None
    }

    /// The family's code and HTTP status for a reason.
    fn code(&self, reason: Reason) -> (StatusCode, &'static str);

    /// The same for a refusal: a family may have several codes for one reason.
    fn code_of(&self, refusal: &Refusal) -> (StatusCode, &'static str) {
        self.code(refusal.reason())
    }

    /// A signed request to the cloud, built anew from what was judged.
    ///
    /// # Errors
    /// When a parameter cannot be said in the form that the account prescribes.
    fn outgoing(
        &self,
        message: &Message<'_>,
        now: Timestamp,
        nonce: u64,
    ) -> Result<http::Request<Full<Bytes>>, Refusal>;

    /// What the cloud's answer means.
    ///
    /// # Errors
    /// Why it is not an answer of this family: a gateway's error page, half a document.
    fn answer(&self, action: &Action, received: &Received) -> Result<Reply, String>;

    /// The members of a good answer, as a tree, for learning states and new tasks' ids.
    fn members(&self, body: &[u8]) -> Option<Value>;
}

/// A request that can't be read.
#[derive(Debug)]
pub struct Unreadable {
    /// As much as could be read.
    pub request: Box<Request>,
    /// Why not the rest.
    pub refusal: Refusal,
}

/// One thing to say to the cloud.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// On whose account, and with which credential.
    pub account: &'a Account,
    /// The version's row.
    pub version: &'a Version,
    /// The action's row.
    pub action: &'a Action,
    /// The region.
    pub region: &'a str,
    /// The cloud's host for that region; for a dialect, what the `Host` header says, which is signed.
    pub host: &'a str,
    /// The form to say it in.
    pub form: Form,
    /// The language to ask the answer in.
    pub answer_form: AnswerForm,
    /// Where to put the protocol, unless the account prescribes it.
    pub signing: Signing,
    /// What was judged.
    pub parameters: &'a Value,
}

/// An answer as it was received whole.
#[derive(Clone, Debug)]
pub struct Received {
    /// HTTP status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, at most `upstream.max_answer_bytes`.
    pub body: Bytes,
}

/// An answer's status, media type and body.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// HTTP status.
    pub status: StatusCode,
    /// Media type.
    pub content_type: &'static str,
    /// Body.
    pub body: Bytes,
}

/// Every family's dialect.
pub struct Dialects(BTreeMap<Family, Box<dyn Dialect>>);

impl Dialects {
    /// The dialects that the gateway speaks.
    pub fn all() -> Dialects {
        let mut all: BTreeMap<Family, Box<dyn Dialect>> = BTreeMap::new();
        all.insert(Family::Tencent, Box::new(Tencent));
        all.insert(Family::Aliyun, Box::new(Aliyun));
        Dialects(all)
    }

    /// The dialect of a request that was not read yet. The families' marks do not overlap; what bears none is
    /// answered in Tencent's shape.
    pub fn of_wire(&self, wire: &Wire) -> &dyn Dialect {
        self.of(if has_alibaba_marks(wire) { Family::Aliyun } else { Family::Tencent })
    }

    /// A family's dialect.
    pub fn of(&self, family: Family) -> &dyn Dialect {
        self.0.get(&family).map_or(&Tencent, |dialect| &**dialect)
    }
}
