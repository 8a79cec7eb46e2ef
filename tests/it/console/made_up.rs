//! A day that never was: calls of a few services at a migration, for a chart that looks like one.

use dts_gateway::call::{Closed, Detail, Outcome, Record, StateSeen};
use dts_gateway::store::{Entry, Intent};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

/// Who reads the log. A team's callers are known by name; roles are in the token.
pub const TEAM: &str = "team = \"audit\"\n[[caller]]\nname = \"auditor\"\naccounts = [\"main\"]\n";

/// Calls of the day.
const CALLS: i64 = 900;

const SERVICES: [(&str, &str); 5] = [
    ("payments-sync", "payments"),
    ("orders-mover", "orders"),
    ("billing-reports", "billing"),
    ("platform-cron", "platform"),
    ("inventory", "orders"),
];

const TASKS: [&str; 6] =
    ["dts-zu97am65", "dts-k3p0qe1x", "dts-h82mmv4c", "dts-0v5ndl7t", "dts-b6wqs2ya", "dts-r91jctf8"];

/// Numbers that look drawn and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: i64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap() % most
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(i64::try_from(choices.len()).unwrap())).unwrap()]
    }
}

/// The entries of the day before `now`, oldest first.
pub fn day(now: Timestamp) -> Vec<Entry> {
    let mut dice = Dice(20_261_121);
    let seconds = 24 * 3600 - 240;
    let mut ages: Vec<i64> = (0..CALLS).map(|_| age(&mut dice, seconds)).collect();
    ages.sort_unstable_by_key(|age| -age);
    let times = ages.into_iter().map(|age| now - SignedDuration::from_millis(120_000 + age * 1000 + age % 997));
    times.flat_map(|time| call(&mut dice, time)).collect()
}

/// Seconds before now: twice as many by day as by night, and one burst.
fn age(dice: &mut Dice, seconds: i64) -> i64 {
    match dice.below(10) {
        0..=5 => dice.below(seconds / 2),
        6 => 5 * 3600 + dice.below(1500),
        _ => dice.below(seconds),
    }
}

fn call(dice: &mut Dice, time: Timestamp) -> Vec<Entry> {
    let (caller, team) = dice.of(&SERVICES);
    let task = dice.of(&TASKS);
    let kind = dice.below(100);
    let mut record = blank(dice, time, caller, team, task);
    match kind {
        0..=58 => read(&mut record),
        59..=66 => limited(&mut record),
        67..=78 => forbidden(&mut record, task),
        79..=82 => not_granted(&mut record, caller),
        83..=86 => failed(&mut record),
        87 => unknown(&mut record),
        _ => return changed(record, task),
    }
    vec![closed(record, false)]
}

fn blank(dice: &mut Dice, time: Timestamp, caller: &str, team: &str, task: &str) -> Record {
    let unix = uuid::Timestamp::from_unix(
        uuid::NoContext,
        time.as_second().unsigned_abs(),
        time.subsec_nanosecond().unsigned_abs(),
    );
    let id = Uuid::new_v7(unix);
    let took = 18 + dice.below(90);
    Record {
        id,
        time,
        account: "main".to_owned(),
        team: team.to_owned(),
        caller: caller.to_owned(),
        key_id: format!("AKIDgw{:08x}", dice.below(0xffff_ffff)),
        address: format!("10.20.{}.{}", dice.below(4), 2 + dice.below(250)),
        family: "tencent".to_owned(),
        version: "2018-03-30".to_owned(),
        region: dice.of(&["ap-guangzhou", "ap-guangzhou", "ap-shanghai", "ap-beijing"]).to_owned(),
        task_ids: vec![task.to_owned()],
        request_id: id.to_string(),
        detail: Detail {
            parameters: json!({"JobId": task}).to_string(),
            parameters_digest: format!("{:064x}", dice.below(i64::MAX)),
            table: format!("{:064x}", 0x5eed_ca11_u64),
            total_ms: took,
            user_agent: "SDK_PYTHON_3.0.1500".to_owned(),
            ..Detail::default()
        },
        ..Record::default()
    }
}

fn read(record: &mut Record) {
    record.action = "DescribeMigrateJobs".to_owned();
    record.outcome = Outcome::Ok;
    record.detail.kind = "read".to_owned();
    answered(record);
}

fn answered(record: &mut Record) {
    record.upstream_request_id = Some(record.id.to_string());
    record.detail.upstream_status = Some(200);
    record.detail.upstream_ms = Some(record.detail.total_ms - 6);
    record.detail.grant = format!("{}/{}", record.team, record.caller);
    record.detail.origin = "upstream".to_owned();
}

fn refused(record: &mut Record, action: &str, kind: &str, reason: &str, message: &str) {
    record.action = action.to_owned();
    record.outcome = Outcome::Refused;
    record.reason = Some(reason.to_owned());
    record.detail.kind = kind.to_owned();
    record.detail.message = message.to_owned();
    record.detail.origin = "gateway".to_owned();
    record.detail.total_ms = 2;
}

fn limited(record: &mut Record) {
    let message = "the cloud limit DescribeMigrateJobs of 20 in 1 s is used up, and the call would have to wait longer than it may. Try again in 2 s.";
    refused(record, "DescribeMigrateJobs", "read", "rate-limited", message);
    record.detail.limit = "DescribeMigrateJobs 20 in 1 s".to_owned();
    record.detail.grant = format!("{}/{}", record.team, record.caller);
}

fn forbidden(record: &mut Record, task: &str) {
    let message = format!(
        "StartMigrateJob is not allowed while task {task} is Running (7). It is allowed in CheckPass. Allowed now: StopMigrateJob."
    );
    refused(record, "StartMigrateJob", "change", "state-forbids", &message);
    record.detail.states = vec![StateSeen {
        task: task.to_owned(),
        state: "Running (7)".to_owned(),
        age_ms: 840,
        mode: "enforce".to_owned(),
    }];
    record.detail.grant = format!("{}/{}", record.team, record.caller);
}

fn not_granted(record: &mut Record, caller: &str) {
    let message = format!("{caller} has no grant for DeleteMigrateJob. Ask for a grant in your team's file.");
    refused(record, "DeleteMigrateJob", "destructive", "not-granted", &message);
}

fn failed(record: &mut Record) {
    record.action = "DescribeMigrateJobs".to_owned();
    record.detail.kind = "read".to_owned();
    answered(record);
    record.outcome = Outcome::Failed;
    record.upstream_code = Some("InternalError.LockError".to_owned());
}

fn unknown(record: &mut Record) {
    record.action = "CompleteMigrateJob".to_owned();
    record.outcome = Outcome::Unknown;
    record.reason = Some("outcome-unknown".to_owned());
    record.detail.kind = "change".to_owned();
    record.detail.total_ms = 30_012;
    record.detail.message = "the call was sent but no answer came in 30 s.".to_owned();
}

/// A change that was done: its intent, and its end.
fn changed(mut record: Record, task: &str) -> Vec<Entry> {
    record.action = "StopMigrateJob".to_owned();
    record.outcome = Outcome::Open;
    record.detail.kind = "destructive".to_owned();
    record.detail.grant = format!("{}/{}", record.team, record.caller);
    record.detail.states = vec![StateSeen {
        task: task.to_owned(),
        state: "Running (7)".to_owned(),
        age_ms: 310,
        mode: "enforce".to_owned(),
    }];
    record.waited_ms = 50;
    let intent = Intent { record: record.clone(), tasks: Vec::new(), replay: Vec::new(), emergency: false };
    answered(&mut record);
    record.outcome = Outcome::Ok;
    vec![Entry::Intent(intent), closed(record, true)]
}

fn closed(record: Record, intended: bool) -> Entry {
    Entry::Closed(Closed { record, intended, answer: None, window: None })
}
