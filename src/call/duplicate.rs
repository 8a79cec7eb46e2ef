//! What is told of the purchase that an equal one comes after.

use std::time::Duration;

use jiff::Timestamp;
use uuid::Uuid;

/// The purchase that an equal one comes after.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Duplicate {
    /// The first one's `X-Request-Id`; UUID version 7, so it tells when it arrived.
    pub first: Uuid,
    /// It is under way.
    pub open: bool,
    /// The cloud's request id in the first one's answer, if there is one.
    pub upstream_request_id: Option<String>,
    /// How long after the end of a purchase an equal one is refused.
    pub window: Duration,
    /// When this one may be sent as it is.
    pub retry_after: Duration,
}

impl Duplicate {
    /// What the caller reads of it: what there is, and what to do.
    pub(super) fn advice(&self) -> String {
        let when = self.first.get_timestamp().and_then(|time| {
            let (seconds, nanoseconds) = time.to_unix();
            Timestamp::new(i64::try_from(seconds).ok()?, i32::try_from(nanoseconds).ok()?).ok()
        });
        let when = when.map(|when| format!(" at {when:.0}")).unwrap_or_default();
        let end = match &self.upstream_request_id {
            Some(id) => format!("the cloud answered it with RequestId {id}"),
            None if self.open => "it is still under way".to_owned(),
            None => "what the cloud made of it is not known".to_owned(),
        };
        let (first, window) = (self.first, self.window.as_secs_f64());
        let wait = self.retry_after.as_secs_f64().ceil().max(1.0);
        format!(
            "you made the same purchase with request {first}{when}, {end}. This one was not sent: without an Idempotency-Key an equal purchase is refused for {window} s. Look at the first one; if you do want another, send a new Idempotency-Key with it, or wait {wait} s."
        )
    }
}
