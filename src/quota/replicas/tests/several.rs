//! Replicas on a real Redis by real clocks. What is asserted holds however slow the machine is.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{prefix, redis_url};
use crate::coordinate::{Link, LinkOptions, Mode};
use crate::quota::{Asker, BucketKey, BucketSpec, Class, Quota, Standing};

const WINDOW: Duration = Duration::from_millis(200);

/// Of another quota: longer than any test.
const LONG: Duration = Duration::from_secs(3600);

struct Replica {
    quota: Quota,
    link: Link,
}

/// Redis behind a door that can be shut.
struct Door {
    address: std::net::SocketAddr,
    open: watch::Sender<bool>,
}

impl Door {
    async fn new() -> Door {
        let url = redis_url();
        let server = url.trim_start_matches("redis://").trim_end_matches('/').rsplit('@').next().unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let door = Door { address: listener.local_addr().unwrap(), open: watch::Sender::new(true) };
        let open = door.open.subscribe();
        tokio::spawn(async move {
            loop {
                let (mut from, _) = listener.accept().await.unwrap();
                let (mut open, server) = (open.clone(), server.clone());
                tokio::spawn(async move {
                    if !*open.borrow_and_update() {
                        return;
                    }
                    let mut to = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut from, &mut to) => {}
                        _ = open.changed() => {}
                    }
                });
            }
        });
        door
    }

    fn url(&self) -> String {
        let url = redis_url();
        let user = url.trim_start_matches("redis://").rsplit_once('@').map(|(user, _)| format!("{user}@"));
        format!("redis://{}{}", user.unwrap_or_default(), self.address)
    }
}

async fn replica(url: &str, prefix: &str) -> Replica {
    let options = LinkOptions {
        url: url.to_owned().into(),
        prefix: prefix.to_owned(),
        timeout: Duration::from_secs(5),
        windows: [WINDOW, LONG].into(),
    };
    let (link, messages) = Link::connect(options, CancellationToken::new()).await.unwrap();
    Replica { quota: Quota::shared(link.clone(), messages.to_this), link }
}

async fn until(link: &Link, is: impl Fn(&Mode) -> bool) {
    let mut modes = link.modes();
    let seen = modes.wait_for(|mode| is(mode)).await;
    assert!(seen.is_ok());
}

fn bucket(per: u32) -> BucketSpec {
    let key = BucketKey { identity: "account".into(), host: "dts.example".into(), name: "StopIt".into() };
    BucketSpec { key, per, window: WINDOW, reserve: 0 }
}

fn asker(who: &str) -> Asker<'_> {
    Asker { who, weight: NonZeroU32::MIN, class: Class::Change }
}

/// Sends calls one after another for a while, and notes when each was sent at the earliest and at the latest.
async fn send(quota: Quota, who: String, calls: usize, sent: Arc<Mutex<Vec<(Instant, Instant)>>>) {
    for _ in 0..calls {
        let Ok(turn) = quota.acquire(&[bucket(8)], &asker(&who), Duration::from_secs(60)).await else { continue };
        let granted = Instant::now();
        tokio::task::yield_now().await;
        let answered = Instant::now();
        sent.lock().unwrap().push((granted, answered));
        turn.settle(answered);
    }
}

/// Calls that must have been in one window with their first: each arrived between its two times.
fn certain_in_a_window(sent: &[(Instant, Instant)]) -> usize {
    let with = |first: &Instant| sent.iter().filter(|(from, to)| from >= first && *to < *first + WINDOW).count();
    sent.iter().map(|(from, _)| with(from)).max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_never_send_more_than_the_quota_together() {
    let prefix = prefix();
    let replicas = [replica(&redis_url(), &prefix).await, replica(&redis_url(), &prefix).await];
    let sent = Arc::new(Mutex::new(Vec::new()));
    let calls: Vec<_> = (0..6)
        .map(|n| tokio::spawn(send(replicas[n % 2].quota.clone(), format!("caller-{n}"), 10, Arc::clone(&sent))))
        .collect();
    for call in calls {
        call.await.unwrap();
    }
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 60, "everybody had a turn in time");
    assert!(certain_in_a_window(&sent) <= 8, "{}", certain_in_a_window(&sent));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_redis_is_passed_over_without_a_call_too_many() {
    let (prefix, door) = (prefix(), Door::new().await);
    let replicas = [replica(&door.url(), &prefix).await, replica(&door.url(), &prefix).await];
    until(&replicas[0].link, |mode| matches!(mode, Mode::Joined { here: 2, .. })).await;
    let sent = Arc::new(Mutex::new(Vec::new()));
    let calls: Vec<_> = (0..4)
        .map(|n| tokio::spawn(send(replicas[n % 2].quota.clone(), format!("caller-{n}"), 25, Arc::clone(&sent))))
        .collect();
    door.open.send_replace(false);
    for replica in &replicas {
        until(&replica.link, |mode| matches!(mode, Mode::Alone { replicas: 2 })).await;
    }
    door.open.send_replace(true);
    for replica in &replicas {
        until(&replica.link, |mode| matches!(mode, Mode::Joined { here: 2, of: 2, .. })).await;
    }
    for call in calls {
        call.await.unwrap();
    }
    let sent = sent.lock().unwrap();
    assert_eq!(sent.len(), 100, "no call is left without its turn");
    assert!(certain_in_a_window(&sent) <= 8, "{}", certain_in_a_window(&sent));
}

#[tokio::test]
async fn who_hangs_up_leaves_its_place() {
    let prefix = prefix();
    let replica = replica(&redis_url(), &prefix).await;
    let mut turns = Vec::new();
    for _ in 0..2 {
        turns.push(replica.quota.acquire(&[bucket(2)], &asker("first"), Duration::ZERO).await.unwrap());
    }
    let (buckets, last, second) = ([bucket(2)], asker("last"), asker("second"));
    let wait = || replica.quota.estimate(&buckets, &last);
    let free = wait().await;
    {
        let waiting = replica.quota.acquire(&buckets, &second, Duration::from_secs(60));
        let mut waiting = std::pin::pin!(waiting);
        // Behind one more a third waits longer.
        while wait().await <= free + WINDOW / 4 {
            assert!(futures_util::poll!(waiting.as_mut()).is_pending());
            tokio::task::yield_now().await;
        }
    }
    while wait().await > free + WINDOW / 4 {
        tokio::task::yield_now().await;
    }
    drop(turns);
    assert!(replica.quota.acquire(&[bucket(2)], &asker("last"), Duration::from_secs(60)).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_slots_of_a_replica_that_died_come_back() {
    let prefix = prefix();
    // A process of its own, nearly: with its runtime everything ends that it does, as after kill -9.
    let dying = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let its_prefix = prefix.clone();
    let took = dying.spawn(async move {
        let replica = replica(&redis_url(), &its_prefix).await;
        let turn = replica.quota.acquire(&[bucket(1)], &asker("first"), Duration::ZERO).await.unwrap();
        std::mem::forget((replica, turn));
    });
    took.await.unwrap();
    let living = replica(&redis_url(), &prefix).await;
    dying.shutdown_background();
    assert!(living.quota.acquire(&[bucket(1)], &asker("second"), Duration::from_secs(60)).await.is_ok());
}

#[tokio::test]
async fn a_connection_that_was_lost_for_a_moment_costs_one_window_and_nothing_is_sent_alone() {
    let door = Door::new().await;
    // Long enough for any machine to connect again.
    let windows = [Duration::from_secs(3)].into();
    let options = LinkOptions { url: door.url().into(), prefix: prefix(), timeout: Duration::from_secs(5), windows };
    let (link, _messages) = Link::connect(options, CancellationToken::new()).await.unwrap();
    let mut modes = link.modes();
    modes.mark_unchanged();
    door.open.send_replace(false);
    door.open.send_replace(true);
    let mut silences = Vec::new();
    loop {
        modes.changed().await.unwrap();
        match modes.borrow_and_update().clone() {
            Mode::Quiet { until } => silences.push(until),
            Mode::Alone { .. } => panic!("it sends beside the others, who are with Redis"),
            Mode::Joined { .. } => break,
        }
    }
    assert_eq!(silences.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_leaves_is_gone_when_it_has_left() {
    let (prefix, stopping) = (prefix(), CancellationToken::new());
    let options = LinkOptions {
        url: redis_url().into(),
        prefix: prefix.clone(),
        timeout: Duration::from_secs(5),
        windows: [WINDOW, LONG].into(),
    };
    let (link, _messages) = Link::connect(options, stopping.clone()).await.unwrap();
    stopping.cancel();
    link.left().await;
    let Mode::Joined { here, of, .. } = replica(&redis_url(), &prefix).await.link.mode() else { panic!("{link:?}") };
    assert_eq!((here, of), (1, 1), "the first is not waited for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stood_still_loses_no_call_that_waits() {
    let prefix = prefix();
    let stalling = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let its_prefix = prefix.clone();
    let (holding, waiting) = stalling
        .spawn(async move {
            let replica = replica(&redis_url(), &its_prefix).await;
            let holding = replica.quota.acquire(&[bucket(1)], &asker("first"), Duration::ZERO).await.unwrap();
            let quota = replica.quota.clone();
            let minute = Duration::from_secs(60);
            let waiting =
                tokio::spawn(async move { quota.acquire(&[bucket(1)], &asker("second"), minute).await.is_ok() });
            while replica.quota.view().await.buckets.first().is_none_or(|bucket| bucket.waiting == 0) {
                tokio::task::yield_now().await;
            }
            (holding, waiting)
        })
        .await
        .unwrap();
    // As by SIGSTOP: nothing of it runs until another has got what it had.
    let (go_on, until_told) = std::sync::mpsc::channel::<()>();
    stalling.spawn(async move { until_told.recv() });
    let living = replica(&redis_url(), &prefix).await;
    let turn = living.quota.acquire(&[bucket(1)], &asker("third"), Duration::from_secs(60)).await.unwrap();
    go_on.send(()).unwrap();
    turn.settle(Instant::now());
    drop(holding);
    assert!(waiting.await.unwrap(), "it waits for a turn that nobody will give it");
    stalling.shutdown_background();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_is_silent_for_its_own_window_however_long_others_are() {
    let (prefix, door) = (prefix(), Door::new().await);
    let replica = replica(&door.url(), &prefix).await;
    let long = replica.link.of_window(LONG);
    let joined = |mode: &Mode| matches!(mode, Mode::Joined { .. });
    assert!(joined(&replica.link.mode()) && joined(&long.mode()));
    door.open.send_replace(false);
    until(&replica.link, |mode| matches!(mode, Mode::Alone { .. })).await;
    assert!(matches!(long.mode(), Mode::Quiet { .. }), "{long:?}");
    assert!(replica.quota.acquire(&[bucket(8)], &asker("x"), Duration::ZERO).await.is_ok());
    let hourly = BucketSpec { window: LONG, ..bucket(8) };
    let refused = replica.quota.acquire(&[hourly], &asker("x"), Duration::ZERO).await.unwrap_err();
    assert!(refused.retry_after > LONG / 2, "{refused:?}");
    door.open.send_replace(true);
    until(&replica.link, joined).await;
    assert!(matches!(long.mode(), Mode::Quiet { .. }), "{long:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_replica_sees_what_all_of_them_use_and_who_waits() {
    let prefix = prefix();
    let (busy, other) = (replica(&redis_url(), &prefix).await, replica(&redis_url(), &prefix).await);
    until(&other.link, |mode| matches!(mode, Mode::Joined { here: 2, .. })).await;
    let mut turns = Vec::new();
    for _ in 0..2 {
        turns.push(busy.quota.acquire(&[bucket(2)], &asker("first"), Duration::ZERO).await.unwrap());
    }
    let (buckets, second) = ([bucket(2)], asker("second"));
    let waiting = busy.quota.acquire(&buckets, &second, Duration::from_secs(60));
    let mut waiting = std::pin::pin!(waiting);
    let seen = loop {
        assert!(futures_util::poll!(waiting.as_mut()).is_pending());
        let view = other.quota.view().await;
        assert_eq!(view.standing, Standing::Joined { here: 2, of: 2 });
        if view.buckets.first().is_some_and(|bucket| bucket.waiting > 0) {
            break view;
        }
    };
    let bucket_view = &seen.buckets[0];
    assert_eq!((&bucket_view.key, bucket_view.per, bucket_view.used), (&bucket(2).key, 2, 2));
    assert_eq!((bucket_view.window, &*bucket_view.callers), (WINDOW, &[("second".into(), 1)][..]));
    let mut throttled = turns.pop().unwrap();
    throttled.mark_throttled();
    throttled.settle(Instant::now());
    let lowered = || async { other.quota.view().await.buckets.first().and_then(|bucket| bucket.learned) };
    while lowered().await != Some(1) {
        tokio::task::yield_now().await;
    }
}
