//! Reads a body whole: within its size, its time, and the room that all bodies share.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::EdgeLimits;
use crate::call::Refusal;

/// What the room is counted in: fine enough for the smallest call, coarse enough for a semaphore.
const KIB: usize = 1024;

/// The room that the bodies of all connections share. It is taken as bytes arrive, not as they are announced, so nobody
/// can reserve it with a header; whoever finds none left is refused and gives back its own.
#[derive(Clone, Debug)]
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(bytes: usize) -> Room {
        Room(Arc::new(Semaphore::new((bytes / KIB).min(Semaphore::MAX_PERMITS))))
    }
}

/// A body as it arrives, and the room that it takes for as long as anybody holds its bytes.
struct Arriving {
    bytes: BytesMut,
    room: Room,
    taken: Option<OwnedSemaphorePermit>,
}

impl Arriving {
    fn new(room: &Room) -> Arriving {
        Arriving { bytes: BytesMut::new(), room: room.clone(), taken: None }
    }

    fn push(&mut self, data: &[u8]) -> Result<(), Refusal> {
        let needed = (self.bytes.len() + data.len()).div_ceil(KIB);
        let taken = self.taken.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        if needed > taken {
            let more = u32::try_from(needed - taken).map_err(|_| Refusal::Overloaded)?;
            let more = Arc::clone(&self.room.0).try_acquire_many_owned(more).map_err(|_| Refusal::Overloaded)?;
            match &mut self.taken {
                Some(taken) => taken.merge(more),
                none => *none = Some(more),
            }
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

impl AsRef<[u8]> for Arriving {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The body. A length that is too large is refused before anything is read.
pub(super) async fn read<B>(mut body: B, limits: &EdgeLimits, room: &Room) -> Result<Bytes, Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    let limit = limits.max_body_bytes;
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large(limit));
    }
    let mut arriving = Arriving::new(room);
    let late = |_| Refusal::RequestMalformed {
        why: format!("the body did not arrive in {} s", limits.body_timeout.as_secs_f64()),
    };
    timeout(limits.body_timeout, fill(&mut arriving, &mut body, limit)).await.map_err(late)??;
    Ok(Bytes::from_owner(arriving))
}

async fn fill<B>(arriving: &mut Arriving, body: &mut B, limit: usize) -> Result<(), Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::RequestMalformed { why: "the body broke off".to_owned() };
        // Trailers are dropped: they are no part of what was signed.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if arriving.bytes.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        arriving.push(&data)?;
    }
    Ok(())
}

fn too_large(limit: usize) -> Refusal {
    Refusal::TooLarge { what: "the body in bytes".to_owned(), limit: limit as u64 }
}

#[cfg(test)]
mod tests;
