//! A record can stand for many calls: none of them is missing from the sum, and the log that says so can be proven.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::caller::{Caller, NO_CACHE, until};
use crate::evidence::{self, held, verified};
use crate::world::{Options, World, on_both};

const CALLS: usize = 2_000;

const POLLS: usize = 500;

/// Calls at a time.
const AT_ONCE: usize = 50;

fn calls(records: &[Value]) -> u64 {
    records.iter().map(|record| record["calls"].as_u64().unwrap_or(1)).sum()
}

async fn summary(world: &World, query: &str) -> Value {
    let asked = format!("/v1/audit/summary?from=2026-01-01T00:00:00Z&per=day&{query}");
    world.auditor().get(&asked).await.json()
}

/// What a stop has written is what is read after it.
async fn restarted(world: &mut World) {
    world.stop_gateway().await;
    world.start_gateway().await;
}

#[tokio::test]
async fn strangers_in_any_number_are_few_records_that_add_up() {
    on_both(Options::head("audit.anonymous_per_second = 5"), async |world: &mut World| {
        let began = Instant::now();
        let stranger = Caller::stranger(&world.public);
        let mut refused = 0;
        while refused < CALLS {
            let calls = (0..AT_ONCE).map(|number| {
                let action = if number % 2 == 0 { "DescribeMigrateJobs" } else { "StopMigrateJob" };
                stranger.act(action, json!({"JobId": format!("dts-{number}")}))
            });
            for answer in join_all(calls).await {
                // On a busy machine some are not even asked who they are.
                if answer.header("x-dts-gateway-reason") != "audit-unavailable" {
                    answer.refused("AuthFailure.SignatureFailure", "credentials-missing");
                    refused += 1;
                }
            }
        }
        let seconds = began.elapsed().as_secs() + 1;
        let metrics = world.auditor().get("/metrics").await.text();
        assert!(metrics.contains("dts_gateway_audit_lost 0"), "{metrics}");
        restarted(world).await;

        let records = world.records("reason=credentials-missing", 1).await;
        assert_eq!(calls(&records), refused as u64);
        println!("{refused} calls in {seconds} s are {} records", records.len());
        // Seconds begin when the first of them comes, and each kind of action has a count for each minute.
        let most = 5 * (seconds + 1) + 2 * (seconds / 60 + 1);
        assert!(records.len() as u64 <= most, "{} records in {seconds} s", records.len());
        let summed = summary(world, "reason=credentials-missing").await;
        assert_eq!((&summed["total"], &summed["records"]), (&json!(refused), &json!(records.len())), "{summed}");

        let of_many: Vec<&Value> = records.iter().filter(|record| record.get("calls").is_some()).collect();
        let kinds = of_many.iter().map(|record| record["detail"]["kind"].as_str().unwrap());
        let kinds: BTreeMap<&str, ()> = kinds.map(|kind| (kind, ())).collect();
        assert_eq!(kinds.into_keys().collect::<Vec<_>>(), ["destructive", "read"], "a change stays in its own log");
        for record in of_many {
            assert_eq!((&record["address"], &record["outcome"]), (&json!("127.0.0.1"), &json!("refused")), "{record}");
            assert!(record["detail"]["until"].as_str() > record["time"].as_str(), "{record}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poller_is_few_records_that_add_up_and_are_proven() {
    let (key, options) = evidence::options();
    let public = key.verifying_key().clone();
    on_both(Options { head: "audit.count_reads = \"1h\"".to_owned(), ..options }, async |world: &mut World| {
        let task = world.tasks("migration", json!(7), 1).await.remove(0);
        let poller = world.with_key("reader").await;
        let body = json!({"JobId": task}).to_string();
        let mut told = BTreeMap::<&str, usize>::new();
        while told.values().sum::<usize>() < POLLS {
            // Who does not wait for the cloud's quota is refused, which is an answer to count as well.
            let headers = [("x-dts-gateway-max-wait", "0"), NO_CACHE];
            let polls = (0..AT_ONCE).map(|_| poller.act_with("DescribeMigrateJobs", &headers, &body));
            for answer in join_all(polls).await {
                match (answer.header("x-dts-gateway-origin"), answer.header("x-dts-gateway-reason")) {
                    ("upstream", _) => *told.entry("ok").or_default() += 1,
                    ("gateway", "rate-limited") => *told.entry("refused").or_default() += 1,
                    // On a busy machine; then nobody was asked who it is, and the call is none of the caller's.
                    ("gateway", "audit-unavailable") => {}
                    _ => panic!("{}", answer.text()),
                }
            }
        }
        let polls: usize = told.values().sum();
        for _ in 0..2 {
            until("it is refused as the caller's", || async {
                let answer = poller.act("StopMigrateJob", json!({"JobId": task})).await;
                (answer.header("x-dts-gateway-reason") == "not-granted").then_some(())
            })
            .await;
        }
        restarted(world).await;

        let query = "caller=reader&action=DescribeMigrateJobs";
        let records = world.records(query, 1).await;
        assert_eq!(calls(&records), polls as u64);
        println!("{polls} calls, {told:?}, are {} records", records.len());
        assert!(records.len() <= 8, "a first one and a count of each outcome and limit: {records:?}");
        for (outcome, many) in &told {
            let of_outcome: Vec<Value> =
                records.iter().filter(|record| record["outcome"] == *outcome).cloned().collect();
            assert_eq!(calls(&of_outcome), *many as u64, "{outcome}: {of_outcome:?}");
        }
        let summed = summary(world, query).await;
        assert_eq!((&summed["total"], &summed["records"]), (&json!(polls), &json!(records.len())));
        for (outcome, many) in &told {
            let days = summed["buckets"].as_array().unwrap().iter();
            assert_eq!(days.filter_map(|day| day["counts"][outcome].as_u64()).sum::<u64>(), *many as u64, "{summed}");
        }
        let stops = world.records("caller=reader&action=StopMigrateJob", 2).await;
        assert_eq!((stops.len(), calls(&stops)), (2, 2), "what would change something is never counted");

        world.stop_gateway().await;
        let report = verified(world, "counted.proof", &public, &held(world)).await;
        assert!(report.is_proven(), "{:#?}", report.lines());
    })
    .await;
}

/// Nobody has to stop the gateway to see what was counted.
#[tokio::test]
async fn a_count_is_written_when_its_time_is_over() {
    on_both(Options::head("audit.count_reads = \"1s\""), async |world: &mut World| {
        let poller = world.with_token("reader");
        let made = AtomicU64::new(0);
        until("a count is written", || async {
            let polls = (0..5).map(|_| poller.act("DescribeMigrateJobs", json!({"NoSuchParameter": 1})));
            made.fetch_add(join_all(polls).await.len() as u64, Ordering::Relaxed);
            let records = world.records("caller=reader&reason=parameter-unknown", 1).await;
            records.iter().any(|record| record["calls"].as_u64() > Some(1)).then_some(())
        })
        .await;
        restarted(world).await;
        let records = world.records("caller=reader&reason=parameter-unknown", 1).await;
        assert_eq!(calls(&records), made.into_inner());
    })
    .await;
}
