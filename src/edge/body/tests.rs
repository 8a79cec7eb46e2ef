//! Sizes and times.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use tokio::time::{Instant, sleep};

use super::{EdgeLimits, read};
use crate::call::Reason;

const LIMITS: EdgeLimits = EdgeLimits { max_body_bytes: 10, body_timeout: Duration::from_secs(30) };

#[tokio::test]
async fn as_much_as_allowed_and_not_a_byte_more() {
    for (length, is_good) in [(0, true), (10, true), (11, false)] {
        let body = Bytes::from(vec![b'x'; length]);
        let bytes = body.iter().map(|byte| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(&[*byte]))));
        let unannounced = StreamBody::new(stream::iter(bytes.collect::<Vec<_>>()));
        let expected = if is_good { Ok(body.clone()) } else { Err(Reason::TooLarge) };
        for found in [read(Full::new(body.clone()), &LIMITS).await, read(unannounced, &LIMITS).await] {
            assert_eq!(found.map_err(|refusal| refusal.reason()), expected, "{length}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_has_all_in_all_its_time() {
    let drip = stream::repeat(()).then(async |()| {
        sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Frame::data(Bytes::new()))
    });
    let began = Instant::now();
    assert_eq!(read(StreamBody::new(Box::pin(drip)), &LIMITS).await.unwrap_err().reason(), Reason::RequestMalformed);
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn what_follows_the_body_is_dropped() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-tc-action", http::HeaderValue::from_static("StopMigrateJob"));
    let body = Full::new(Bytes::from_static(b"{}")).with_trailers(async { Some(Ok(trailers)) });
    assert_eq!(read(Box::pin(body), &LIMITS).await.unwrap(), "{}");
}
