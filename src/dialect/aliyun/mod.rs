//! Alibaba Cloud's RPC APIs: parameters in query or form, the protocol beside them or in x-acs-* headers, answers in JSON
//! or XML with true HTTP statuses.

mod answer;
mod codes;
mod outgoing;
mod read;
mod write;
mod xml;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::Full;
use jiff::Timestamp;
use uuid::Uuid;

use super::{Dialect, Message, Received, Unreadable, Written};
use crate::call::{AnswerForm, Reason, Refusal, Reply, Request, Wire};
use crate::parameters::Value;
use crate::provider::Action;

/// The media type of an answer in JSON, as the cloud writes it.
const JSON: &str = "application/json;charset=utf-8";

/// The media type of an answer in XML, exactly: with any other, the V3 SDKs cannot read an error.
const XML: &str = "text/xml;charset=utf-8";

/// The number of a list's first element: `Tag.1.Key`.
const FIRST: usize = 1;

/// The dialect of the Alibaba family.
#[derive(Clone, Copy, Debug)]
pub struct Aliyun;

impl Dialect for Aliyun {
    fn read(&self, wire: &Wire) -> Result<Request, Unreadable> {
        read::read(wire)
    }

    fn refuse(&self, refusal: &Refusal, code: Option<&str>, id: Uuid, form: AnswerForm) -> Written {
        let (status, usual) = self.code_of(refusal);
        write::refuse(refusal, status, code.unwrap_or(usual), id, form)
    }

    /// The V3 SDKs take every error that bears this header for one of throttling, so no other has it.
    fn headers(&self, refusal: &Refusal) -> Vec<(&'static str, String)> {
        match refusal {
            Refusal::RateLimited { retry_after, .. } => {
                let milliseconds = retry_after.as_micros().div_ceil(1000).max(1);
                vec![("x-acs-retry-after", milliseconds.to_string())]
            }
            _ => Vec::new(),
        }
    }

    fn code(&self, reason: Reason) -> (StatusCode, &'static str) {
        codes::code(reason)
    }

    fn code_of(&self, refusal: &Refusal) -> (StatusCode, &'static str) {
        match refusal {
            Refusal::TokenInvalid { malformed: true, .. } => codes::TOKEN_MALFORMED,
            _ => self.code(refusal.reason()),
        }
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
