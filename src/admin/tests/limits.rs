//! What is shown of the cloud's quotas, and to whom.

use std::num::NonZeroU32;

use super::*;
use crate::quota::{Asker, BucketKey, BucketSpec, Class};

/// A bucket of one call in ten minutes: nothing changes while it is looked at.
fn bucket() -> BucketSpec {
    let key = BucketKey { identity: "100".into(), host: "dts.example cn-north".into(), name: "StopIt".into() };
    BucketSpec { key, per: 1, window: Duration::from_secs(600), reserve: 0 }
}

fn asker(who: &str) -> Asker<'_> {
    Asker { who, weight: NonZeroU32::MIN, class: Class::Read }
}

#[tokio::test]
async fn limits_are_shown_with_who_waits_and_who_was_refused() {
    let bench = Bench::new().await;
    let token = bench.token("zoe", &["auditor"]);
    let idle = bench.get("/v1/limits", Some(&token)).await.json();
    assert_eq!(idle["quotas"], serde_json::json!([]));
    let (buckets, hour) = ([bucket()], Duration::from_secs(3600));
    let _turn = bench.quota.acquire(&buckets, &asker("first"), Duration::ZERO).await.unwrap();
    let second = asker("second");
    let mut waiting = std::pin::pin!(bench.quota.acquire(&buckets, &second, hour));
    assert!(futures_util::poll!(waiting.as_mut()).is_pending());
    bench.quota.acquire(&buckets, &asker("third"), Duration::ZERO).await.unwrap_err();
    let answer = bench.get("/v1/limits", Some(&bench.token("ann", &["operator"]))).await;
    assert_eq!((answer.status, &answer.headers["cache-control"]), (StatusCode::OK, &"no-store".parse().unwrap()));
    let shown = answer.json();
    assert_eq!(
        shown["quotas"],
        serde_json::json!([{
            "identity": "100", "accounts": ["main"], "host": "dts.example", "region": "cn-north", "action": "StopIt",
            "limit": 1, "window_ms": 600_000, "learned_limit": null, "reserve": 0, "used": 1, "waiting": 1,
            "callers": [{"caller": "second", "waiting": 1}],
            "refused": 1, "refused_last_minute": 1, "throttled": 0,
        }])
    );
    let sole = serde_json::json!({"mode": "sole", "here": 1, "of": 1, "parts": 1, "quiet_ms": 0});
    assert_eq!(shown["replicas"], sole);
    let metrics = bench.get("/metrics", None).await.text;
    let of = r#"{identity="100",host="dts.example",region="cn-north",bucket="StopIt"}"#;
    for line in [format!("quota_used{of} 1"), format!("quota_refused_total{of} 1"), "replicas 1".to_owned()] {
        assert!(metrics.contains(&format!("\ndts_gateway_{line}\n")), "{metrics}");
    }
}

#[tokio::test]
async fn limits_are_not_shown_without_a_role_and_looking_leaves_no_record() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/v1/limits", None).await.status, StatusCode::UNAUTHORIZED);
    let refused = bench.get("/v1/limits", Some(&bench.token("bob", &["reader"]))).await;
    assert_eq!(
        (refused.status, &refused.json()["type"]),
        (StatusCode::FORBIDDEN, &"urn:dts-gateway:not-granted".into())
    );
    assert!(refused.text.contains("the role auditor or operator"), "{}", refused.text);
    let token = bench.token("zoe", &["auditor"]);
    bench.get("/v1/limits", Some(&token)).await;
    bench.writer.flushed().await;
    let log = bench.get("/v1/audit/records?action=limits", Some(&token)).await;
    assert_eq!(log.json()["records"], serde_json::json!([]));
}
