//! Tencent Cloud API 3.0: v1 parameters in a query or form, TC3 headers with JSON, one JSON envelope for answers.

mod answer;
mod codes;
mod outgoing;
mod read;
mod write;

use bytes::Bytes;
use http::{HeaderName, StatusCode};
use http_body_util::Full;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Dialect, Message, Received, Unreadable, Written};
use crate::call::{AnswerForm, Reason, Refusal, Reply, Request, Wire};
use crate::parameters::Value;
use crate::provider::Action;

/// The media type, exactly: with a charset, the Python SDK reads an error as an empty success.
pub(crate) const JSON: &str = "application/json";

/// The dialect of the Tencent family.
#[derive(Clone, Copy, Debug)]
pub struct Tencent;

impl Dialect for Tencent {
    fn read(&self, wire: &Wire) -> Result<Request, Unreadable> {
        read::read(wire)
    }

    fn refuse(&self, refusal: &Refusal, code: Option<&str>, id: Uuid, _form: AnswerForm) -> Written {
        write::refuse(refusal, code.unwrap_or(self.code(refusal.reason()).1), id)
    }

    fn echoed(&self) -> Option<HeaderName> {
        Some(HeaderName::from_static("x-tc-traceid"))
    }

    fn code(&self, reason: Reason) -> (StatusCode, &'static str) {
        (StatusCode::OK, codes::code(reason))
    }

    fn outgoing(
        &self,
        message: &Message<'_>,
        now: Timestamp,
        nonce: u64,
    ) -> Result<http::Request<Full<Bytes>>, Refusal> {
        outgoing::build(message, now.as_second(), nonce)
    }

    fn answer(&self, action: &Action, received: &Received) -> Result<Reply, String> {
        answer::read(action, received)
    }

    fn members(&self, body: &[u8]) -> Option<Value> {
        answer::members(body)
    }
}

#[cfg(test)]
mod tests;
