//! Reads a body whole: within its size and its time.

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::Body;
use tokio::time::timeout;

use super::EdgeLimits;
use crate::call::Refusal;

/// The body. A length that is too large is refused before anything is read.
pub(super) async fn read<B: Body<Data = Bytes> + Unpin>(body: B, limits: &EdgeLimits) -> Result<Bytes, Refusal> {
    let too_large = || Refusal::TooLarge { what: "the body in bytes".to_owned(), limit: limits.max_body_bytes as u64 };
    if body.size_hint().lower() > limits.max_body_bytes as u64 {
        return Err(too_large());
    }
    let reading = collect(body, limits.max_body_bytes);
    let late = |_| Refusal::RequestMalformed {
        why: format!("the body did not arrive in {} s", limits.body_timeout.as_secs_f64()),
    };
    timeout(limits.body_timeout, reading).await.map_err(late)?.and_then(|whole| whole.ok_or_else(too_large))
}

/// None when it is larger than `limit`.
async fn collect<B: Body<Data = Bytes> + Unpin>(mut body: B, limit: usize) -> Result<Option<Bytes>, Refusal> {
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let broken = |_| Refusal::RequestMalformed { why: "the body broke off".to_owned() };
        // Trailers are dropped: they are no part of what was signed.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Ok(None);
        }
        whole.extend_from_slice(&data);
    }
    Ok(Some(whole.freeze()))
}

#[cfg(test)]
mod tests;
