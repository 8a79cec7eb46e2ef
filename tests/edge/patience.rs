//! Callers who say nothing, drip, or hold connections: they are let go on time, and others are served meanwhile.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::house::{House, Settings};

#[tokio::test]
async fn a_thousand_connections_are_held_and_others_are_served() {
    let house = House::open(Settings::default()).await;
    let mut held = Vec::new();
    for number in 0..1000 {
        let mut talk = house.talk().await;
        match number % 3 {
            0 => {}
            1 => talk.say("POST / HTTP/1.1\r\nHost:").await,
            _ => talk.say(house.bare_call("all", "DescribeMigrateJobs", "Content-Length: 9\r\n", "{")).await,
        }
        held.push(talk);
    }
    let before = Instant::now();
    for _ in 0..20 {
        house.is_answered(house.read(), "a thousand held").await;
    }
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    drop(held);
    house.close().await;
}

#[tokio::test]
async fn whoever_holds_the_last_connections_gives_them_back() {
    let server = "max_connections = 3\nhead_timeout = \"300ms\"\nidle_timeout = \"1s\"";
    let house = House::open(Settings { server, ..Settings::default() }).await;
    let (silent, mut slow, mut idle) = (house.talk().await, house.talk().await, house.talk().await);
    idle.say(house.read()).await;
    assert_eq!(idle.hear().await.unwrap().status, 200);
    slow.say("GET").await;
    let before = Instant::now();
    house.is_answered(house.read(), "holders").await;
    assert!(before.elapsed() < Duration::from_secs(10));
    for mut talk in [silent, slow, idle] {
        assert!(talk.is_over().await);
    }
    house.close().await;
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_on_time() {
    let house = House::open(Settings { server: "body_timeout = \"300ms\"", ..Settings::default() }).await;
    let chunked = house.bare_call("all", "DescribeMigrateJobs", "Transfer-Encoding: chunked\r\n", "1\r\n{\r\n");
    for request in [house.bare_call("all", "DescribeMigrateJobs", "Content-Length: 2\r\n", "{"), chunked] {
        let mut talk = house.talk().await;
        talk.say(request).await;
        assert_eq!(talk.hear().await.unwrap().reason(), "request-malformed");
        assert!(talk.is_over().await);
    }
    let mut dripping = house.talk().await;
    dripping.say(house.bare_call("all", "DescribeMigrateJobs", "Content-Length: 1000\r\n", "")).await;
    for _ in 0..10 {
        dripping.say(" ").await;
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(dripping.hear().await.unwrap().reason(), "request-malformed");
    assert_eq!(house.cloud.heard().len(), 0);
    house.is_well("slow bodies").await;
    house.close().await;
}

#[tokio::test]
async fn callers_who_leave_in_the_middle_harm_nobody() {
    let house = House::open(Settings::default()).await;
    let whole = house.read();
    for cut in (0..whole.len()).step_by(whole.len() / 40) {
        let mut talk = house.talk().await;
        talk.say(&whole[..cut]).await;
    }
    house.is_well("callers who left").await;
    assert_eq!(house.cloud.heard().len(), 2, "nothing of what was cut off was sent");
    house.close().await;
}
