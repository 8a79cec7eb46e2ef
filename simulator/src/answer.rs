//! The body of an answer: it tells the ledger when it was handed over, and can break off in the middle.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use crate::ledger::Entry;

/// The bytes of an answer and what is to become of them.
#[derive(Debug)]
pub(crate) struct Answer {
    stage: Stage,
    entry: Option<Arc<Entry>>,
}

/// The answer broke off because a fault said so.
#[derive(Debug)]
pub(crate) struct BrokenOff;

#[derive(Debug)]
enum Stage {
    Whole(Bytes),
    Half(Bytes),
    /// The half was taken; one turn for the connection to send it.
    Flushing,
    Breaking,
    Over,
}

impl Answer {
    /// All of it; `entry` is marked as answered once the connection has it.
    pub(crate) fn whole(bytes: impl Into<Bytes>, entry: Option<Arc<Entry>>) -> Self {
        Self { stage: Stage::Whole(bytes.into()), entry }
    }

    /// The first half, then the connection ends.
    pub(crate) fn half(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { stage: Stage::Half(bytes.slice(..bytes.len() / 2)), entry: None }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Whole(bytes) => {
                if let Some(entry) = &self.entry {
                    entry.mark_answered();
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Stage::Half(bytes) => {
                self.stage = Stage::Flushing;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Stage::Flushing => {
                self.stage = Stage::Breaking;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Stage::Breaking => Poll::Ready(Some(Err(BrokenOff))),
            Stage::Over => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.stage, Stage::Over)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.stage {
            Stage::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            _ => SizeHint::default(),
        }
    }
}

impl fmt::Display for BrokenOff {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the answer breaks off here, as a fault says")
    }
}

impl std::error::Error for BrokenOff {}
