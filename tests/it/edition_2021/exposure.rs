//! TC3 signs neither the action nor the region: what that exposes, and what closes it.

use http::HeaderValue;
use jiff::Timestamp;
use serde_json::json;

use crate::world::{Options, World, on_both};

const STRICT: &str = r#"
team = "strict"

[[caller]]
name = "strict"
accounts = ["main"]
require_signed_headers = ["x-tc-action"]

[[grant]]
actions = ["*"]
tasks = "any"
"#;

/// A captured DescribeMigrationDetail, sent again with another action over the same body and signature.
async fn captured(world: &World) {
    let task = world.task_of_2021("migration", "running", json!({})).await;
    let body = json!({"JobId": task}).to_string();
    let now = Timestamp::now().as_second();
    for (name, is_open) in [("careful", true), ("strict", false)] {
        let caller = world.with_key(name).await.of_2021();
        // Our own client signs x-tc-action; the official SDKs do not.
        let mut read = caller.request_at("DescribeMigrationDetail", &[], &body, now);
        if is_open {
            read = caller.request_as_sdks_sign("DescribeMigrationDetail", &body, now);
        }
        caller.exchange(read.clone()).await.response();
        let mut stop = read;
        stop.headers_mut().insert("x-tc-action", HeaderValue::from_static("StopMigrateJob"));
        let answer = caller.exchange(stop).await;
        match is_open {
            true => {
                answer.response();
                assert_eq!(world.sent("StopMigrateJob").await, 1, "this is what TC3 leaves open");
                world.forget_requests().await;
            }
            false => {
                answer.refused("AuthFailure.SignatureFailure", "signature-mismatch");
                assert_eq!(world.sent("StopMigrateJob").await, 0);
            }
        }
    }
    // And a signature that does not cover the action is refused for a caller who must sign it.
    let strict = world.with_key("strict").await.of_2021();
    let read = strict.request_as_sdks_sign("DescribeMigrationDetail", &body, now);
    let message = strict.exchange(read).await.refused("AuthFailure.SignatureFailure", "signature-mismatch");
    assert!(message.contains("x-tc-action"), "{message}");
}

#[tokio::test]
async fn a_captured_read_cannot_become_a_stop_where_the_action_must_be_signed() {
    let options = Options { teams: vec![("strict".to_owned(), STRICT.to_owned())], ..Options::default() };
    on_both(options, async |world| captured(world).await).await;
}
