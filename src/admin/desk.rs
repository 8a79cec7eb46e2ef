//! What questions to the audit log are answered from.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::cursor::Cursors;
use super::problem::Problem;
use crate::call::Clock;
use crate::evidence::Checkpoints;
use crate::identity::Identity;
use crate::store::{Store, Writer};

/// Questions that the database works on at the same time, the next page of each stream among them. They must leave
/// connections to callers, whose tasks and keys come from the same pool (8 in Postgres).
const AT_ONCE: usize = 4;

/// How it is known who asks.
#[derive(Clone)]
pub(super) enum Door {
    /// By a token.
    Tokens(Arc<Identity>),
    /// Whoever can read the configuration's secrets, in this process.
    CommandLine,
}

/// Everything that a question needs.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) store: Arc<dyn Store>,
    pub(super) writer: Writer,
    pub(super) cursors: Cursors,
    /// What this deployment's checkpoints are of.
    pub(super) origin: Arc<str>,
    pub(super) clock: Clock,
    pub(super) door: Door,
    /// Who signs them, if anybody does.
    pub(super) checkpoints: Option<Arc<Checkpoints>>,
    /// Ends what would go on as long as somebody listens.
    pub(super) stopping: CancellationToken,
    turns: Arc<Semaphore>,
}

impl Desk {
    pub(super) fn new(
        store: Arc<dyn Store>,
        writer: Writer,
        cursors: Cursors,
        origin: &str,
        clock: Clock,
        door: Door,
    ) -> Desk {
        Desk {
            store,
            writer,
            cursors,
            origin: origin.into(),
            clock,
            door,
            checkpoints: None,
            stopping: CancellationToken::new(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The same, signed by `checkpoints`.
    pub(super) fn signed_by(self, checkpoints: Option<Arc<Checkpoints>>) -> Desk {
        Desk { checkpoints, ..self }
    }

    /// The same until `stopping`.
    pub(super) fn until(self, stopping: CancellationToken) -> Desk {
        Desk { stopping, ..self }
    }

    /// Asks the store when it is this question's turn.
    pub(super) async fn ask<T, E>(&self, question: impl Future<Output = Result<T, E>>) -> Result<T, Problem>
    where
        Problem: From<E>,
    {
        // It is never closed.
        let _turn = self.turns.acquire().await;
        Ok(question.await?)
    }
}
