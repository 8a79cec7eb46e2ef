#![allow(clippy::unwrap_used, reason = "a test says what it expects by failing")]

use super::*;

#[tokio::test]
async fn a_wrong_address_says_how_to_write_one_and_shows_no_password() {
    for url in ["localhost:6379", "http://:hunter2@localhost", "redis://:hunter2@127.0.0.1:1"] {
        let options = LinkOptions {
            url: url.to_owned().into(),
            prefix: "x".to_owned(),
            timeout: Duration::from_secs(1),
            windows: [Duration::from_secs(1)].into(),
        };
        let error = Link::connect(options, tokio_util::sync::CancellationToken::new()).await.unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let is_address = matches!(error, LinkError::Address);
        assert_eq!(is_address, !url.starts_with("redis://"), "{url}: {error}");
    }
}
