//! What a pump is told, and by what it knows a call.

use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::super::{Asker, BucketSpec};
use super::{Answer, window_id};
use crate::coordinate::Session;

/// What a pump is told.
pub(super) enum Order {
    /// A call wants a turn, in this session.
    Ask(Session, Ask),
    /// A call that waits has gone.
    Leave(u64),
    /// A slot is not used any more.
    Ended {
        /// Which.
        slot: i64,
        /// Of which session.
        session: Arc<str>,
        /// When its window began; nothing was sent if it never did.
        spent: Option<Instant>,
        /// The cloud says that it was one too many.
        throttled: bool,
    },
    /// Another replica's exchange had something for this one.
    Note(Note),
}

/// News from another exchange.
pub(super) struct Note {
    pub(super) given: Vec<(String, i64)>,
    pub(super) due: Option<u64>,
}

/// A call that wants a turn, or an estimate.
pub(super) struct Ask {
    pub(super) number: u64,
    pub(super) wanted: Vec<BucketSpec>,
    /// With whose calls it stands in line: those of its class, buckets and caller.
    pub(super) flow: String,
    pub(super) class: u8,
    pub(super) who: String,
    pub(super) weight: u32,
    /// Until when it waits; none: it wants an estimate.
    pub(super) deadline: Option<Instant>,
    pub(super) answer: oneshot::Sender<Answer>,
}

impl Ask {
    pub(super) fn new(
        number: u64,
        wanted: &[BucketSpec],
        asker: &Asker<'_>,
        deadline: Option<Instant>,
        answer: oneshot::Sender<Answer>,
    ) -> Ask {
        let lane: Vec<String> = wanted.iter().map(|spec| window_id(&spec.key)).collect();
        let class = asker.class as u8;
        Ask {
            number,
            wanted: wanted.to_vec(),
            flow: format!("{class}|{}|{}", lane.join("|"), asker.who),
            class,
            who: asker.who.to_owned(),
            weight: asker.weight.get(),
            deadline,
            answer,
        }
    }
}
