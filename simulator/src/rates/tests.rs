//! Windows to the microsecond.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use std::time::Duration;

use super::{ANY, BucketKey, Limit, Rates, Scope};
use crate::clock::Moment;

const LIMIT: Limit = Limit { calls: 3, window: Duration::from_secs(1) };

fn key() -> BucketKey {
    BucketKey {
        scope: None,
        credential: "id".into(),
        host: "host".into(),
        region: "region".into(),
        action: "StopMigrateJob".into(),
    }
}

fn admit(rates: &Rates, micros: u64) -> bool {
    rates.admit(&[(key(), LIMIT)], Moment::from_micros(micros))
}

#[test]
fn the_window_is_half_open() {
    let rates = Rates::default();
    assert!([10, 10, 500_000].into_iter().all(|at| admit(&rates, at)));
    assert!(!admit(&rates, 1_000_009), "one microsecond before the window has passed");
    assert!(admit(&rates, 1_000_010), "exactly one window later");
    assert!(admit(&rates, 1_000_011));
    assert!(!admit(&rates, 1_499_999));
    assert!(admit(&rates, 1_500_000));
    let report = &rates.report()[0];
    assert_eq!((report.limit, report.calls, report.throttled), (3, 8, 2));
    assert_eq!(report.max_in_any_window, 5, "500000, 1000009, 1000010, 1000011, 1499999");
}

#[test]
fn a_refused_call_takes_no_place() {
    let rates = Rates::default();
    assert!((0..3).all(|at| admit(&rates, at)));
    assert!((3..100).all(|at| !admit(&rates, at)));
    assert!(admit(&rates, 1_000_000));
}

#[test]
fn a_full_second_of_the_limit_is_not_over_it() {
    let rates = Rates::default();
    for call in 0..30u64 {
        assert!(admit(&rates, call * 333_334), "call {call}");
    }
    assert_eq!(rates.report()[0].max_in_any_window, 3);
    assert_eq!(rates.report()[0].throttled, 0);
}

#[test]
fn a_late_entry_is_counted_where_it_belongs() {
    let rates = Rates::default();
    for at in [1_000_000, 1_900_000, 1_950_000] {
        assert!(admit(&rates, at));
    }
    assert!(!admit(&rates, 1_500_000), "it would be the fourth in a window");
    assert_eq!(rates.report()[0].max_in_any_window, 4);
}

#[test]
fn buckets_do_not_touch_each_other_and_clearing_forgives_nothing() {
    let rates = Rates::default();
    assert!((0..3).all(|at| admit(&rates, at)));
    assert!(rates.admit(&[(BucketKey { region: "another".into(), ..key() }, LIMIT)], Moment::from_micros(3)));
    assert!(rates.admit(&[(BucketKey { credential: "another".into(), ..key() }, LIMIT)], Moment::from_micros(3)));
    rates.clear();
    assert!(rates.report().is_empty());
    assert!(!admit(&rates, 5), "the cloud's memory is not the statistics");
    let report = &rates.report()[0];
    assert_eq!((report.calls, report.throttled), (1, 1));
}

#[test]
fn a_call_takes_its_place_in_both_scopes_or_in_none() {
    let rates = Rates::default();
    let wide = Limit { calls: 4, ..LIMIT };
    let everybody = BucketKey { scope: Some(Scope::Region), credential: ANY.into(), host: ANY.into(), ..key() };
    let call = |credential: &str, at| {
        let own = BucketKey { credential: credential.into(), ..key() };
        rates.admit(&[(own, LIMIT), (everybody.clone(), wide)], Moment::from_micros(at))
    };
    assert!((0..3).all(|at| call("a", at)));
    assert!(!call("a", 3), "its own limit");
    assert!(call("b", 4), "the refused call took no place in the region");
    assert!(!call("b", 5), "the region's limit");
    assert!(call("b", 1_000_000), "the first one's place is free again");
    assert!(!call("b", 1_000_000));
    let throttled: Vec<(Option<Scope>, u64)> = rates.report().iter().map(|b| (b.key.scope, b.throttled)).collect();
    assert_eq!(throttled, [(None, 1), (None, 0), (Some(Scope::Region), 2)]);
}
