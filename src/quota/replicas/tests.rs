#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects by failing")]
#![allow(clippy::disallowed_methods, reason = "where Redis is comes from the environment")]

mod fairness;
mod law;
mod limits;
mod mishaps;
mod several;
mod virtual_time;

/// Where the tests' Redis is.
fn redis_url() -> String {
    std::env::var("REDIS_URL")
        .expect("REDIS_URL: run the tests through scripts/test.sh, which starts a Redis of its own")
}

/// A prefix of one test's keys.
fn prefix() -> String {
    format!("test-{}", uuid::Uuid::new_v4().simple())
}
