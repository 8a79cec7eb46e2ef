//! A path of the two steps and a cloud that takes its time; time is paused.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt, service_fn};
use uuid::Uuid;

use super::super::{Carry, FreshFor, Share, SharedReads};
use crate::call::{
    Account, Authorized, Call, Caller, Closed, Credential, Effect, Grant, Limit, Origin, Pattern, Progress, Proof,
    Record, RecordHandle, RecordSink, Refusal, Reply, Request, Sight, TaskScope, UpstreamSigning, Wire,
};
use crate::gate::{Answer, AroundLayer, GateLayer};
use crate::parameters::Value;
use crate::provider::Providers;
use crate::steps::turn::note_granted;

pub(super) const ACTION: &str = "DescribeMigrateJobs";

/// How long the cloud takes to answer.
pub(super) const TAKES: Duration = Duration::from_millis(40);

/// Reading the tables takes longer than all the rest of a test.
static PROVIDERS: LazyLock<Providers> = LazyLock::new(|| Providers::embedded().unwrap());

/// Keeps what was closed.
#[derive(Default)]
struct Kept(Mutex<Vec<Record>>);

impl RecordSink for Kept {
    fn close(&self, closed: Closed) {
        self.0.lock().unwrap().push(closed.record);
    }
}

/// What a caller was told.
pub(super) struct Told {
    pub(super) came: Instant,
    pub(super) answer: Result<(Origin, String), Refusal>,
}

/// What there is.
#[derive(Clone)]
pub(super) struct Bed {
    pub(super) reads: Arc<SharedReads>,
    pub(super) asked: Arc<AtomicUsize>,
    /// How long each call waits for its turn.
    pub(super) turn: Arc<Mutex<Duration>>,
    kept: Arc<Kept>,
    began: Instant,
}

/// Who asks what.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) caller: &'static str,
    pub(super) scope: TaskScope,
    pub(super) task: Option<&'static str>,
    pub(super) may_wait: Duration,
    pub(super) no_cache: bool,
}

/// A question of `caller`, who may see everything.
pub(super) fn by(caller: &'static str) -> Question {
    let may_wait = Duration::from_secs(5);
    Question { caller, scope: TaskScope::Any, task: Some("dts-a"), may_wait, no_cache: false }
}

pub(super) fn grant(effect: Effect, tasks: TaskScope) -> Grant {
    Grant {
        name: "a".to_owned(),
        effect,
        accounts: vec![Pattern::any()],
        versions: vec![Pattern::any()],
        actions: vec![Pattern::any()],
        regions: vec![Pattern::any()],
        tasks,
        conditions: Vec::new(),
        dangers: Vec::new(),
        repeat_purchases: false,
    }
}

impl Bed {
    pub(super) fn new(fresh_for: Duration) -> Bed {
        let actions = [(ACTION.to_owned(), fresh_for)].into();
        Bed::on(SharedReads::alone(FreshFor::from([("2018-03-30".to_owned(), actions)])))
    }

    pub(super) fn on(reads: Arc<SharedReads>) -> Bed {
        let (asked, turn, kept) = Default::default();
        Bed { reads, asked, turn, kept, began: Instant::now() }
    }

    /// Asks, in a task.
    pub(super) fn ask(&self, question: Question) -> JoinHandle<Told> {
        let (bed, came) = (self.clone(), Instant::now());
        tokio::spawn(async move {
            let call = bed.call(&question);
            let answer = bed.path(call).await;
            let answer = answer.map(|reply| (reply.origin, String::from_utf8(reply.body.to_vec()).unwrap()));
            Told { came, answer }
        })
    }

    /// The path, with a cloud whose answer says when it was asked, in milliseconds, and for which sight.
    async fn path(&self, call: Authorized) -> Result<Reply, Refusal> {
        let bed = self.clone();
        let cloud = service_fn(move |call: Authorized| -> Answer {
            let bed = bed.clone();
            Box::pin(async move {
                bed.asked.fetch_add(1, Ordering::Relaxed);
                let at = bed.began.elapsed().as_millis();
                sleep(TAKES).await;
                Ok(Reply {
                    status: StatusCode::OK,
                    content_type: "application/json",
                    body: Bytes::from(format!("{at} {:?}", call.sight.allowed)),
                    origin: Origin::Upstream,
                    upstream_request_id: None,
                    upstream_code: None,
                })
            })
        });
        let carry = GateLayer::new(Carry).layer(cloud);
        let turn = *self.turn.lock().unwrap();
        // As the quota: a call that would wait too long is told so at once.
        let queue = service_fn(move |call: Authorized| -> Answer {
            let mut carry = carry.clone();
            Box::pin(async move {
                if turn > call.wait_until.saturating_duration_since(Instant::now()) {
                    let limit = Limit { kind: "cloud", name: ACTION.to_owned(), quota: 1, window: turn };
                    return Err(Refusal::RateLimited { limit, retry_after: turn });
                }
                sleep(turn).await;
                note_granted(&call.call.record, &call.action, turn);
                carry.ready().await?.call(call).await
            })
        });
        AroundLayer::new(Share::new(Arc::clone(&self.reads))).layer(queue).oneshot(call).await
    }

    /// The records that were closed.
    pub(super) fn records(&self) -> Vec<Record> {
        self.kept.0.lock().unwrap().clone()
    }

    pub(super) fn times_asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn call(&self, question: &Question) -> Authorized {
        let version = PROVIDERS.version("2018-03-30").unwrap();
        let action = version.action(ACTION).unwrap();
        let mut request = Request::unread(version.family);
        let member = |id: &&str| ("JobId".to_owned(), Value::String((*id).to_owned()));
        request.parameters = Value::Object(question.task.iter().map(member).collect());
        let mut headers = HeaderMap::new();
        if question.no_cache {
            headers.insert("cache-control", HeaderValue::from_static("max-age=0, No-Cache"));
        }
        let id = Uuid::new_v4();
        let record = Record { request_id: id.to_string(), ..Record::default() };
        let grants = vec![grant(Effect::Allow, question.scope.clone())];
        let text = |text: &str| text.to_owned();
        Authorized {
            tasks: action.task_ids(&request.parameters),
            call: Call {
                id,
                received: Instant::now(),
                wire: Wire {
                    method: Method::POST,
                    path: text("/"),
                    raw_query: String::new(),
                    headers,
                    body: Bytes::new(),
                    peer: None,
                },
                request,
                unreadable: None,
                record: RecordHandle::new(record, Arc::clone(&self.kept) as Arc<dyn RecordSink>),
                progress: Progress::default(),
            },
            sight: Sight::of("team", grants.iter()),
            version: Arc::clone(version),
            action: Arc::clone(action),
            caller: Arc::new(Caller {
                name: text(question.caller),
                team: text("team"),
                accounts: vec![text("main")],
                weight: NonZeroU32::MIN,
                require_signed_headers: Vec::new(),
                pace: None,
                grants,
                policy: "".into(),
            }),
            proof: Proof::Token { issuer: text("development") },
            account: Arc::new(Account {
                alias: text("main"),
                family: version.family,
                site: text("mainland"),
                identity: text("main"),
                default_region: None,
                endpoint: None,
                signing: UpstreamSigning::AsCalled,
                credential: Credential { secret_id: text("id"), secret_key: text("key").into() },
            }),
            region: text("ap-guangzhou"),
            host: text("host"),
            accepted_dangers: Vec::new(),
            seen: Vec::new(),
            wait_until: Instant::now() + question.may_wait,
            replay: Vec::new(),
            repeat_purchases: false,
            purchase: None,
            errand: None,
        }
    }
}
