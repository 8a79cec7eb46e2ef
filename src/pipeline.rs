//! THE request path, read downwards. Each step's type says what it needs and what follows from it, so the compiler
//! keeps the order: a step below `authorize` cannot be moved above it.
//!
//! ```text
//! Call ── identify ─▶ Identified ── authenticate ─▶ Authenticated ── authorize ─▶ Authorized ── … ─▶ Reply
//! ```

use tower::{Service, ServiceBuilder};

use crate::call::{Call, Refusal, Reply};
use crate::gate::{Answer, AroundLayer, GateLayer};
use crate::steps::{
    Audit, Authenticate, Authorize, Carry, Forward, Identify, Judge, Look, PaceCaller, RecordIntent, Recordable,
    Replay, Share, TakeTurn,
};

/// What the edge calls.
pub trait RequestPath:
    Service<Call, Response = Reply, Error = Refusal, Future = Answer> + Clone + Send + Sync + 'static
{
}

impl<S> RequestPath for S where
    S: Service<Call, Response = Reply, Error = Refusal, Future = Answer> + Clone + Send + Sync + 'static
{
}

/// The steps, made by `app` from the configuration.
#[expect(missing_docs, reason = "the pipeline below gives each step's reason")]
pub struct Steps {
    pub audit: Audit,
    pub identify: Identify,
    pub recordable: Recordable,
    pub authenticate: Authenticate,
    pub authorize: Authorize,
    pub pace: PaceCaller,
    pub replay: Replay,
    pub share: Share,
    pub look: Look,
    pub turn: TakeTurn,
    pub carry: Carry,
    pub judge: Judge,
    pub intent: RecordIntent,
    pub forward: Forward,
}

/// The request path as one service.
pub fn pipeline(steps: Steps) -> impl RequestPath {
    ServiceBuilder::new()
        // One record for every call. A task of its own: a caller who leaves cancels it until the intent, after that it
        // is finished, and recorded with its true end.
        .layer(AroundLayer::new(steps.audit))
        // Which action of which version? An unreadable request ends here.
        .layer(GateLayer::new(steps.identify))
        // While the database is away only what the journal takes goes on.
        .layer(GateLayer::new(steps.recordable))
        // Who is calling? Before anything is counted, or anyone could use up a caller's share.
        .layer(GateLayer::new(steps.authenticate))
        // May this caller do that, with these parameters, in this region, to these tasks?
        .layer(GateLayer::new(steps.authorize))
        // The caller's own limit, before anything of the others' is touched.
        .layer(GateLayer::new(steps.pace))
        // A change that was seen before gets its own first answer.
        .layer(AroundLayer::new(steps.replay))
        // Identical reads that are under way, or were a moment ago, become one.
        .layer(AroundLayer::new(steps.share))
        // A change: learn the state, and refuse what it already forbids before a turn is spent.
        .layer(GateLayer::new(steps.look))
        // The cloud's quota: wait, or refuse with an honest time. Handed back when refused below.
        .layer(AroundLayer::new(steps.turn))
        // Of the reads that want one answer, the first to have its turn asks.
        .layer(GateLayer::new(steps.carry))
        // With the turn in hand: judge again by a fresh state.
        .layer(GateLayer::new(steps.judge))
        // A change: durable before a byte leaves, with the lease of its tasks, in one transaction.
        .layer(AroundLayer::new(steps.intent))
        // Build anew, sign, send. Nothing is added after signing.
        .service(steps.forward)
}
