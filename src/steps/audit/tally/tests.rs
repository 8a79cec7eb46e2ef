//! Whatever comes, in whatever order: what is written stands for exactly the calls that closed.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::sync::watch;
use tokio::time::advance;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::counted::MOST;
use super::{Tally, TallyOptions};
use crate::call::{ADMINISTRATIVE, Calls, Closed, Detail, Outcome, Record, RecordSink};

const OPTIONS: TallyOptions = TallyOptions { anonymous_per_second: 3, count_reads: Duration::from_secs(60) };

/// Keeps what is passed on.
struct Kept {
    all: Mutex<Vec<Closed>>,
    number: watch::Sender<usize>,
}

impl RecordSink for Kept {
    fn close(&self, closed: Closed) {
        self.all.lock().unwrap().push(closed);
        self.number.send_modify(|number| *number += 1);
    }
}

struct Bed {
    tally: Arc<Tally>,
    kept: Arc<Kept>,
}

impl Bed {
    fn new(options: TallyOptions) -> Bed {
        let kept = Arc::new(Kept { all: Mutex::default(), number: watch::Sender::new(0) });
        let tally = Arc::new(Tally::new(Arc::clone(&kept) as Arc<dyn RecordSink>, options));
        Bed { tally, kept }
    }

    fn close(&self, record: Record) {
        self.tally.close(Closed { record, intended: false, answer: None, window: None });
    }

    fn written(&self) -> Vec<Record> {
        self.kept.all.lock().unwrap().iter().map(|closed| closed.record.clone()).collect()
    }

    fn drained(&self) -> Vec<Record> {
        self.tally.drain();
        self.written()
    }
}

/// The call of a number; numbers grow with time.
fn call(number: u64) -> Record {
    let time = Timestamp::from_microsecond(1_790_000_000_000_000 + i64::try_from(number).unwrap() * 1_000).unwrap();
    let id = Uuid::from_u128(u128::from(number) + 1);
    Record { id, time, request_id: id.to_string(), family: "cloudy".to_owned(), ..Record::default() }
}

fn stranger(number: u64, reason: &str) -> Record {
    let detail = Detail { message: format!("call {number}"), ..Detail::default() };
    let reason = Some(reason.to_owned());
    Record { outcome: Outcome::Refused, reason, address: "192.0.2.1".to_owned(), detail, ..call(number) }
}

fn read(number: u64, task: &str) -> Record {
    let took = i64::try_from(number).unwrap();
    let detail = Detail { kind: "read".to_owned(), total_ms: took, upstream_ms: Some(took), ..Detail::default() };
    let upstream_request_id = Some(number.to_string());
    let (caller, task_ids) = ("poller".to_owned(), vec![task.to_owned()]);
    Record { outcome: Outcome::Ok, caller, task_ids, waited_ms: took, upstream_request_id, detail, ..call(number) }
}

fn change(number: u64) -> Record {
    let detail = Detail { kind: "change".to_owned(), ..Detail::default() };
    Record { outcome: Outcome::Ok, caller: "poller".to_owned(), detail, ..call(number) }
}

fn calls(records: &[Record]) -> u64 {
    records.iter().map(|record| record.calls.get()).sum()
}

#[derive(Clone, Debug)]
enum Step {
    Stranger(&'static str),
    Read(&'static str),
    Change,
    Later(u64),
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::sample::select(vec!["key-unknown", "credentials-missing"]).prop_map(Step::Stranger),
        6 => prop::sample::select(vec!["dts-1", "dts-2", "dts-3"]).prop_map(Step::Read),
        1 => Just(Step::Change),
        2 => (1..70_000_u64).prop_map(Step::Later),
        1 => Just(Step::Tick),
    ]
}

/// Whose count a record belongs to.
fn whose(record: &Record) -> String {
    format!("{}{}{:?}", record.detail.kind, record.task_ids.join(","), record.reason)
}

fn in_virtual_time<T>(test: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(test)
}

proptest! {
    #[test]
    fn what_is_written_stands_for_the_calls_that_closed(steps in prop::collection::vec(step(), 0..300)) {
        let (closed, written) = in_virtual_time(async {
            let bed = Bed::new(OPTIONS);
            let mut closed = Vec::new();
            for (number, step) in (0..).zip(steps) {
                let record = match step {
                    Step::Stranger(reason) => stranger(number, reason),
                    Step::Read(task) => read(number, task),
                    Step::Change => change(number),
                    Step::Later(milliseconds) => {
                        advance(Duration::from_millis(milliseconds)).await;
                        continue;
                    }
                    Step::Tick => {
                        bed.tally.pass_over(tokio::time::Instant::now());
                        continue;
                    }
                };
                closed.push(record.clone());
                bed.close(record);
            }
            (closed, bed.drained())
        });
        let mut sums = BTreeMap::<String, u64>::new();
        for record in &closed {
            *sums.entry(whose(record)).or_default() += 1;
        }
        for record in &written {
            *sums.entry(whose(record)).or_default() -= record.calls.get();
            let first = closed.iter().find(|one| one.id == record.id).unwrap();
            prop_assert_eq!((record.time, &record.request_id), (first.time, &first.request_id));
            match record.detail.until {
                None => prop_assert_eq!(record, first),
                Some(until) => {
                    prop_assert!(record.calls > Calls::ONE && until > record.time);
                    prop_assert!(closed.iter().any(|last| last.time == until && whose(last) == whose(record)));
                }
            }
        }
        prop_assert!(sums.values().all(|left| *left == 0), "{:?}", sums);
        let reads = |task: &'static str| written.iter().filter(move |record| record.task_ids == [task]);
        for task in ["dts-1", "dts-2", "dts-3"] {
            prop_assert!(reads(task).is_sorted_by_key(|record| record.id), "a count is written before what follows it");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_strangers_is_some_records_and_a_count_of_each_kind() {
    let bed = Bed::new(OPTIONS);
    for number in 0..2_000 {
        let reason = if number % 4 == 0 { "key-unknown" } else { "credentials-missing" };
        let chosen = format!("AKIDmadeUp{number}");
        let version = format!("v{number}");
        let address = format!("192.0.2.{}", number % 12);
        bed.close(Record { key_id: chosen, version, address, ..stranger(number, reason) });
    }
    assert_eq!(bed.written().len(), 3, "so many in a second");
    let written = bed.drained();
    assert_eq!((written.len(), calls(&written)), (5, 2_000));
    let [.., unsigned, unknown] = &written[..] else { panic!("{written:?}") };
    assert_eq!((unsigned.reason.as_deref(), unsigned.calls.get()), (Some("credentials-missing"), 1_498));
    assert_eq!((unknown.reason.as_deref(), unknown.calls.get()), (Some("key-unknown"), 499));
    assert_eq!((unknown.id, unknown.detail.until), (call(4).id, Some(call(1_996).time)));
    for count in [unsigned, unknown] {
        assert_eq!((count.key_id.as_str(), count.version.as_str(), count.address.as_str()), ("", "", ""), "{count:?}");
        assert!(count.detail.message.contains("audit.anonymous_per_second"), "{count:?}");
    }
    assert_eq!((unsigned.detail.addresses.len(), unknown.detail.addresses.len()), (9, 3));
}

#[tokio::test(start_paused = true)]
async fn of_many_addresses_ten_are_named_and_a_single_one_is_the_records_own() {
    let bed = Bed::new(TallyOptions { anonymous_per_second: 1, ..OPTIONS });
    for number in 0..1_001 {
        bed.close(Record { address: format!("192.0.2.{}", number % 100), ..stranger(number, "key-unknown") });
        bed.close(stranger(number, "credentials-missing"));
    }
    let written = bed.drained();
    let many = written.iter().find(|record| record.detail.addresses.len() == 10).unwrap();
    assert_eq!(many.detail.addresses.iter().map(|seen| seen.calls.get()).sum::<u64>(), 100);
    let one = written.iter().find(|record| record.calls.get() == 1_001).unwrap();
    assert_eq!((one.address.as_str(), one.detail.addresses.len()), ("192.0.2.1", 0));
}

#[tokio::test(start_paused = true)]
async fn each_second_has_records_of_its_own_again() {
    let bed = Bed::new(OPTIONS);
    for second in 0..5 {
        (0..10).for_each(|number| bed.close(stranger(second * 10 + number, "key-unknown")));
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(bed.written().len(), 15);
    let written = bed.drained();
    assert_eq!((written.len(), calls(&written)), (16, 50));
}

#[tokio::test(start_paused = true)]
async fn a_poller_is_two_records_for_each_window_and_counts_are_written_by_themselves() {
    let bed = Bed::new(OPTIONS);
    let stop = CancellationToken::new();
    let running = tokio::spawn(Arc::clone(&bed.tally).run(stop.clone()));
    let mut number = bed.kept.number.subscribe();
    (0..250).for_each(|number| bed.close(read(number, "dts-1")));
    assert_eq!(bed.written(), [read(0, "dts-1")], "the first is written at once");
    number.wait_for(|number| *number == 2).await.unwrap();
    let count = bed.written().pop().unwrap();
    let mut expected = Record { calls: Calls::from(249), ..read(1, "dts-1") };
    expected.detail.until = Some(call(249).time);
    assert_eq!(count, expected, "told as the first repeat");

    (250..500).for_each(|number| bed.close(read(number, "dts-1")));
    stop.cancel();
    running.await.unwrap();
    let written = bed.drained();
    assert_eq!((written.len(), calls(&written)), (4, 500));
}

#[tokio::test(start_paused = true)]
async fn reads_that_differ_in_what_is_said_of_them_are_not_identical() {
    let bed = Bed::new(OPTIONS);
    let differing: [fn(&mut Record); 14] = [
        |_| {},
        |record| record.caller.push('2'),
        |record| record.key_id.push('2'),
        |record| record.address.push('2'),
        |record| record.account.push('2'),
        |record| record.version.push('2'),
        |record| record.action.push('2'),
        |record| record.region.push('2'),
        |record| record.task_ids.push("dts-2".to_owned()),
        |record| record.outcome = Outcome::Failed,
        |record| record.reason = Some("rate-limited".to_owned()),
        |record| record.upstream_code = Some("InternalError".to_owned()),
        |record| record.caller_gone = true,
        |record| record.detail.parameters_digest.push('2'),
    ];
    for (number, differ) in (0..).zip(differing) {
        let mut record = read(number, "dts-1");
        differ(&mut record);
        bed.close(record);
    }
    assert_eq!(bed.written().len(), differing.len());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_came_earlier_and_ended_later_begins_the_count() {
    let bed = Bed::new(OPTIONS);
    [0, 3, 1, 2].into_iter().for_each(|number| bed.close(read(number, "dts-1")));
    let count = bed.drained().pop().unwrap();
    assert_eq!((count.id, count.calls.get(), count.detail.until), (call(1).id, 3, Some(call(3).time)));
}

#[tokio::test(start_paused = true)]
async fn changes_acts_and_what_has_an_intent_pass_as_they_are() {
    let bed = Bed::new(TallyOptions { anonymous_per_second: 1, ..OPTIONS });
    let closed = |record| Closed { record, intended: false, answer: None, window: None };
    for _ in 0..3 {
        bed.tally.close(closed(change(1)));
        bed.tally.close(closed(Record { outcome: Outcome::Refused, ..change(1) }));
        bed.tally.close(closed(Record { outcome: Outcome::Unknown, ..stranger(1, "internal") }));
        let act = Record { family: ADMINISTRATIVE.to_owned(), ..stranger(1, "key-unknown") };
        bed.tally.close(closed(act));
        bed.tally.close(Closed { intended: true, ..closed(read(1, "dts-1")) });
        bed.tally.close(Closed { intended: true, ..closed(stranger(1, "key-unknown")) });
        bed.tally.close(Closed { answer: Some(Bytes::new()), ..closed(read(1, "dts-1")) });
        bed.tally.close(Closed { window: Some(Duration::ZERO), ..closed(read(1, "dts-1")) });
    }
    let all = bed.kept.all.lock().unwrap();
    assert_eq!(all.len(), 24);
    let kept = |keeps: fn(&Closed) -> bool| all.iter().filter(|closed| keeps(closed)).count();
    assert_eq!(kept(|closed| closed.intended), 6);
    assert_eq!((kept(|closed| closed.answer.is_some()), kept(|closed| closed.window.is_some())), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn what_is_off_or_drained_counts_nothing() {
    let off = Bed::new(TallyOptions { anonymous_per_second: 0, count_reads: Duration::ZERO });
    let drained = Bed::new(OPTIONS);
    drained.tally.drain();
    for bed in [off, drained] {
        for number in 0..20 {
            bed.close(stranger(number, "key-unknown"));
            bed.close(read(number, "dts-1"));
        }
        assert_eq!((bed.written().len(), bed.drained().len()), (40, 40));
    }
}

#[tokio::test(start_paused = true)]
async fn open_counts_are_bounded_and_beyond_that_nothing_is_lost() {
    let bed = Bed::new(OPTIONS);
    let different = u64::try_from(MOST).unwrap() + 100;
    for number in 0..different * 2 {
        bed.close(read(number, &format!("dts-{}", number % different)));
    }
    let singly = bed.written().len();
    assert_eq!(singly, MOST + 200, "those for which there was no room are written each time");
    assert_eq!(calls(&bed.drained()), different * 2);
}
