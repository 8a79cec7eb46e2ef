//! Issued keys, and the claim of an instance.

use std::time::Duration;

use super::at;
use super::bed::on_both;
use crate::store::{KeyRow, KeyState, StoreError, Tenancy};

#[test]
fn keys_are_kept_ended_and_touched() {
    on_both(async |bed| {
        let key = |key_id: &str, created: i64| KeyRow {
            key_id: key_id.to_owned(),
            caller: "orders-ci".to_owned(),
            sealed_secret: vec![0, 1, 2, 255],
            sealed_with: "k1".to_owned(),
            created_at: at(created),
            expires_at: None,
            revoked_at: None,
            last_used_at: None,
        };
        let (second, mut first) = (key("AKID2", 2_000_000), key("AKID1", 1_000_000));
        for key in [&second, &first] {
            bed.store.insert_key(key).await.unwrap();
        }
        let error = bed.store.insert_key(&key("AKID1", 3)).await.unwrap_err();
        assert!(matches!(&error, StoreError::Exists(what) if what.contains("AKID1")), "{error}");
        assert_eq!(bed.store.keys().await.unwrap(), [first.clone(), second.clone()]);
        assert_eq!(bed.store.key("AKID2").await.unwrap(), Some(second.clone()));
        assert_eq!(bed.store.key("AKID3").await.unwrap(), None);

        assert!(bed.store.end_key("AKID1", KeyState::Expires(at(9_000_001))).await.unwrap());
        assert!(bed.store.end_key("AKID1", KeyState::Revoked(at(5_000_000))).await.unwrap());
        assert!(bed.store.end_key("AKID1", KeyState::Revoked(at(6_000_000))).await.unwrap());
        assert!(!bed.store.end_key("AKID3", KeyState::Revoked(at(6_000_000))).await.unwrap());
        assert!(bed.store.reseal_key(&first, &[9], "k2").await.unwrap());
        assert!(!bed.store.reseal_key(&first, &[8], "k3").await.unwrap(), "it is sealed otherwise by now");
        first.sealed_secret = vec![9];
        first.sealed_with = "k2".to_owned();
        let used = [("AKID1", 8_000_000), ("AKID1", 7_000_000), ("AKID3", 1)];
        bed.store.touch_keys(&used.map(|(id, time)| (id.to_owned(), at(time)))).await.unwrap();
        bed.store.touch_keys(&[("AKID1".to_owned(), at(7_500_000))]).await.unwrap();
        bed.store.touch_keys(&[]).await.unwrap();
        first.expires_at = Some(at(9_000_001));
        first.revoked_at = Some(at(5_000_000));
        first.last_used_at = Some(at(8_000_000));
        assert_eq!(bed.store.keys().await.unwrap(), [first, second]);
    });
}

#[test]
fn only_one_instance_has_the_claim_and_commands_need_none() {
    on_both(async |bed| {
        bed.store.claim(Tenancy::Sole, Duration::ZERO).await.unwrap();
        bed.store.claim(Tenancy::Sole, Duration::ZERO).await.unwrap();
        let second = bed.another();
        assert!(matches!(second.claim(Tenancy::Sole, Duration::ZERO).await, Err(StoreError::Claimed)));
        assert!(matches!(second.claim(Tenancy::Sole, Duration::from_millis(120)).await, Err(StoreError::Claimed)));
        second.keys().await.unwrap();
        second.touch_keys(&[]).await.unwrap();
        second.migrate().await.unwrap();

        let third = bed.another();
        let waiting =
            tokio::spawn(async move { third.claim(Tenancy::Sole, Duration::from_secs(30)).await.map(|()| third) });
        bed.store.close().await;
        let third = waiting.await.unwrap().unwrap();
        assert!(matches!(second.claim(Tenancy::Sole, Duration::ZERO).await, Err(StoreError::Claimed)));
        // Without a farewell, as when its process dies.
        drop(third);
        second.claim(Tenancy::Sole, Duration::from_secs(30)).await.unwrap();
    });
}
