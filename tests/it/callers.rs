//! Who may call changes while the gateway runs: keys end, teams' files change, tokens accompany signatures.

use secrecy::ExposeSecret;
use serde_json::json;

use crate::caller::{Answer, Caller, until};
use crate::world::{Options, World, on_both};

async fn describe(caller: &Caller) -> Answer {
    caller.act("DescribeMigrateJobs", json!({})).await
}

/// A key that is in use stops to work within 5 s of its revocation; a new one works at once.
async fn revocation(world: &World) {
    let pair = world.key("all", jiff::Timestamp::now(), None).await;
    let caller = world.signing(&pair);
    describe(&caller).await.response();
    let revoked_at = std::time::Instant::now();
    world.revoke(&pair.key_id).await;
    let answer = until("the key is refused", || async {
        let answer = describe(&caller).await;
        (answer.header("x-dts-gateway-origin") == "gateway").then_some(answer)
    })
    .await;
    answer.refused("AuthFailure.InvalidSecretId", "key-revoked");
    assert!(revoked_at.elapsed().as_secs_f64() < 5.0, "{:?}", revoked_at.elapsed());
    describe(&world.with_key("all").await).await.response();
}

/// A team's file that is added works at once, one that changes soon, and one that is wrong changes nothing.
async fn teams(world: &World) {
    let file = world.folder.path().join("teams/late.toml");
    let write = |grants: &str| {
        let team = format!("team = \"late\"\n[[caller]]\nname = \"late\"\naccounts = [\"main\"]\n{grants}");
        std::fs::write(&file, team).unwrap();
    };
    let late = world.with_token("late");
    describe(&late).await.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    write("[[grant]]\nactions = [\"Describe*\"]\n");
    let is_granted = async || describe(&late).await.header("x-dts-gateway-origin") == "upstream";
    until("the new team may call", || async { is_granted().await.then_some(()) }).await;
    write("[[grant]]\nactions = [\"Describe*\"]\nnonsense = 1\n");
    assert!(is_granted().await, "a mistake leaves the last good teams in force");
    write("[[grant]]\nactions = [\"Stop*\"]\n");
    until("the grant is gone", || async { (!is_granted().await).then_some(()) }).await;
}

/// The one carrier that every SDK has beside its signature: empty is nothing, its own caller's token passes.
async fn companions(world: &World) {
    let signed = world.with_key("all").await;
    let with = async |token: &str| signed.act_with("DescribeMigrateJobs", &[("x-tc-token", token)], "{}").await;
    with("").await.response();
    with(world.token("all", &[]).expose_secret()).await.response();
    with(world.token("reader", &[]).expose_secret()).await.refused("AuthFailure.TokenFailure", "token-invalid");
    with("nonsense").await.refused("AuthFailure.TokenFailure", "token-invalid");
}

/// A caller that must sign more headers is held to it: an SDK's signature covers neither action nor region.
async fn coverage(world: &World) {
    let strict = world.with_key("strict").await;
    describe(&strict).await.response();
    let stricter = world.with_key("stricter").await;
    let message = describe(&stricter).await.refused("AuthFailure.SignatureFailure", "signature-mismatch");
    assert!(message.contains("x-tc-region"), "{message}");
}

fn strict() -> Options {
    let team = r#"
team = "strict"

[[caller]]
name = "strict"
accounts = ["main"]
require_signed_headers = ["host", "x-tc-action"]

[[caller]]
name = "stricter"
accounts = ["main"]
require_signed_headers = ["x-tc-action", "x-tc-region"]

[[grant]]
actions = ["*"]
"#;
    Options { teams: vec![("strict".to_owned(), team.to_owned())], ..Options::default() }
}

#[tokio::test]
async fn a_revoked_key_stops_within_five_seconds() {
    on_both(Options::default(), async |world| revocation(world).await).await;
}

#[tokio::test]
async fn teams_change_while_the_gateway_runs() {
    on_both(Options::head("keys.refresh = \"500ms\""), async |world| teams(world).await).await;
}

#[tokio::test]
async fn a_token_beside_a_signature_must_be_its_callers() {
    on_both(Options::default(), async |world| companions(world).await).await;
}

#[tokio::test]
async fn a_caller_can_be_held_to_sign_more() {
    on_both(strict(), async |world| coverage(world).await).await;
}
