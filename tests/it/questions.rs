//! The audit log is asked over HTTP, by the command line as auditors use it, and by somebody who leaves.

use std::path::Path;
use std::process::ExitCode;

use dts_gateway::call::{Closed, Detail, Outcome, Record};
use dts_gateway::cli::{Surroundings, main};
use dts_gateway::store::Entry;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use crate::caller::until;
use crate::world::{Options, World, on_both};

/// More than a connection's buffers hold: 16 MB.
const RECORDS: usize = 1_000;

/// More than a page of a stream.
const SOME: usize = 300;

#[tokio::test]
async fn the_whole_log_is_exported_or_says_that_it_is_not() {
    on_both(Options::default(), async |world: &mut World| {
        fill(world).await;
        let folder = world.folder.path().to_owned();
        for (format, limit) in [("ndjson", RECORDS + 1), ("csv", SOME), ("json", SOME)] {
            let file = folder.join(format!("export.{format}"));
            assert_eq!(export(world, format, limit, &file).await, ExitCode::SUCCESS, "{format}");
            let found = records_in(format, &std::fs::read_to_string(&file).unwrap());
            assert_eq!(found, limit.min(RECORDS), "{format}");
        }
        let done = world.records("action=audit.export&outcome=ok&order=oldest", 3).await.remove(0);
        let asked: Value = serde_json::from_str(done["detail"]["parameters"].as_str().unwrap()).unwrap();
        assert_eq!(asked, json!({"caller": "filler", "format": "ndjson", "limit": "1001", "given": RECORDS}));

        let summary = world.auditor().get("/v1/audit/summary?from=2026-01-01T00:00:00Z&per=day&caller=filler").await;
        assert_eq!(summary.json()["total"], RECORDS, "{}", summary.text());

        leave(world).await;
        let cut = world.record("action=audit.export&outcome=failed").await;
        assert_eq!(cut["caller_gone"], true, "{cut}");
        let asked: Value = serde_json::from_str(cut["detail"]["parameters"].as_str().unwrap()).unwrap();
        let given = asked["given"].as_u64().unwrap();
        assert!(given > 0 && given < RECORDS as u64, "{given}");
        let phases = world.auditor().get(&format!("/v1/audit/records/{}", cut["id"].as_str().unwrap())).await.json();
        assert_eq!(phases["intent"]["record"]["outcome"], "open");
        assert_eq!(phases["ended"]["record"], cut);
    })
    .await;
}

/// Large records of one caller.
async fn fill(world: &World) {
    let store = world.store();
    for _ in 0..RECORDS / 500 {
        let entries: Vec<Entry> = (0..500).map(|_| Entry::Closed(closed())).collect();
        store.commit(&entries).await.unwrap();
    }
    store.close().await;
}

fn closed() -> Closed {
    let id = Uuid::now_v7();
    let record = Record {
        id,
        time: Timestamp::now(),
        caller: "filler".to_owned(),
        family: "tencent".to_owned(),
        outcome: Outcome::Ok,
        request_id: id.to_string(),
        detail: Detail { kind: "read".to_owned(), parameters: "p".repeat(16 * 1024), ..Detail::default() },
        ..Record::default()
    };
    Closed { record, intended: false, answer: None, window: None }
}

/// The command, with a token.
async fn export(world: &World, format: &str, limit: usize, file: &Path) -> ExitCode {
    let token = world.token("all", &["auditor"]);
    let line =
        format!("dts-gateway audit export --caller filler --url {} --format {format} --limit {limit}", world.admin);
    let line = line.split(' ').map(Into::into).chain(["--output".into(), file.as_os_str().to_owned()]);
    let line: Vec<_> = line.collect();
    let variables = vec![("DTS_GATEWAY_ADMIN_TOKEN".to_owned(), token.expose_secret().to_owned())];
    tokio::task::spawn_blocking(|| main(line, Surroundings::new(variables))).await.unwrap()
}

fn records_in(format: &str, text: &str) -> usize {
    match format {
        "csv" => csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).count(),
        "json" => serde_json::from_str::<Vec<Value>>(text).unwrap().len(),
        _ => {
            let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
            assert_eq!(last, json!({"end": {"records": RECORDS}}));
            text.lines().count() - 1
        }
    }
}

/// Reads the beginning of an export and hangs up.
async fn leave(world: &World) {
    let host = world.admin.strip_prefix("http://").unwrap();
    let token = world.token("all", &["auditor"]);
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "GET /v1/audit/records?caller=filler&format=csv HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n",
        token.expose_secret()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut some = [0; 4096];
    let mut seen = Vec::new();
    while !seen.windows(8).any(|window| window == b"detail.u") {
        let read = stream.read(&mut some).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&some[..read]);
    }
    until("that it has begun is in the log", || async {
        let open = world.auditor().get("/v1/audit/records?action=audit.export&outcome=open").await.json();
        (open["records"].as_array().unwrap().len() == 1).then_some(())
    })
    .await;
}
