//! What costs money is bought once: equal purchases of one caller are told apart from a second arrival of one.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::caller::{Answer, Caller, until};
use crate::world::{Options, World, on_both};

/// No test is slower than this window.
fn an_hour() -> Options {
    Options { config: "[purchases]\nwindow = \"1h\"".to_owned(), ..Options::default() }
}

async fn buy(caller: &Caller, parameters: Value) -> Answer {
    caller.act("CreateSubscribe", parameters).await
}

async fn buy_as(caller: &Caller, key: &str, parameters: Value) -> Answer {
    caller.act_with("CreateSubscribe", &[("idempotency-key", key)], &parameters.to_string()).await
}

/// So many subscriptions.
fn some(count: u8) -> Value {
    json!({"Product": "mysql", "PayType": 1, "Count": count})
}

/// Asserts that it was refused for the sake of `first`.
fn duplicate(answer: &Answer, first: &Answer) -> String {
    let message = answer.refused("FailedOperation", "purchase-duplicate");
    assert!(message.contains(first.header("x-request-id")), "{message}");
    assert!(message.contains("Idempotency-Key"), "{message}");
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((3000..=3600).contains(&wait), "{wait}");
    message
}

async fn sixteen_at_once(world: &World) {
    let caller = world.with_token("all");
    world.fault(json!({"action": "CreateSubscribe", "kind": "delay", "ms": 300})).await;
    let answers = join_all((0..16).map(|_| buy(&caller, some(1)))).await;
    let (first, others): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.header("x-dts-gateway-origin") == "upstream");
    assert_eq!((first.len(), others.len(), world.sent("CreateSubscribe").await), (1, 15, 1));
    let made = first[0].response();
    for other in others {
        duplicate(other, first[0]);
    }
    let late = buy(&caller, some(1)).await;
    let message = duplicate(&late, first[0]);
    assert!(message.contains(made["RequestId"].as_str().unwrap()), "{message}");
    let record = world.record_of(&late).await;
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &json!("purchase-duplicate")));
    assert_eq!(world.sent("CreateSubscribe").await, 1);
}

async fn sixteen_with_one_key(world: &World) {
    let caller = world.with_token("all");
    world.fault(json!({"action": "CreateSubscribe", "kind": "delay", "ms": 300})).await;
    let answers = join_all((0..16).map(|_| buy_as(&caller, "order-17", some(1)))).await;
    answers[0].response();
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    let origin = |word: &str| answers.iter().filter(|answer| answer.header("x-dts-gateway-origin") == word).count();
    assert_eq!((origin("upstream"), origin("replayed"), world.sent("CreateSubscribe").await), (1, 15, 1));

    buy_as(&caller, "order-17", some(2)).await.refused("FailedOperation", "idempotency-conflict");
    buy_as(&caller, "order-18", some(1)).await.response();
    assert_eq!(world.sent("CreateSubscribe").await, 2);
    for bad in ["", "order 19", &"k".repeat(256)] {
        buy_as(&caller, bad, some(3)).await.refused("InvalidParameter", "request-malformed");
    }
    assert_eq!(world.sent("CreateSubscribe").await, 2);
}

/// What makes a purchase another one, and what does not.
async fn which_are_equal(world: &mut World) {
    let caller = world.with_token("all");
    let first = buy(&caller, some(1)).await;
    first.response();
    for same in [
        r#"{"Count":1,"PayType":1,"Product":"mysql"}"#,
        r#"{ "Product" : "mysql", "PayType" : 1, "Count" : 1, "Name" : null }"#,
    ] {
        duplicate(&caller.act_with("CreateSubscribe", &[], same).await, &first);
    }
    duplicate(&buy(&world.with_key("all").await, some(1)).await, &first);
    assert_eq!(world.sent("CreateSubscribe").await, 1);

    buy(&caller, some(2)).await.response();
    buy(&world.with_token("careful"), some(1)).await.response();
    let elsewhere = [("x-tc-region", "ap-shanghai")];
    caller.act_with("CreateSubscribe", &elsewhere, &some(1).to_string()).await.response();
    buy_as(&caller, "a second one", some(1)).await.refused("InvalidParameter", "request-malformed");
    buy_as(&caller, "a-second-one", some(1)).await.response();
    assert_eq!(world.sent("CreateSubscribe").await, 5);

    world.stop_gateway().await;
    world.start_gateway().await;
    duplicate(&buy(&world.with_token("all"), some(1)).await, &first);
    assert_eq!(world.sent("CreateSubscribe").await, 5);
}

/// The same bytes are a second arrival, answered from memory; the same purchase signed anew is an equal one.
async fn signed(world: &World) {
    let caller = world.with_key("all").await;
    let body = some(1).to_string();
    let now = jiff::Timestamp::now().as_second();
    let request = caller.request_at("CreateSubscribe", &[], &body, now);
    let (first, second) = (caller.exchange(request.clone()).await, caller.exchange(request).await);
    assert_eq!((first.response(), second.header("x-dts-gateway-origin")), (second.response(), "replayed"));
    duplicate(&caller.exchange(caller.request_at("CreateSubscribe", &[], &body, now - 1)).await, &first);
    assert_eq!(world.sent("CreateSubscribe").await, 1);
}

/// Only what is sure not to have been carried out may be sent again at once.
async fn ends(world: &World) {
    let caller = world.with_token("all");
    let fault = async |kind: Value| {
        let mut fault = json!({"action": "CreateSubscribe", "times": 1});
        fault.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
        world.fault(fault).await;
    };
    fault(json!({"kind": "throttle"})).await;
    assert_eq!(buy(&caller, some(1)).await.code(), "RequestLimitExceeded");
    buy(&caller, some(1)).await.response();
    assert_eq!(world.sent("CreateSubscribe").await, 2);

    fault(json!({"kind": "error", "code": "InternalError.InternalTradeError"})).await;
    let failed = buy(&caller, some(2)).await;
    assert_eq!(failed.code(), "InternalError.InternalTradeError");
    let message = duplicate(&buy(&caller, some(2)).await, &failed);
    assert!(message.contains(failed.json()["Response"]["RequestId"].as_str().unwrap()), "{message}");

    fault(json!({"kind": "reset"})).await;
    let unknown = buy(&caller, some(3)).await;
    unknown.refused("FailedOperation", "outcome-unknown");
    let message = duplicate(&buy(&caller, some(3)).await, &unknown);
    assert!(message.contains("not known"), "{message}");
    assert_eq!(world.sent("CreateSubscribe").await, 4);
}

async fn after_the_window(world: &World) {
    let caller = world.with_token("all");
    let first = buy(&caller, some(1)).await;
    first.response();
    let second = until("the window is over", || async {
        let answer = buy(&caller, some(1)).await;
        if answer.header("x-dts-gateway-reason") == "purchase-duplicate" {
            return None;
        }
        Some(answer)
    });
    assert_ne!(second.await.response()["SubscribeIds"], first.response()["SubscribeIds"]);
    assert_eq!(world.sent("CreateSubscribe").await, 2);
}

async fn without_a_window(world: &World) {
    let caller = world.with_token("all");
    for _ in 0..3 {
        buy(&caller, some(1)).await.response();
    }
    assert_eq!(world.sent("CreateSubscribe").await, 3);
}

/// A caller whose grant lets it repeat one kind of purchase.
fn repeating() -> Options {
    let team = r#"
team = "bulk"

[[caller]]
name = "bulk"
accounts = ["main"]

[[grant]]
actions = ["*"]

[[grant]]
actions = ["CreateSubscribe"]
parameters = { Count = ["1"] }
repeat_purchases = true
"#;
    Options { teams: vec![("bulk".to_owned(), team.to_owned())], ..an_hour() }
}

async fn by_grant(world: &World) {
    let caller = world.with_token("bulk");
    for _ in 0..3 {
        buy(&caller, some(1)).await.response();
    }
    let first = buy(&caller, some(2)).await;
    first.response();
    duplicate(&buy(&caller, some(2)).await, &first);
    assert_eq!(world.sent("CreateSubscribe").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_equal_purchases_one_is_sent_and_the_others_name_it() {
    on_both(an_hour(), async |world| sixteen_at_once(world).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_purchases_under_one_key_are_one_with_sixteen_equal_answers() {
    on_both(an_hour(), async |world| sixteen_with_one_key(world).await).await;
}

#[tokio::test]
async fn equal_is_what_one_caller_buys_again_in_whatever_form_after_a_restart_too() {
    on_both(an_hour(), which_are_equal).await;
}

#[tokio::test]
async fn the_same_bytes_are_answered_and_the_same_purchase_is_refused() {
    on_both(an_hour(), async |world| signed(world).await).await;
}

#[tokio::test]
async fn a_purchase_that_may_have_happened_is_guarded_however_it_ended() {
    on_both(an_hour(), async |world| ends(world).await).await;
}

#[tokio::test]
async fn after_the_window_an_equal_purchase_is_another_one() {
    let options = Options { config: "[purchases]\nwindow = \"300ms\"".to_owned(), ..Options::default() };
    on_both(options, async |world| after_the_window(world).await).await;
}

#[tokio::test]
async fn a_window_of_nothing_guards_nothing() {
    let options = Options { config: "[purchases]\nwindow = \"0s\"".to_owned(), ..Options::default() };
    on_both(options, async |world| without_a_window(world).await).await;
}

#[tokio::test]
async fn a_grant_may_let_purchases_be_repeated() {
    on_both(repeating(), async |world| by_grant(world).await).await;
}
