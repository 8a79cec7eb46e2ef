#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use tokio::task::JoinSet;

use super::*;
use crate::identity::issue::KeyIssuer;
use crate::identity::random::SystemRandom;
use crate::identity::testing::{MemoryStore, NOW, SetClock, at, sealing};
use crate::store::KeyState;

struct Room {
    store: Arc<MemoryStore>,
    clock: Arc<SetClock>,
    keyring: Arc<Keyring>,
}

async fn room() -> Room {
    let (store, clock) = (Arc::new(MemoryStore::default()), SetClock::at(NOW));
    let limits = KeyringLimits::default();
    let keyring = Keyring::load(store.clone(), sealing(&["2026"]), clock.clock(), limits).await.unwrap();
    Room { store, clock, keyring: Arc::new(keyring) }
}

impl Room {
    async fn issue(&self, expires_at: Option<i64>) -> String {
        let keys = sealing(&["2026"]);
        let issuer = KeyIssuer::new(&*self.store, &keys, &SystemRandom);
        issuer.create("billing", at(NOW), expires_at.map(at)).await.unwrap().key_id
    }

    async fn refusal(&self, key_id: &str) -> Refusal {
        self.keyring.find(key_id).await.unwrap_err()
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_issued_after_the_start_works_at_once_and_costs_one_look_up() {
    let room = room().await;
    let key_id = room.issue(None).await;
    let mut all = JoinSet::new();
    for _ in 0..50 {
        let (keyring, key_id) = (Arc::clone(&room.keyring), key_id.clone());
        all.spawn(async move { keyring.find(&key_id).await });
    }
    assert!(all.join_all().await.iter().all(|found| found.as_ref().is_ok_and(|key| key.caller == "billing")));
    assert_eq!(room.store.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn unknown_revoked_and_expired_are_told_apart() {
    let room = room().await;
    let (revoked, expired) = (room.issue(None).await, room.issue(Some(NOW + 60)).await);
    room.keyring.refresh().await.unwrap();
    assert!(room.keyring.find(&expired).await.is_ok());
    room.clock.set(NOW + 60);
    assert_eq!(room.refusal(&expired).await, Refusal::KeyExpired);
    // Revoked by a machine whose clock is ahead of ours: at once all the same.
    room.store.end_key(&revoked, KeyState::Revoked(at(NOW + 9_000))).await.unwrap();
    assert!(room.keyring.find(&revoked).await.is_ok());
    room.keyring.refresh().await.unwrap();
    assert_eq!(room.refusal(&revoked).await, Refusal::KeyRevoked);
    assert_eq!(room.refusal("AKIDnobody").await, Refusal::KeyUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_ids_costs_few_look_ups() {
    let room = room().await;
    for second in 1..=3 {
        for number in 0..500 {
            assert_eq!(room.refusal(&format!("AKID{number}")).await, Refusal::KeyUnknown);
        }
        assert_eq!(room.store.reads(), second * 20);
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    assert_eq!(room.refusal(&"x".repeat(10_000)).await, Refusal::KeyUnknown);
    assert_eq!(room.store.reads(), 60);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_id_is_asked_for_once_a_second() {
    let room = room().await;
    for _ in 0..10 {
        assert_eq!(room.refusal("AKIDnobody").await, Refusal::KeyUnknown);
    }
    assert_eq!(room.store.reads(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(room.refusal("AKIDnobody").await, Refusal::KeyUnknown);
    assert_eq!(room.store.reads(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_away_stops_nobody_for_ten_minutes() {
    let room = room().await;
    let key_id = room.issue(None).await;
    room.keyring.refresh().await.unwrap();
    room.store.go_away(true);
    tokio::time::advance(Duration::from_secs(599)).await;
    assert!(room.keyring.refresh().await.is_err());
    assert!(room.keyring.find(&key_id).await.is_ok());
    // Whether this one exists can't be said, so it is not called unknown.
    assert_eq!(room.refusal("AKIDnobody").await, Refusal::AuditUnavailable);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(room.refusal(&key_id).await, Refusal::AuditUnavailable);
    room.store.go_away(false);
    room.keyring.refresh().await.unwrap();
    assert!(room.keyring.find(&key_id).await.is_ok());
    assert_eq!(room.refusal("AKIDnobody").await, Refusal::KeyUnknown);
}

#[tokio::test(start_paused = true)]
async fn use_is_noted_to_the_minute_and_written_once() {
    let room = room().await;
    let key_id = room.issue(None).await;
    room.keyring.refresh().await.unwrap();
    room.clock.set(NOW + 61);
    room.keyring.note_use(&key_id);
    room.keyring.note_use(&key_id);
    room.keyring.note_use("AKIDnobody");
    room.store.go_away(true);
    assert!(room.keyring.refresh().await.is_err());
    room.store.go_away(false);
    room.keyring.refresh().await.unwrap();
    room.keyring.refresh().await.unwrap();
    room.keyring.note_use(&key_id);
    room.keyring.refresh().await.unwrap();
    assert_eq!(*room.store.touches.lock().unwrap(), [(key_id, at(NOW + 60))]);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_sealing_key_opens_hinders_no_other() {
    let room = room().await;
    let foreign = sealing(&["lost"]);
    let lost = KeyIssuer::new(&*room.store, &foreign, &SystemRandom).create("a", at(NOW), None).await.unwrap().key_id;
    let key_id = room.issue(None).await;
    room.keyring.refresh().await.unwrap();
    assert_eq!(room.refusal(&lost).await, Refusal::Internal);
    assert!(room.keyring.find(&key_id).await.is_ok());
    assert_eq!(room.keyring.len(), 2);
}
