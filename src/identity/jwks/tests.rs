#![allow(clippy::unwrap_used, clippy::expect_used)] // tests panic to fail

use serde_json::json;
use tokio::task::JoinSet;

use super::*;
use crate::identity::testing::{FakeFetch, NOW, Signer, at, claims, settings};
use crate::identity::{IssuerKeys, JwsAlgorithm, Tokens};

struct Room {
    fetch: Arc<FakeFetch>,
    tokens: Arc<Tokens>,
    signer: Signer,
}

fn room() -> Room {
    let fetch = Arc::new(FakeFetch::default());
    let signer = Signer::new(JwsAlgorithm::Es256);
    let keys = IssuerKeys::Jwks { url: "https://issuer.example/jwks".to_owned(), every: Duration::from_secs(600) };
    let network: Arc<dyn Fetch> = fetch.clone();
    let tokens = Tokens::new(vec![settings(&[JwsAlgorithm::Es256, JwsAlgorithm::EdDsa], keys)], &network).unwrap();
    fetch.show(set(&[signer.jwk("k1")]));
    Room { fetch, tokens: Arc::new(tokens), signer }
}

fn set(keys: &[serde_json::Value]) -> String {
    json!({ "keys": keys }).to_string()
}

fn token(signer: &Signer, kid: &str, caller: &str) -> String {
    let header = json!({"alg": signer.algorithm.name(), "kid": kid}).to_string();
    signer.sign(&header, &claims(caller).to_string())
}

impl Room {
    async fn accepts(&self, token: &str) -> bool {
        self.tokens.verify(token, at(NOW)).await.is_ok()
    }
}

#[tokio::test(start_paused = true)]
async fn keys_are_read_at_the_first_token_and_again_when_due() {
    let room = room();
    assert!(room.accepts(&token(&room.signer, "k1", "a")).await);
    assert_eq!(room.fetch.count(), 1);
    room.tokens.refresh().await;
    tokio::time::advance(Duration::from_secs(599)).await;
    room.tokens.refresh().await;
    assert_eq!(room.fetch.count(), 1);
    tokio::time::advance(Duration::from_secs(1)).await;
    room.tokens.refresh().await;
    assert_eq!(room.fetch.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_kids_costs_one_fetch_a_minute() {
    let room = room();
    room.tokens.refresh().await;
    for minute in 1..=3 {
        let mut all = JoinSet::new();
        for number in 0..100 {
            let (tokens, text) = (room.tokens.clone(), token(&room.signer, &format!("x{number}"), "a"));
            all.spawn(async move { tokens.verify(&text, at(NOW)).await.is_err() });
        }
        assert!(all.join_all().await.iter().all(|refused| *refused));
        assert_eq!(room.fetch.count(), 1 + minute);
        tokio::time::advance(Duration::from_secs(60)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_at_once_by_all_who_wait() {
    let room = room();
    room.tokens.refresh().await;
    let new = Signer::new(JwsAlgorithm::EdDsa);
    room.fetch.show(set(&[room.signer.jwk("k1"), new.jwk("k2")]));
    let mut all = JoinSet::new();
    for number in 0..20 {
        let (tokens, text) = (room.tokens.clone(), token(&new, "k2", &format!("c{number}")));
        all.spawn(async move { tokens.verify(&text, at(NOW)).await.is_ok() });
    }
    assert!(all.join_all().await.iter().all(|accepted| *accepted));
    assert_eq!(room.fetch.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_is_not_accepted_even_for_tokens_seen_before() {
    let room = room();
    let seen = token(&room.signer, "k1", "a");
    assert!(room.accepts(&seen).await && room.accepts(&seen).await);
    room.fetch.show(set(&[Signer::new(JwsAlgorithm::Es256).jwk("k2")]));
    tokio::time::advance(Duration::from_secs(600)).await;
    room.tokens.refresh().await;
    assert!(!room.accepts(&seen).await);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_cannot_be_read_leaves_the_last_one_in_force() {
    let room = room();
    room.tokens.refresh().await;
    let twins = set(&[room.signer.jwk("k9"), Signer::new(JwsAlgorithm::Es256).jwk("k9")]);
    let huge = format!(r#"{{"keys":[], "x":"{}"}}"#, "x".repeat(LARGEST_KEY_SET));
    let before = room.fetch.count();
    for page in ["".to_owned(), "[]".to_owned(), "{}".to_owned(), r#"{"keys":{}}"#.to_owned(), twins, huge] {
        room.fetch.show(page);
        tokio::time::advance(Duration::from_secs(600)).await;
        room.tokens.refresh().await;
        assert!(room.accepts(&token(&room.signer, "k1", "a")).await);
    }
    room.fetch.fail();
    tokio::time::advance(Duration::from_secs(15)).await;
    room.tokens.refresh().await;
    assert!(room.accepts(&token(&room.signer, "k1", "b")).await);
    assert_eq!(room.fetch.count(), before + 7);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_costs_five_seconds() {
    struct Silent;
    #[async_trait]
    impl Fetch for Silent {
        async fn fetch(&self, _: &str, _: usize) -> Result<Bytes, FetchError> {
            std::future::pending().await
        }
    }
    let jwks = Jwks::new("x", "https://x/jwks", Duration::from_secs(1), Arc::new(Silent)).unwrap();
    let began = Instant::now();
    assert!(jwks.look_again().await.is_empty());
    assert_eq!(began.elapsed(), Duration::from_secs(5));
    assert!(jwks.look_again().await.is_empty());
    assert_eq!(began.elapsed(), Duration::from_secs(5));
}

#[test]
fn keys_that_cannot_be_used_are_passed_over() {
    let mut encrypting = Signer::new(JwsAlgorithm::Es256).jwk("enc");
    encrypting["use"] = json!("enc");
    let page = set(&[
        json!({"kty": "LWE", "kid": "future"}),
        json!("not a key"),
        Signer::new(JwsAlgorithm::Hs256).jwk("symmetric"),
        encrypting,
        Signer::new(JwsAlgorithm::EdDsa).jwk("good"),
    ]);
    let keys = read_key_set(page.as_bytes()).unwrap();
    assert_eq!(keys.iter().map(|key| key.key_id()).collect::<Vec<_>>(), [Some("good")]);
    let many: Vec<_> = (0..200)
        .map(|number| {
            let mut key = Signer::new(JwsAlgorithm::EdDsa).jwk("k");
            key["kid"] = json!(format!("k{number}"));
            key
        })
        .collect();
    assert_eq!(read_key_set(set(&many).as_bytes()).unwrap().len(), MOST_KEYS);
}
