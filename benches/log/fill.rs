//! A hundred days of calls: four of five are reads, every seventh is refused, by forty callers, on twenty thousand tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dts_gateway::call::{Closed, Detail, Outcome, Record, StateSeen, Wall};
use dts_gateway::store::{Entry, Intent, Store, Verdict};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use uuid::Uuid;

/// 2026-08-10 in microseconds.
const BEGAN: i64 = 1_786_320_000_000_000;
const DAYS: i64 = 100;
const DAY: i64 = 86_400_000_000;

/// Calls in one commit: what the writer's largest batch holds, each change being two entries.
const BATCH: u64 = 400;

const CALLERS: u64 = 40;
const TASKS: u64 = 20_000;

/// The clock of the log: it stands at the time of the call that is being committed.
pub(crate) struct Past {
    now: AtomicI64,
    step: i64,
}

impl Past {
    pub(crate) fn of(calls: u64) -> Arc<Past> {
        let step = DAYS * DAY / i64::try_from(calls.max(1)).unwrap();
        Arc::new(Past { now: AtomicI64::new(BEGAN), step })
    }

    pub(crate) fn end(&self) -> Timestamp {
        Timestamp::from_microsecond(BEGAN + DAYS * DAY).unwrap()
    }

    pub(crate) fn before_the_end(&self, length: SignedDuration) -> Timestamp {
        self.end() - length
    }
}

impl Wall for Past {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.now.load(Ordering::Acquire)).unwrap()
    }
}

pub(crate) fn caller(number: u64) -> String {
    format!("service-{:02}", number % CALLERS)
}

pub(crate) fn task(number: u64) -> String {
    format!("dts-{:08x}", number % TASKS)
}

pub(crate) async fn fill(store: &dyn Store, past: &Past, calls: u64) {
    let (began, mut told, mut month) = (Instant::now(), Instant::now(), String::new());
    for first in (0..calls).step_by(usize::try_from(BATCH).unwrap()) {
        let batch = first..calls.min(first + BATCH);
        past.now.store(BEGAN + i64::try_from(batch.end).unwrap() * past.step, Ordering::Release);
        let now = past.now().strftime("%Y-%m").to_string();
        if now != month {
            store.log().prepare().await.unwrap();
            month = now;
        }
        let mut entries = Vec::new();
        for number in batch.clone() {
            entries.extend(call(number, past.step));
        }
        let verdicts = store.commit(&entries).await.unwrap();
        assert!(verdicts.iter().all(|verdict| *verdict == Verdict::Done), "{verdicts:?}");
        if told.elapsed() > Duration::from_secs(30) || batch.end == calls {
            told = Instant::now();
            let seconds = began.elapsed().as_secs_f64();
            println!("{} calls committed in {seconds:.0} s, {:.0} a second", batch.end, batch.end as f64 / seconds);
        }
    }
}

fn call(number: u64, step: i64) -> Vec<Entry> {
    let time = Timestamp::from_microsecond(BEGAN + i64::try_from(number).unwrap() * step).unwrap();
    let mut record = record(number, time);
    if !number.is_multiple_of(5) {
        return vec![closed(record, false)];
    }
    record.detail.kind = "change".to_owned();
    record.action = "ModifyMigrateJob".to_owned();
    if record.outcome == Outcome::Refused {
        return vec![closed(record, false)];
    }
    let opened = Record { outcome: Outcome::Open, ..record.clone() };
    let intent = Intent { record: opened, tasks: Vec::new(), replay: Vec::new(), emergency: false };
    vec![Entry::Intent(intent), closed(record, true)]
}

fn closed(record: Record, intended: bool) -> Entry {
    Entry::Closed(Closed { record, intended, answer: None, window: None })
}

/// As large as a call's record with a few parameters.
fn record(number: u64, time: Timestamp) -> Record {
    let id = id(number, time);
    // Spread, so that neighbours in time are not neighbours in an index.
    let scattered = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
    let is_refused = number.is_multiple_of(7);
    let reasons = ["rate-limited", "state-forbids", "not-granted", "task-busy"];
    let reason = is_refused.then(|| reasons[usize::try_from(scattered % 4).unwrap()].to_owned());
    Record {
        id,
        time,
        account: "prod".to_owned(),
        team: format!("team-{}", scattered % CALLERS / 4),
        caller: caller(scattered),
        key_id: format!("AKIDxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{:02}", scattered % CALLERS),
        address: "10.0.0.8".to_owned(),
        family: "tencent".to_owned(),
        version: "2018-03-30".to_owned(),
        action: "DescribeMigrateJobs".to_owned(),
        region: "ap-guangzhou".to_owned(),
        task_ids: vec![task(scattered)],
        outcome: if is_refused { Outcome::Refused } else { Outcome::Ok },
        reason,
        request_id: id.to_string(),
        upstream_request_id: (!is_refused).then(|| Uuid::from_u128(!id.as_u128()).to_string()),
        waited_ms: i64::try_from(number % 5_000).unwrap(),
        detail: Detail {
            kind: "read".to_owned(),
            parameters: r#"{"JobId":"dts-0000abcd","JobName":"orders to the new region","RunMode":1,"Password":""}"#
                .to_owned(),
            parameters_digest: format!("{:064x}", u128::from(scattered) * 0x1234_5678_9abc_def0),
            grant: "payments/2".to_owned(),
            states: vec![StateSeen {
                task: task(scattered),
                state: "ready".to_owned(),
                age_ms: 12,
                mode: String::new(),
            }],
            table: "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752".to_owned(),
            upstream_status: Some(200),
            upstream_ms: Some(83),
            total_ms: 97,
            origin: "upstream".to_owned(),
            user_agent: "tencentcloud-sdk-python/3.0".to_owned(),
            ..Detail::default()
        },
        ..Record::default()
    }
}

/// A UUID of version 7, the same in every run.
fn id(number: u64, time: Timestamp) -> Uuid {
    let milliseconds = u64::try_from(time.as_millisecond()).unwrap();
    let random = number.wrapping_mul(0xd134_2543_de82_ef95).to_be_bytes();
    let mut bytes = [0; 10];
    bytes[2..].copy_from_slice(&random);
    // The order within a millisecond is that of the calls.
    bytes[..2].copy_from_slice(&u16::try_from(number % 4096).unwrap().to_be_bytes());
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid()
}
