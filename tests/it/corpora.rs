//! Other people's bad JSON and naughty strings, through a whole gateway: each is answered as the API answers, nothing
//! refused reaches the cloud, and the next good call works.
//!
//! A few cases of our own are in `tests/corpora/json`. `DTS_CORPORA_DIR` names a folder that holds `JSONTestSuite` and
//! `blns`; without it only our own run, which the printed counts show.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use dts_gateway::sign::hmac_v1::Algorithm;
use http::Method;
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::caller::{Answer, Caller, until};
use crate::world::{Options, World, on_both};

/// Texts whose verdict here is another one, each with the reason.
const BY_RULE: [(&str, &str, &str); 3] = [
    ("y_object_duplicated_key.json", "InvalidParameter", "a member given twice is refused"),
    ("y_object_duplicated_key_and_value.json", "InvalidParameter", "a member given twice is refused"),
    ("n_structure_no_data.json", "MissingParameter", "no body stands for no parameters"),
];

fn own(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora/json").join(name)
}

/// Our own folder or file, and the others' if it is there.
fn both(own_name: &str, of_others: &str) -> Vec<PathBuf> {
    let others = std::env::var_os("DTS_CORPORA_DIR").map(|folder| PathBuf::from(folder).join(of_others));
    if others.is_none() {
        println!("DTS_CORPORA_DIR is not set: {of_others} was not run");
    }
    [Some(own(own_name)), others].into_iter().flatten().collect()
}

fn bodies() -> Vec<(String, Vec<u8>)> {
    let folders = both("parsing", "JSONTestSuite/test_parsing").into_iter();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    files
        .iter()
        .map(|file| (file.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(file).unwrap()))
        .collect()
}

fn strings() -> Vec<String> {
    let files = both("strings.json", "blns/blns.json").into_iter();
    files.flat_map(|file| serde_json::from_slice::<Vec<String>>(&std::fs::read(file).unwrap()).unwrap()).collect()
}

/// An answer of the API, whatever was asked.
fn is_well_formed(answer: &Answer, what: &str) {
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{what}");
    assert!(answer.json()["Response"]["RequestId"].is_string(), "{what}");
    let code = answer.json()["Response"]["Error"]["Code"].as_str().unwrap_or_default().to_owned();
    assert!(!["InternalError", "ServiceUnavailable"].contains(&code.as_str()), "{what}: {}", answer.text());
}

async fn json_texts(world: &World) {
    let all = world.with_token("all");
    let (mut refused, mut accepted) = (0, 0);
    for (name, body) in bodies() {
        let mut request = all.request("StopMigrateJob", &[], "");
        *request.body_mut() = Full::new(Bytes::from(body));
        let answer = all.exchange(request).await;
        is_well_formed(&answer, &name);
        let (code, text) = (answer.code(), answer.text());
        let by_rule = BY_RULE.iter().find(|(exception, ..)| *exception == name);
        match (by_rule, name.as_bytes()[0]) {
            (Some((_, wanted, why)), _) => assert_eq!(&code, wanted, "{name}: {why}: {text}"),
            (None, b'n') => assert_eq!(code, "InvalidParameter", "{name}: {text}"),
            // JSON, and then parameters that the action does not have, or no parameters at all.
            (None, b'y') if text.contains("must be a JSON object") => assert_eq!(code, "InvalidParameter", "{name}"),
            (None, b'y') => {
                assert!(
                    ["MissingParameter", "UnknownParameter", "InvalidParameterValue"].contains(&&*code),
                    "{name}: {text}"
                );
            }
            (None, _) => {}
        }
        if answer.header("x-dts-gateway-reason") == "request-malformed" { refused += 1 } else { accepted += 1 }
    }
    println!("{refused} JSON texts refused, {accepted} read");
    assert!(refused > 5 && accepted > 0);
    assert!(world.requests().await.is_empty(), "nothing went to the cloud");
    all.act("DescribeMigrateJobs", json!({})).await.response();
}

/// As the id of a task that is not the caller's: refused, recorded, and found again by that id.
async fn strings_as_ids(world: &World) {
    let (own, signed) = (world.with_token("own"), world.with_key("own").await);
    let now = Timestamp::now().as_second();
    let mut strings = strings();
    // An id that is empty is none.
    strings.retain(|string| !string.is_empty());
    for string in &strings {
        let answer = own.act("DescribeMigrateCheckJob", json!({"JobId": string})).await;
        is_well_formed(&answer, string);
        assert_eq!(answer.header("x-dts-gateway-reason"), "not-granted", "{string:?}: {}", answer.text());
        let pairs = [("Action", "DescribeMigrateCheckJob"), ("JobId", string.as_str())];
        let answer = signed.exchange(signed.flat(Method::GET, Algorithm::HmacSha1, &pairs, now)).await;
        is_well_formed(&answer, string);
        assert_eq!(answer.header("x-dts-gateway-reason"), "not-granted", "{string:?}: {}", answer.text());
    }
    println!("{} strings refused as ids", strings.len());
    let records = records_of_refusals(world, strings.len() * 2).await;
    let naughty = strings.iter().find(|string| string.contains("DROP TABLE")).unwrap();
    let found = records.iter().filter(|record| record["task_ids"][0] == *naughty).count();
    assert!(found >= 2, "the log holds it as it was sent");
    assert!(world.requests().await.is_empty());
}

/// One record for every call, over as many pages as it takes.
async fn records_of_refusals(world: &World, wanted: usize) -> Vec<Value> {
    let auditor = world.auditor();
    until("every call has its record", || async {
        let (mut records, mut cursor) = (Vec::new(), String::new());
        loop {
            let query = format!("/v1/audit/records?limit=1000&reason=not-granted&caller=own{cursor}");
            let page = auditor.get(&query).await.json();
            records.extend(page["records"].as_array().unwrap().iter().cloned());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        (records.len() == wanted).then_some(records)
    })
    .await
}

/// As values that pass: the cloud gets them unchanged, in every form.
async fn strings_as_values(world: &World) {
    let (all, signed) = (world.with_token("all"), world.with_key("all").await);
    let strings = strings();
    for some in strings.chunks(40) {
        world.forget_requests().await;
        let parameters = json!({"TagFilters": [{"TagKey": "k", "TagValue": some}]});
        all.act("DescribeMigrateJobs", parameters.clone()).await.response();
        for (method, algorithm) in [(Method::GET, Algorithm::HmacSha256), (Method::POST, Algorithm::HmacSha1)] {
            let names: Vec<_> = (0..some.len()).map(|index| format!("TagFilters.0.TagValue.{index}")).collect();
            let mut pairs = vec![("Action", "DescribeMigrateJobs"), ("TagFilters.0.TagKey", "k")];
            pairs.extend(names.iter().zip(some).map(|(name, value)| (name.as_str(), value.as_str())));
            let now = Timestamp::now().as_second();
            signed.exchange(signed.flat(method, algorithm, &pairs, now)).await.response();
        }
        let received = world.requests().await;
        assert_eq!(received.len(), 3);
        for request in &received {
            assert_eq!(request["params"]["TagFilters"], parameters["TagFilters"]);
        }
    }
    println!("{} strings passed on as they were", strings.len());
}

/// In headers, as far as HTTP lets them: a header is a place to be misread too.
async fn strings_in_headers(world: &World) {
    let all: Caller = world.with_token("all");
    let mut sent = 0;
    for string in strings() {
        for name in ["x-tc-action", "x-tc-version", "x-tc-region", "x-dts-gateway-account", "x-tc-traceid"] {
            let Ok(value) = http::HeaderValue::from_bytes(string.as_bytes()) else { continue };
            let mut request = all.request("StopMigrateJob", &[], "{}");
            request.headers_mut().insert(http::HeaderName::from_static(name), value);
            let answer = all.exchange(request).await;
            is_well_formed(&answer, &string);
            assert!(!answer.header("x-dts-gateway-reason").is_empty(), "{name}: {string:?}");
            sent += 1;
        }
    }
    println!("{sent} headers refused");
    assert!(world.requests().await.is_empty());
    all.act("DescribeMigrateJobs", json!({})).await.response();
}

#[tokio::test]
async fn bad_json_is_refused_and_good_json_is_read() {
    on_both(Options::default(), async |world| json_texts(world).await).await;
}

#[tokio::test]
async fn naughty_ids_are_refused_and_recorded() {
    on_both(Options::default(), async |world| strings_as_ids(world).await).await;
}

#[tokio::test]
async fn naughty_values_are_passed_on_as_they_are() {
    on_both(Options::default(), async |world| strings_as_values(world).await).await;
}

#[tokio::test]
async fn naughty_headers_are_refused() {
    on_both(Options::default(), async |world| strings_in_headers(world).await).await;
}
