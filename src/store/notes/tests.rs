//! The second place, on both databases.
#![allow(clippy::unwrap_used)] // a test may stop where its ground is missing

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::*;
use crate::store::tests::bed::{on_both_empty, on_postgres};

fn made(log: &str, size: u64, second: i64) -> SignedNote {
    let made_at = Timestamp::from_microsecond(1_795_000_000_123_456 + second * 1_000_000).unwrap();
    SignedNote { log: log.to_owned(), size, made_at, note: format!("{log}\n{size}\n") }
}

#[test]
fn notes_are_added_once_and_come_in_order() {
    on_both_empty(async |bed| {
        let notes = open_notes(&bed.url()).unwrap();
        notes.newest("a/0/changes", 1).await.unwrap_err();
        notes.prepare().await.unwrap();
        notes.prepare().await.unwrap();
        notes.add(&[]).await.unwrap();
        assert_eq!(notes.after(None, 10).await.unwrap(), []);
        let all = [
            made("a/0/changes", 1, 0),
            made("a/0/changes", 7, 1),
            made("a/0/changes", 7, 2),
            made("a/0/reads", 3, 1),
            made("b/all-logs", 10, 1),
        ];
        notes.add(&all[1..4]).await.unwrap();
        notes.add(&all).await.unwrap();
        let altered = SignedNote { note: "other".to_owned(), ..all[0].clone() };
        notes.add(&[altered]).await.unwrap();
        assert_eq!(notes.after(None, 10).await.unwrap(), all);
        for at in 0..all.len() {
            assert_eq!(
                notes.after(Some(&all[at]), 2).await.unwrap(),
                all[at + 1..].iter().take(2).cloned().collect::<Vec<_>>()
            );
        }
        assert_eq!(notes.newest("a/0/changes", 2).await.unwrap(), [all[2].clone(), all[1].clone()]);
        assert_eq!(notes.newest("a/0/chang%", 2).await.unwrap(), []);
        assert!(!format!("{notes:?}").contains('@'));
    });
}

#[test]
fn a_user_who_may_only_add_and_read_is_enough_where_the_table_is() {
    on_postgres(async |bed| {
        let name = format!("notes_{}", Uuid::new_v4().simple());
        bed.raw(&format!("CREATE ROLE {name} LOGIN PASSWORD 'a-password'; REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
            .await
            .unwrap();
        let (_, place) = bed.url().expose_secret().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let user = open_notes(&SecretString::from(format!("postgres://{name}:a-password@{place}"))).unwrap();
        let told = user.prepare().await.unwrap_err().to_string();
        assert!(told.contains("dts_checkpoints") && told.contains("OPERATIONS.md"), "{told}");
        open_notes(&bed.url()).unwrap().prepare().await.unwrap();
        bed.raw(&format!("GRANT SELECT, INSERT ON dts_checkpoints TO {name}")).await.unwrap();
        user.prepare().await.unwrap();
        user.add(&[made("a/0/changes", 1, 0)]).await.unwrap();
        user.add(&[made("a/0/changes", 1, 0)]).await.unwrap();
        assert_eq!(user.after(None, 10).await.unwrap().len(), 1);
        drop(user);
        bed.raw(&format!("DROP OWNED BY {name} CASCADE; DROP ROLE {name}")).await.unwrap();
    });
}
