//! Sizes and times.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::HeaderMap;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body, Frame};
use tokio::time::{Instant, sleep};

use super::{BEGINNING, EdgeLimits, Room, beginning, refuse_announced};
use crate::call::Reason;

const LIMITS: EdgeLimits =
    EdgeLimits { max_body_bytes: 10, max_buffered_bytes: 4096, body_timeout: Duration::from_secs(30) };

/// The body, or why not.
async fn read<B: Body<Data = Bytes> + Unpin>(body: B, limits: &EdgeLimits, room: &Room) -> Result<Bytes, Reason> {
    match super::read(body, limits, room).await {
        (body, None) => Ok(body),
        (_, Some(refusal)) => Err(refusal.reason()),
    }
}

fn room() -> Room {
    Room::new(LIMITS.max_buffered_bytes)
}

#[tokio::test]
async fn as_much_as_allowed_and_not_a_byte_more() {
    for (length, is_good) in [(0, true), (10, true), (11, false)] {
        let body = Bytes::from(vec![b'x'; length]);
        let bytes = body.iter().map(|byte| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(&[*byte]))));
        let unannounced = StreamBody::new(stream::iter(bytes.collect::<Vec<_>>()));
        let expected = if is_good { Ok(body.clone()) } else { Err(Reason::TooLarge) };
        for found in [read(Full::new(body.clone()), &LIMITS, &room()).await, read(unannounced, &LIMITS, &room()).await]
        {
            assert_eq!(found, expected, "{length}");
        }
        let announced = refuse_announced(&Full::new(body.clone()), &LIMITS);
        assert_eq!(announced.map_err(|refusal| refusal.reason()), expected.map(drop), "{length}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_drips_has_all_in_all_its_time() {
    let drip = stream::repeat(()).then(async |()| {
        sleep(Duration::from_secs(1)).await;
        Ok::<_, Infallible>(Frame::data(Bytes::new()))
    });
    let began = Instant::now();
    assert_eq!(read(StreamBody::new(Box::pin(drip)), &LIMITS, &room()).await, Err(Reason::RequestMalformed));
    assert_eq!(began.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn what_follows_the_body_is_dropped() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-tc-action", http::HeaderValue::from_static("StopMigrateJob"));
    let body = Full::new(Bytes::from_static(b"{}")).with_trailers(async { Some(Ok(trailers)) });
    assert_eq!(read(Box::pin(body), &LIMITS, &room()).await.unwrap(), "{}");
}

#[tokio::test]
async fn room_is_taken_by_what_arrived_until_the_last_who_holds_it_lets_go() {
    let limits = EdgeLimits { max_body_bytes: 4096, ..LIMITS };
    let room = room();
    let ask = async |length: usize| {
        let body = Full::new(Bytes::from(vec![b'x'; length]));
        read(body, &limits, &room).await
    };
    let held = ask(2049).await.unwrap();
    assert_eq!(ask(1025).await, Err(Reason::Overloaded), "a KiB is left");
    assert_eq!(ask(1024).await.unwrap().len(), 1024, "what was refused or dropped takes none");
    let slice = held.slice(..1);
    drop(held);
    assert_eq!(ask(4096).await, Err(Reason::Overloaded));
    drop(slice);
    assert_eq!(ask(4096).await.unwrap().len(), 4096);
    assert_eq!(ask(0).await.unwrap(), "");
}

#[tokio::test(start_paused = true)]
async fn of_what_is_refused_the_beginning_is_kept() {
    let (body, fault) = super::read(Full::new(Bytes::from_static(b"AccessKeyId=a")), &LIMITS, &room()).await;
    assert_eq!((&body[..], fault.map(|fault| fault.reason())), (&b"AccessKeyI"[..], Some(Reason::TooLarge)));
    let large = EdgeLimits { max_body_bytes: 1 << 20, max_buffered_bytes: 2 << 20, ..LIMITS };
    let long = Full::new(Bytes::from(vec![b'x'; BEGINNING + 1]));
    assert_eq!(beginning(long, &large, &Room::new(large.max_buffered_bytes)).await.len(), BEGINNING);
    let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"a=1")))]);
    let stalled = StreamBody::new(Box::pin(first.chain(stream::pending())));
    let began = Instant::now();
    assert_eq!(beginning(stalled, &LIMITS, &room()).await, "a=1");
    assert_eq!(began.elapsed().as_secs(), 1, "whoever is refused anyway is not waited for");
}
