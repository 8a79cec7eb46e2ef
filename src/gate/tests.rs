//! A gate in front of a service that may only be called after it said it is ready.
#![allow(clippy::unwrap_used, reason = "tests")]

use bytes::Bytes;
use tower::limit::ConcurrencyLimitLayer;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

use super::{Around, AroundLayer, Gate, GateLayer, Next};
use crate::call::{Origin, Refusal, Reply};

struct Double;
struct Count;

impl Gate for Double {
    type In = u32;
    type Out = u64;

    async fn check(&self, number: u32) -> Result<u64, Refusal> {
        if number == 0 { Err(Refusal::Overloaded) } else { Ok(u64::from(number) * 2) }
    }
}

impl Around for Count {
    type In = u64;
    type Out = u64;

    async fn around<N: Next<u64>>(&self, number: u64, next: N) -> Result<Reply, Refusal> {
        let mut reply = next.run(number).await?;
        reply.upstream_code = Some("seen".to_owned());
        Ok(reply)
    }
}

#[tokio::test]
async fn a_limit_inside_is_asked_before_it_is_called() {
    let mut stack = ServiceBuilder::new()
        .layer(GateLayer::new(Double))
        .layer(AroundLayer::new(Count))
        .layer(ConcurrencyLimitLayer::new(1))
        .service(service_fn(|number: u64| async move {
            Ok::<_, Refusal>(Reply {
                status: http::StatusCode::OK,
                content_type: "text/plain",
                body: Bytes::from(number.to_string()),
                origin: Origin::Upstream,
                upstream_request_id: None,
                upstream_code: None,
            })
        }));
    for _ in 0..3 {
        let reply = stack.ready().await.unwrap().call(21).await.unwrap();
        assert_eq!((&reply.body[..], reply.upstream_code.as_deref()), (&b"42"[..], Some("seen")));
    }
    assert_eq!(stack.ready().await.unwrap().call(0).await.unwrap_err(), Refusal::Overloaded);
}
