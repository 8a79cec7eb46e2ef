//! The answer's bytes: the body in the caller's dialect, and what every answer says in its headers.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER};
use http::{HeaderMap, Method, Response, StatusCode};
use http_body_util::Full;
use uuid::Uuid;

use crate::call::{AnswerForm, Call, Origin, Refusal, Reply};
use crate::dialect::{Dialects, Written, problem};
use crate::provider::{Family, Providers};

/// Longest value of a client's own header that is given back, in bytes.
const LONGEST_ECHO: usize = 128;

/// What is needed of a call to answer it, kept while the call itself goes down the path.
pub(super) struct Answering {
    id: Uuid,
    family: Family,
    version: String,
    action: String,
    wants_problem: bool,
    answer_form: AnswerForm,
    /// A header of the request that the family's clients want back.
    echo: Option<(HeaderName, HeaderValue)>,
    /// Whether the request was read to its end; else bytes of it are left on the connection, which then must not be
    /// used for another one.
    was_read: bool,
    /// To CONNECT, a 200 would mean that a tunnel is open.
    is_connect: bool,
}

impl Answering {
    pub(super) fn new(call: &Call, was_read: bool, dialects: &Dialects) -> Answering {
        let echo = dialects.of(call.request.family).echoed().and_then(|name| {
            let value = call.wire.headers.get(&name).filter(|value| value.len() <= LONGEST_ECHO)?.clone();
            Some((name, value))
        });
        Answering {
            id: call.id,
            family: call.request.family,
            version: call.request.version.clone(),
            action: call.request.action.clone(),
            wants_problem: call.request.wants_problem,
            answer_form: call.request.answer_form,
            echo,
            was_read,
            is_connect: call.wire.method == Method::CONNECT,
        }
    }

    pub(super) fn write(
        self,
        answer: &Result<Reply, Refusal>,
        dialects: &Dialects,
        providers: &Providers,
    ) -> Response<Full<Bytes>> {
        let (written, origin) = match answer {
            Ok(reply) => (as_received(reply), reply.origin),
            Err(refusal) => (self.refuse(refusal, dialects, providers), Origin::Gateway),
        };
        let mut response = Response::new(Full::new(written.body));
        *response.status_mut() = if self.is_connect { StatusCode::METHOD_NOT_ALLOWED } else { written.status };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(written.content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert("x-dts-gateway-origin", HeaderValue::from_static(origin.as_str()));
        put(headers, "x-request-id", &self.id.to_string());
        if let Some((name, value)) = self.echo {
            headers.insert(name, value);
        }
        if let Err(refusal) = answer {
            say_why(headers, refusal);
            for (name, value) in dialects.of(self.family).headers(refusal) {
                put(headers, name, &value);
            }
        }
        if !self.was_read || self.is_connect {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    fn refuse(&self, refusal: &Refusal, dialects: &Dialects, providers: &Providers) -> Written {
        let version = providers.version(&self.version);
        let action = version.and_then(|version| version.action(&self.action));
        let reason = refusal.reason();
        let better = version.zip(action).and_then(|(version, action)| version.refusal_code(action, reason.slug()));
        let dialect = dialects.of(self.family);
        match self.wants_problem {
            true => problem(refusal, self.family.key_words(), better.unwrap_or(dialect.code_of(refusal).1), self.id),
            false => dialect.refuse(refusal, better, self.id, self.answer_form),
        }
    }
}

fn as_received(reply: &Reply) -> Written {
    Written { status: reply.status, content_type: reply.content_type, body: reply.body.clone() }
}

/// The reason, and when to come back.
fn say_why(headers: &mut HeaderMap, refusal: &Refusal) {
    headers.insert("x-dts-gateway-reason", HeaderValue::from_static(refusal.reason().slug()));
    if let Some(retry_after) = refusal.retry_after() {
        let seconds = retry_after.as_secs_f64().ceil().max(1.0);
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds as u64));
        if let Some(limit) = refusal.limit() {
            let (kind, quota, window) = (limit.kind, limit.quota, limit.window.as_secs_f64().ceil());
            put(headers, "ratelimit-policy", &format!("\"{kind}\";q={quota};w={window}"));
            put(headers, "ratelimit", &format!("\"{kind}\";r=0;t={seconds}"));
        }
    }
}

fn put(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests;
