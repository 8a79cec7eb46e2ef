//! One statement over all logs: a log that is left out, by whoever exports or whoever owns the database. And exports,
//! followers and questions while retention drops.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use dts_gateway::admin::{Cursors, Local};
use dts_gateway::call::{Clock, Outcome};
use dts_gateway::evidence::{ExportError, Follow, News, PublishError};
use dts_gateway::proof::verify::{Report, verify};
use dts_gateway::proof::{SigningKey, Statement};
use dts_gateway::store::{Filter, KeptStatement, Writer, WriterOptions};
use http_body_util::BodyExt;
use secrecy::SecretString;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::retention::{Bed, ORIGIN, READS, on_both, proven, signing, three_months};

fn verified(bed: &Bed, export: &str) -> Report {
    let key = SigningKey::from_pem(ORIGIN, &bed.pem).unwrap();
    verify(Cursor::new(export.as_bytes()), &[key.verifying_key().clone()], &bed.held(), &mut |_| {}).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_left_out_of_an_export_is_found() {
    on_both(async |bed| {
        bed.set("2026-01-10T12:00:00Z");
        bed.live(300).await;
        let export = String::from_utf8(bed.exported().await).unwrap();
        let statements: Vec<&str> = export.lines().filter(|line| line.starts_with("{\"statement\":")).collect();
        assert_eq!(statements.len(), 1);
        let note: Value = serde_json::from_str(statements[0]).unwrap();
        let statement = Statement::claimed(note["statement"].as_str().unwrap()).unwrap();
        let sizes: Vec<(&str, u64)> = statement.logs.iter().map(|(log, (size, _))| (&**log, *size)).collect();
        assert_eq!((&*statement.origin, sizes), (ORIGIN, vec![("0/changes", 150), ("0/reads", 300)]));
        proven(&verified(bed, &export));

        // Without the log, its checkpoints, and the right count: whole, but for what the statement says.
        let mut in_reads = false;
        let kept = export.lines().filter(|line| {
            if line.starts_with("{\"log\":") {
                in_reads = line.contains("0/reads");
            }
            in_reads &=
                line.starts_with("{\"log\":") || line.starts_with("{\"tile\":") || line.starts_with("{\"entry\":");
            let is_left_out = in_reads || line.starts_with("{\"checkpoint\":") && line.contains("0/reads");
            !(is_left_out || line.starts_with("{\"end\":"))
        });
        let mut without: String = kept.map(|line| format!("{line}\n")).collect();
        without.push_str("{\"end\":{\"entries\":150}}\n");
        let key = SigningKey::from_pem(ORIGIN, &bed.pem).unwrap();
        let report = verify(Cursor::new(without.as_bytes()), &[key.verifying_key().clone()], &[], &mut |_| {}).unwrap();
        assert_eq!(report.findings.counts.keys().copied().collect::<Vec<_>>(), ["log-missing"]);
        let without = without.replace(&format!("{}\n", statements[0]), "");
        let report = verified(bed, &without);
        assert!(report.lines().join("\n").contains("0/reads is not in the export, but 300 entries"), "{report:#?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_new_is_not_said_again_and_a_log_that_is_gone_stops_it() {
    on_both(async |bed| {
        bed.set("2026-01-10T12:00:00Z");
        bed.live(30).await;
        let file = bed.folder.path().join("checkpoints/all-logs.statements");
        let said = || std::fs::read_to_string(&file).unwrap();
        let before = said();
        assert_eq!(bed.checkpoints.publish().await.unwrap(), 0);
        assert_eq!(said(), before);
        bed.live(30).await;
        assert!(said().len() > before.len() && said().starts_with(&before));

        // A log of another slot was signed once and is in no table any more.
        let key = SigningKey::from_pem(ORIGIN, &bed.pem).unwrap();
        let newest = bed.store.log().newest_statement().await.unwrap().unwrap();
        let mut statement = Statement::claimed(&newest.note).unwrap();
        let (size, root) = statement.logs["0/reads"];
        statement.logs.insert("7/changes".to_owned(), (size, root));
        let clock = || Clock::from_wall(bed.hands.clone());
        let folder = bed.folder.path().join("checkpoints");
        std::fs::write(&file, format!("{}\n", statement.sign(&[&key]).unwrap())).unwrap();
        let again = signing(Arc::clone(&bed.store), &folder, &bed.pem, clock());
        let error = again.publish().await.unwrap_err();
        assert!(matches!(error, PublishError::Altered { .. }), "{error}");
        assert!(error.to_string().contains("7/changes"), "{error}");
        assert!(said().matches("7/changes").count() > 1, "what was signed of it is said again");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_retention_overtakes_says_so() {
    on_both(async |bed| {
        three_months(bed).await;
        for lines in [0, 1, 3] {
            let mut export = bed.export().await;
            for _ in 0..lines {
                export.next().await.unwrap().unwrap();
            }
            if lines == 0 {
                bed.retention().run().await.unwrap();
                assert_eq!(bed.start(READS).await, 300);
            } else {
                bed.set(&format!("2026-0{}-20T12:00:00Z", 3 + lines));
                bed.live(2).await;
                assert!(!bed.retention().run().await.unwrap().is_empty());
            }
            let error = loop {
                match export.next().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it came to its end with a log's beginning gone"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, ExportError::Dropped(_)), "{error}");
            proven(&bed.verified().await);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_is_told_what_was_dropped_before_he_came_to_it() {
    on_both(async |bed| {
        three_months(bed).await;
        bed.retention().run().await.unwrap();
        for (since, gaps) in [
            ("0-reads:5,0-changes:150", vec![("0/reads", 5, 300)]),
            ("0-reads:300,0-changes:150", vec![]),
            ("start", vec![("0/changes", 0, 150), ("0/reads", 0, 300)]),
        ] {
            let mut follow = Follow::new(Arc::clone(&bed.store), since.parse().unwrap());
            let (mut told, mut entries) = (Vec::new(), 0);
            loop {
                let found = follow.next().await.unwrap();
                if found.is_empty() {
                    break;
                }
                for (log, news) in found {
                    match news {
                        News::Gap { from, to } => told.push((log.to_string(), from, to)),
                        News::Entry(entry) => {
                            assert!(entry.index >= if log == READS { 300 } else { 150 });
                            entries += 1;
                        }
                    }
                }
            }
            let expected: Vec<_> = gaps.into_iter().map(|(log, from, to)| (log.to_owned(), from, to)).collect();
            // The records of dropping are changes of their own.
            assert_eq!((told, entries > 900), (expected, true), "since {since}");
        }
    })
    .await;
}

/// What answers an auditor, and what writes down that it did.
fn local(bed: &Bed) -> (Local, Writer) {
    let writer = Writer::start(Arc::clone(&bed.store), WriterOptions::default());
    let cursors = Cursors::new(&SecretString::from("x".repeat(32)));
    let clock = Clock::from_wall(bed.hands.clone());
    (Local::new(Arc::clone(&bed.store), writer.clone(), cursors, ORIGIN, None, clock), writer)
}

/// What an auditor is answered.
async fn asked(bed: &Bed, path: &str) -> (u16, String) {
    let (local, writer) = local(bed);
    let answer = local.get(path).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    writer.drain(Duration::from_secs(5)).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_retention_overtakes_says_so_in_its_last_line() {
    on_both(async |bed| {
        three_months(bed).await;
        let (local, writer) = local(bed);
        let mut body = local.get("/v1/audit/proof").await.into_body();
        let mut told = body.frame().await.unwrap().unwrap().into_data().unwrap().to_vec();
        bed.retention().run().await.unwrap();
        told.extend(body.collect().await.unwrap().to_bytes());
        let told = String::from_utf8(told).unwrap();
        let last: Value = serde_json::from_str(told.lines().last().unwrap()).unwrap();
        assert_eq!(last["error"]["type"], "export-overtaken", "{last}");
        assert!(last["error"]["detail"].as_str().unwrap().contains("begin the export again"), "{last}");
        assert!(verified(bed, &told).findings.counts.contains_key("truncated"));
        writer.drain(Duration::from_secs(5)).await;
        let filter = Filter { action: Some("audit.export".to_owned()), limit: 10, ..Filter::default() };
        let records = bed.store.records(&filter).await.unwrap().records;
        let said = (records[0].outcome, records[0].reason.as_deref());
        assert_eq!(said, (Outcome::Failed, Some("export-overtaken")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_in_the_database_that_nobody_signed_stops_nothing() {
    on_both(async |bed| {
        bed.set("2026-01-10T12:00:00Z");
        bed.live(30).await;
        let stranger = SigningKey::generate(ORIGIN).unwrap();
        let newest = bed.store.log().newest_statement().await.unwrap().unwrap();
        let mut forged = Statement::claimed(&newest.note).unwrap();
        let signed = forged.logs["0/reads"];
        forged.logs.insert("7/changes".to_owned(), signed);
        let made_at = "2026-02-10T12:00:00Z".parse().unwrap();
        let kept = KeptStatement { made_at, note: forged.sign(&[&stranger]).unwrap() };
        bed.store.log().keep_statement(&kept).await.unwrap();
        let (folder, clock) = (bed.folder.path().join("checkpoints"), Clock::from_wall(bed.hands.clone()));
        let again = signing(Arc::clone(&bed.store), &folder, &bed.pem, clock);
        assert_eq!(again.publish().await.unwrap(), 2);
        let said = std::fs::read_to_string(folder.join("all-logs.statements")).unwrap();
        assert!(!said.contains("7/changes"), "{said}");
    })
    .await;
}

/// An id as it would have been made at a time.
fn id_at(time: &str) -> Uuid {
    let time: jiff::Timestamp = time.parse().unwrap();
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, time.as_second().unsigned_abs(), 0))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_dropped_is_said_to_be_older_than_the_log() {
    on_both(async |bed| {
        three_months(bed).await;
        let old = format!("/v1/audit/records/{}", id_at("2026-01-05T12:00:00Z"));
        let (status, told) = asked(bed, &old).await;
        assert!(status == 404 && !told.contains("dropped"), "nothing was: {told}");
        bed.retention().run().await.unwrap();
        let (status, told) = asked(bed, &old).await;
        assert_eq!(status, 404);
        assert!(told.contains("the log of changes begins after 2026-01-10T12:00:00"), "{told}");
        assert!(told.contains("the log of reads begins after 2026-01-10T12:00:00"), "{told}");
        let (status, told) = asked(bed, &format!("/v1/audit/records/{}", id_at("2026-03-05T12:00:00Z"))).await;
        assert!(status == 404 && !told.contains("dropped"), "{told}");

        // A gap is a line of its own.
        let (status, told) = asked(bed, "/v1/audit/follow?wait=false&since=0-reads:7,0-changes:150").await;
        let gap = told.lines().find(|line| line.starts_with("{\"gap\":")).unwrap();
        let gap: Value = serde_json::from_str(gap).unwrap();
        assert_eq!((status, gap), (200, json!({ "gap": { "log": "0/reads", "from": 7, "to": 300 } })));
    })
    .await;
}
