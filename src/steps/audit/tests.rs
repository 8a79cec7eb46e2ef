//! However a call ends, it has one record that says so.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use http::{HeaderMap, Method};
use secrecy::SecretString;
use tempfile::TempDir;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tower::{Layer, Service, ServiceExt, service_fn};
use uuid::Uuid;

use super::Audit;
use crate::call::{
    Call, Clock, Closed, Outcome, Progress, Reason, Record, RecordHandle, RecordSink, Refusal, Reply, Wire,
};
use crate::gate::{Answer, AroundLayer};
use crate::metrics::Metrics;
use crate::provider::{Family, Providers};
use crate::store::{self, Writer, WriterOptions};

/// Keeps what was closed.
#[derive(Default)]
struct Kept(Mutex<Vec<Record>>);

impl RecordSink for Kept {
    fn close(&self, closed: Closed) {
        self.0.lock().unwrap().push(closed.record);
    }
}

struct Bed {
    audit: AroundLayer<Audit>,
    metrics: Arc<Metrics>,
    kept: Arc<Kept>,
    family: Family,
    _folder: TempDir,
}

impl Bed {
    async fn new() -> Bed {
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.sqlite3").display());
        let store = store::open(&SecretString::from(url), Clock::system()).unwrap();
        store.migrate().await.unwrap();
        let metrics = Arc::new(Metrics::default());
        let writer = Writer::start(store, WriterOptions::default());
        let audit = AroundLayer::new(Audit::new(writer, Arc::clone(&metrics), TaskTracker::new()));
        let family = Providers::embedded().unwrap().families()[0];
        Bed { audit, metrics, kept: Arc::default(), family, _folder: folder }
    }

    fn call(&self) -> Call {
        let sink: Arc<dyn RecordSink> = Arc::clone(&self.kept) as _;
        let record = Record { outcome: Outcome::Refused, ..Record::default() };
        Call {
            id: Uuid::nil(),
            received: Instant::now(),
            wire: Wire {
                method: Method::POST,
                path: "/".to_owned(),
                raw_query: String::new(),
                headers: HeaderMap::new(),
                body: bytes::Bytes::new(),
                peer: None,
            },
            request: crate::call::Request::unread(self.family),
            unreadable: None,
            record: RecordHandle::new(record, sink),
            progress: Progress::default(),
        }
    }

    /// What a path that ends in `step` answers.
    async fn answer(&self, step: fn(Call) -> Result<Reply, Refusal>) -> Result<Reply, Reason> {
        let step = service_fn(move |call: Call| -> Answer { Box::pin(async move { step(call) }) });
        let mut path = self.audit.layer(step);
        let answer = path.ready().await.unwrap().call(self.call()).await;
        answer.map_err(|refusal| refusal.reason())
    }

    fn last(&self) -> Record {
        self.kept.0.lock().unwrap().last().cloned().unwrap()
    }
}

#[tokio::test]
async fn a_panic_costs_one_call_and_is_recorded() {
    let bed = Bed::new().await;
    let before = bed.answer(|_call| panic!("a step that fails")).await;
    assert_eq!((before.unwrap_err(), bed.last().outcome), (Reason::Internal, Outcome::Refused));
    assert_eq!(bed.last().reason.as_deref(), Some("internal"));

    let after = bed.answer(|call| {
        call.progress.commit();
        call.record.update(|record| record.outcome = Outcome::Unknown);
        panic!("a step that fails after a change was sent")
    });
    assert_eq!(after.await.unwrap_err(), Reason::OutcomeUnknown);
    assert_eq!((bed.last().outcome, bed.last().reason.as_deref()), (Outcome::Unknown, Some("outcome-unknown")));

    assert_eq!(bed.answer(|_call| Err(Refusal::KeyUnknown)).await.unwrap_err(), Reason::KeyUnknown);
    assert_eq!((bed.kept.0.lock().unwrap().len(), bed.metrics.panics.get()), (3, 2));
}

#[tokio::test]
async fn a_panic_that_holds_a_record_does_not_lose_it() {
    let bed = Bed::new().await;
    let answer = bed.answer(|call| {
        call.record.update(|record| {
            record.caller = "somebody".to_owned();
            panic!("with the record in hand")
        });
        Err(Refusal::Internal)
    });
    assert_eq!(answer.await.unwrap_err(), Reason::Internal);
    assert_eq!((bed.last().caller.as_str(), bed.last().outcome), ("somebody", Outcome::Refused));
}
