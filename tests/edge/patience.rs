//! Callers who say nothing, drip, or hold connections: they are let go on time, and others are served meanwhile.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep, timeout};

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

#[tokio::test]
async fn bodies_that_nobody_ends_have_an_end_together() {
    let server = "max_body_bytes = 1048576\nmax_buffered_bytes = 1048576";
    let house = House::open(Settings { server, ..Settings::default() }).await;
    let announced = house.bare_call("all", "DescribeMigrateJobs", "Content-Length: 300000\r\n", "");
    let mut holders = FuturesUnordered::new();
    for _ in 0..8 {
        let mut talk = house.talk().await;
        talk.say(format!("{announced}{}", " ".repeat(200 * 1024))).await;
        holders.push(async move {
            let answer = talk.hear().await.expect("an answer");
            assert_eq!(answer.reason(), "overloaded");
            assert!(talk.is_over().await);
        });
    }
    // Of eight times 200 KiB no more than five have room in a MiB.
    for _ in 0..3 {
        holders.next().await.expect("one that is refused");
    }
    drop(holders);
    let whole = house.call("all", "DescribeMigrateJobs", "", &format!("{{}}{}", " ".repeat(1000 * 1024)));
    let passes = async { while house.ask(&whole).await.header("x-dts-gateway-origin") != "upstream" {} };
    timeout(Duration::from_secs(20), passes).await.expect("room again, now that they are gone");
    house.close().await;
}
