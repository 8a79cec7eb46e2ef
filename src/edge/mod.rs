//! The edge: bytes become a [`Call`], always, and a reply or refusal becomes bytes in the caller's own dialect.
//!
//! What HTTP leaves open is closed here: sizes, times, methods, repeated headers. Nothing is judged.

mod body;
mod framing;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;
use tower::ServiceExt;
use uuid::{NoContext, Uuid};

use crate::call::{Call, Clock, Outcome, Progress, Record, RecordHandle, RecordSink, Refusal, Wire};
use crate::dialect::{Dialect, Dialects};
use crate::listener::{Arrival, Responder};
use crate::metrics::Metrics;
use crate::pipeline::RequestPath;
use crate::provider::Providers;

/// Longest User-Agent in a record, in bytes.
const LONGEST_USER_AGENT: usize = 256;

/// The public edge in front of a pipeline.
pub struct Edge<P> {
    pipeline: P,
    dialects: Arc<Dialects>,
    providers: Arc<Providers>,
    sink: Arc<dyn RecordSink>,
    metrics: Arc<Metrics>,
    clock: Clock,
    limits: EdgeLimits,
    room: body::Room,
    draining: AtomicBool,
}

/// What a request may cost before anybody knows whose it is.
#[derive(Clone, Copy, Debug)]
pub struct EdgeLimits {
    /// Bytes of a body.
    pub max_body_bytes: usize,
    /// Bytes of all bodies together that are held at once.
    pub max_buffered_bytes: usize,
    /// From the end of the head to the end of the body.
    pub body_timeout: Duration,
}

impl<P: RequestPath> Edge<P> {
    /// An edge in front of `pipeline`.
    pub fn new(
        pipeline: P,
        dialects: Arc<Dialects>,
        providers: Arc<Providers>,
        sink: Arc<dyn RecordSink>,
        metrics: Arc<Metrics>,
        clock: Clock,
        limits: EdgeLimits,
    ) -> Edge<P> {
        let room = body::Room::new(limits.max_buffered_bytes);
        Edge { pipeline, dialects, providers, sink, metrics, clock, limits, room, draining: AtomicBool::new(false) }
    }

    async fn answer(&self, request: Request<Incoming>, arrival: Arrival) -> Response<Full<Bytes>> {
        let received = Instant::now();
        let (wire, dialect, fault) = self.receive(request, &arrival).await;
        let call = self.call(wire, dialect, fault, received);
        let answering = write::Answering::new(&call, arrival.whole().is_ok(), &self.dialects);
        let answer = self.pipeline.clone().oneshot(call).await;
        answering.write(&answer, &self.dialects, &self.providers)
    }

    /// The request, read as far as it makes sense to, and the dialect to read and answer it in.
    async fn receive(&self, request: Request<Incoming>, arrival: &Arrival) -> (Wire, &dyn Dialect, Option<Refusal>) {
        let (head, body) = request.into_parts();
        let (body, fault) = self.body(&head, body, arrival).await;
        let mut wire = Wire {
            method: head.method,
            path: head.uri.path().to_owned(),
            raw_query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            peer: Some(arrival.peer),
        };
        let dialect = self.dialects.of_wire(&wire);
        if fault.is_some() {
            // It said in whose shape to refuse. Nothing else is taken from half a body.
            wire.body = Bytes::new();
        }
        (wire, dialect, fault)
    }

    /// The body, whole; or why not, and what was read of it.
    async fn body(&self, head: &Parts, body: Incoming, arrival: &Arrival) -> (Bytes, Option<Refusal>) {
        let ambiguous = |why: &str| Refusal::RequestMalformed { why: why.to_owned() };
        if let Err(refusal) = arrival.head().map_err(ambiguous) {
            return (Bytes::new(), Some(refusal));
        }
        if let Err(refusal) = framing::refuse(head).and_then(|()| body::refuse_announced(&body, &self.limits)) {
            let beginning = match framing::only_body_tells_family(head) {
                true => body::beginning(body, &self.limits, &self.room).await,
                false => Bytes::new(),
            };
            return (beginning, Some(refusal));
        }
        let (body, fault) = body::read(body, &self.limits, &self.room).await;
        (body, fault.or_else(|| arrival.whole().map_err(ambiguous).err()))
    }

    fn call(&self, wire: Wire, dialect: &dyn Dialect, fault: Option<Refusal>, received: Instant) -> Call {
        let now = self.clock.now();
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let id = Uuid::new_v7(uuid::Timestamp::from_unix(NoContext, seconds, now.subsec_nanosecond().unsigned_abs()));
        let (request, unreadable) = match dialect.read(&wire) {
            Ok(request) => (request, None),
            Err(unreadable) => (*unreadable.request, Some(unreadable.refusal)),
        };
        let draining = self.draining.load(Ordering::Acquire).then_some(Refusal::Draining);
        let record = Record {
            id,
            time: now,
            address: wire.peer.map(|peer| peer.to_string()).unwrap_or_default(),
            family: request.family.name().to_owned(),
            version: request.version.clone(),
            action: request.action.clone(),
            region: request.region.clone().unwrap_or_default(),
            // Until something else is known: nothing was sent.
            outcome: Outcome::Refused,
            request_id: id.to_string(),
            detail: crate::call::Detail {
                user_agent: bounded(wire.header("user-agent").unwrap_or_default()),
                ..Default::default()
            },
            ..Record::default()
        };
        Call {
            id,
            received,
            wire,
            request,
            unreadable: draining.or(fault).or(unreadable),
            record: RecordHandle::new(record, Arc::clone(&self.sink)),
            progress: Progress::default(),
        }
    }
}

impl<P: RequestPath> Responder for Edge<P> {
    type Body = Full<Bytes>;

    async fn respond(&self, request: Request<Incoming>, arrival: Arrival) -> Response<Full<Bytes>> {
        self.answer(request, arrival).await
    }

    fn connections_changed(&self, by: i64) {
        self.metrics.connections.inc_by(by);
    }

    fn drain(&self) {
        self.draining.store(true, Ordering::Release);
    }
}

fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_USER_AGENT)].to_owned()
}
