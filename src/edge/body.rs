//! Reads a body whole: within its size, its time, and the room that all bodies share.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::EdgeLimits;
use crate::call::Refusal;

/// What the room is counted in: fine enough for the smallest call, coarse enough for a semaphore.
const KIB: usize = 1024;

/// Bytes of a refused body that are kept, to tell whose family's the request is.
const BEGINNING: usize = 64 * 1024;

/// How long the beginning of a body is waited for that is refused whatever it says. It comes together with the head, unless
/// the caller wants to be slow.
const BEGINNING_TIME: Duration = Duration::from_secs(1);

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

    /// A copy of its beginning, which takes no room.
    fn beginning(&self) -> Bytes {
        Bytes::copy_from_slice(self.bytes.get(..BEGINNING).unwrap_or(&self.bytes))
    }
}

impl AsRef<[u8]> for Arriving {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// The body; or why not, and its beginning as far as it was read.
pub(super) async fn read<B>(mut body: B, limits: &EdgeLimits, room: &Room) -> (Bytes, Option<Refusal>)
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut arriving = Arriving::new(room);
    let late = |_| Refusal::RequestMalformed {
        why: format!("the body did not arrive in {} s", limits.body_timeout.as_secs_f64()),
    };
    let reading = timeout(limits.body_timeout, fill(&mut arriving, &mut body, limits.max_body_bytes)).await;
    match reading.map_err(late).flatten() {
        Ok(()) => (Bytes::from_owner(arriving), None),
        Err(refusal) => (arriving.beginning(), Some(refusal)),
    }
}

/// Refuses a length that is announced and too large, before anything is read.
pub(super) fn refuse_announced<B: Body>(body: &B, limits: &EdgeLimits) -> Result<(), Refusal> {
    match body.size_hint().lower() > limits.max_body_bytes as u64 {
        true => Err(too_large(limits.max_body_bytes)),
        false => Ok(()),
    }
}

/// The beginning of a body that is refused already.
pub(super) async fn beginning<B>(mut body: B, limits: &EdgeLimits, room: &Room) -> Bytes
where
    B: Body<Data = Bytes> + Unpin,
{
    let mut arriving = Arriving::new(room);
    // However this ends: what came until then is what there is.
    let patience = BEGINNING_TIME.min(limits.body_timeout);
    let _end = timeout(patience, fill(&mut arriving, &mut body, BEGINNING)).await;
    arriving.beginning()
}

/// Reads to the end, or up to `limit` and no further.
async fn fill<B>(arriving: &mut Arriving, body: &mut B, limit: usize) -> Result<(), Refusal>
where
    B: Body<Data = Bytes> + Unpin,
{
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::RequestMalformed { why: "the body broke off".to_owned() };
        // Trailers are dropped: they are no part of what was signed.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        let fits = data.len().min(limit - arriving.bytes.len());
        arriving.push(&data[..fits])?;
        if fits < data.len() {
            return Err(too_large(limit));
        }
    }
    Ok(())
}

fn too_large(limit: usize) -> Refusal {
    Refusal::TooLarge { what: "the body in bytes".to_owned(), limit: limit as u64 }
}

#[cfg(test)]
mod tests;
