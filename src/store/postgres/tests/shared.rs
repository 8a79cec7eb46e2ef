//! Several instances on one database.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};

use super::super::commit::commit;
use super::{Claim, Postgres, until};
use crate::call::{Class, Clock, Outcome, Wall};
use crate::store::tests::bed::{Bed, on_postgres};
use crate::store::tests::{end, ended, intent, record};
use crate::store::{Entry, LogName, Store, StoreError, Tenancy};

/// An instance that looks often whether its connection lives.
async fn instance(bed: &Bed) -> Postgres {
    let mut store = Postgres::connect(&bed.url(), Clock::system()).unwrap();
    store.claim = Claim::new(store.options.clone(), Duration::from_millis(20));
    store.claim(Tenancy::Shared, Duration::ZERO).await.unwrap();
    store
}

async fn logs(store: &Postgres) -> Vec<LogName> {
    let heads = store.log().heads().await.unwrap();
    heads.into_iter().filter(|head| head.size > 0).map(|head| head.log).collect()
}

#[test]
fn instances_that_share_write_logs_of_their_own_and_one_leads() {
    on_postgres(async |bed| {
        let (first, second) = (instance(bed).await, instance(bed).await);
        assert!(first.leads() && !second.leads());
        for store in [&first, &second] {
            store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        }
        let log = |slot| LogName { slot, class: Class::Changes };
        assert_eq!(logs(&first).await, [log(0), log(1)]);
        first.close().await;
        until(async || second.leads()).await;
        // A third one takes the place of the first, and its log.
        let third = instance(bed).await;
        third.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        assert_eq!(logs(&third).await, [log(0), log(1)]);
        second.close().await;
        third.close().await;
    });
}

#[test]
fn an_instance_that_shares_with_nobody_runs_beside_nobody() {
    on_postgres(async |bed| {
        let shared = instance(bed).await;
        let sole = bed.another();
        let refused = sole.claim(Tenancy::Sole, Duration::from_millis(50)).await;
        assert!(matches!(refused, Err(StoreError::Claimed)), "{refused:?}");
        shared.close().await;
        sole.claim(Tenancy::Sole, Duration::from_secs(30)).await.unwrap();
        let late = bed.another();
        let refused = late.claim(Tenancy::Shared, Duration::from_millis(50)).await;
        assert!(matches!(refused, Err(StoreError::Claimed)), "{refused:?}");
        sole.close().await;
    });
}

#[test]
fn only_changes_of_instances_that_are_gone_are_left_open() {
    on_postgres(async |bed| {
        let (dying, living) = (instance(bed).await, instance(bed).await);
        let (lost, kept) = (intent(&[("dts-1", 0)]), intent(&[("dts-2", 0)]));
        dying.commit(&[Entry::Intent(lost.clone())]).await.unwrap();
        living.commit(&[Entry::Intent(kept.clone())]).await.unwrap();
        assert!(living.open_changes(false).await.unwrap().is_empty());
        drop(dying);
        until(async || !living.open_changes(false).await.unwrap().is_empty()).await;
        let left = living.open_changes(false).await.unwrap();
        assert_eq!(left.iter().map(|record| record.id).collect::<Vec<_>>(), [lost.record.id]);
        living.commit(&[end(&lost, Outcome::Unknown, None), end(&kept, Outcome::Ok, None)]).await.unwrap();
        assert!(living.open_changes(true).await.unwrap().is_empty());
        living.close().await;
    });
}

#[test]
fn an_instance_whose_log_was_altered_is_not_taken_for_one_that_is_gone() {
    on_postgres(async |bed| {
        let (altered, other) = (instance(bed).await, instance(bed).await);
        let (one, two) = (record(Outcome::Ok), record(Outcome::Ok));
        altered.commit(&[ended(&one), ended(&two)]).await.unwrap();
        let remove = format!(
            "SET session_replication_role = replica; ALTER TABLE audit_records DISABLE TRIGGER ALL;
             DELETE FROM audit_records WHERE id = '{}'",
            one.id
        );
        bed.raw(&remove).await.unwrap();
        drop(altered.committer.lock().await.take());
        let under_way = intent(&[("dts-1", 0)]);
        altered.commit(&[Entry::Intent(under_way.clone())]).await.unwrap();
        let beside = LogName { slot: 100, class: Class::Changes };
        assert!(logs(&other).await.contains(&beside), "it goes on in a log of its own");
        assert!(other.open_changes(false).await.unwrap().is_empty());
        // Once it is gone, that is seen all the same.
        altered.close().await;
        until(async || !other.open_changes(false).await.unwrap().is_empty()).await;
        other.close().await;
    });
}

#[test]
fn what_a_dying_instance_still_commits_is_not_left_open_by_its_successor() {
    on_postgres(async |bed| {
        let dying = instance(bed).await;
        dying.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        // Its process is gone, and so is its claim; the server is still busy with what it sent last.
        let mut last = dying.committer.lock().await.take().unwrap();
        dying.close().await;
        let successor = Arc::new(instance(bed).await);
        let left = tokio::spawn({
            let successor = Arc::clone(&successor);
            async move { successor.open_changes(true).await }
        });
        until(async || bed.count("pg_locks WHERE locktype = 'advisory' AND NOT granted").await == 1).await;
        let change = intent(&[("dts-1", 0)]);
        commit(&mut last, &[Entry::Intent(change.clone())], Clock::system().now()).await.unwrap();
        drop(last);
        let left = left.await.unwrap().unwrap();
        assert_eq!(left.iter().map(|record| record.id).collect::<Vec<_>>(), [change.record.id]);
        successor.close().await;
    });
}

#[test]
fn there_are_no_logs_of_slots_that_nobody_had() {
    on_postgres(async |bed| {
        let instance = instance(bed).await;
        instance.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        // A command beside it.
        bed.store.commit(&[ended(&record(Outcome::Ok))]).await.unwrap();
        let heads = instance.log().heads().await.unwrap();
        let names: Vec<String> = heads.iter().map(|head| head.log.to_string()).collect();
        assert_eq!(names, ["0/changes", "0/reads", "100/changes", "100/reads"]);
        instance.close().await;
    });
}

/// A clock that is ahead by so much.
struct Ahead(SignedDuration);

impl Wall for Ahead {
    fn now(&self) -> Timestamp {
        Clock::system().now() + self.0
    }
}

#[test]
fn instances_that_start_together_make_the_partitions_once() {
    on_postgres(async |bed| {
        for year in 1..4 {
            // No month has its partitions yet.
            let ahead = Arc::new(Ahead(SignedDuration::from_hours(year * 400 * 24)));
            let stores: Vec<Postgres> = (0..4)
                .map(|_| Postgres::connect(&bed.url(), Clock::from_wall(Arc::clone(&ahead) as Arc<dyn Wall>)).unwrap())
                .collect();
            let prepared = join_all(stores.iter().map(|store| store.log().prepare())).await;
            assert!(prepared.iter().all(Result::is_ok), "{prepared:?}");
            for store in stores {
                store.close().await;
            }
        }
    });
}
