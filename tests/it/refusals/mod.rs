//! Every kind of refusal: its code, its reason, its shape, its record, and that nothing of it reached the cloud.

mod asked;
mod proof;
mod standing;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::caller::{Answer, Caller, whole};
use crate::world::Options;
use crate::world::{World, on_both};

/// A request that must be refused.
struct Case {
    name: &'static str,
    code: &'static str,
    reason: &'static str,
    /// The caller that the record must name; none where nobody was proven.
    caller: &'static str,
    /// What the record must hold for the key; none where it does not matter.
    key_id: Option<String>,
    request: Request<Full<Bytes>>,
}

fn case(name: &'static str, code: &'static str, reason: &'static str, request: Request<Full<Bytes>>) -> Case {
    Case { name, code, reason, caller: "", key_id: None, request }
}

impl Case {
    fn by(self, caller: &'static str) -> Case {
        Case { caller, ..self }
    }

    fn key(self, key_id: &str) -> Case {
        Case { key_id: Some(key_id.to_owned()), ..self }
    }
}

fn with_body(mut request: Request<Full<Bytes>>, body: &str) -> Request<Full<Bytes>> {
    *request.body_mut() = whole(body);
    request
}

fn with_header(mut request: Request<Full<Bytes>>, name: &'static str, value: &str) -> Request<Full<Bytes>> {
    request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
    request
}

/// An answer as the snapshot holds it: what differs from run to run is blanked.
fn shape(name: &str, answer: &Answer) -> String {
    let id = answer.header("x-request-id");
    format!("{name}: {} {}\n", answer.status, answer.text()).replace(id, "<id>")
}

/// Numbers of the moment.
fn timeless(text: &str, host: &str) -> String {
    let seconds = Timestamp::now().as_second().to_string();
    let text = text.replace(host, "<host>");
    let words = text.split_inclusive(|c: char| !c.is_ascii_digit());
    words
        .map(|word| {
            let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
            let is_time = digits.len() == seconds.len() && digits.starts_with(&seconds[..3]);
            if is_time { word.replace(digits, "<seconds>") } else { word.to_owned() }
        })
        .collect()
}

fn check_record(case: &Case, answer: &Answer, record: &Value) {
    let name = case.name;
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &json!(case.reason)), "{name}");
    assert_eq!(record["caller"], case.caller, "{name}");
    assert_eq!(record["address"], "127.0.0.1", "{name}");
    assert_eq!(record["caller_gone"], false, "{name}");
    if let Some(key_id) = &case.key_id {
        assert_eq!(&record["key_id"], key_id, "{name}");
    }
    if answer.header("content-type") == "application/json" {
        let (kept, told) = (record["detail"]["message"].as_str(), answer.json());
        let (kept, told) = (kept.unwrap(), told["Response"]["Error"]["Message"].as_str().unwrap());
        // Names of the caller's own making are told and not kept.
        let (before, after) = (kept.split("[unknown]").next().unwrap(), kept.rsplit("[unknown]").next().unwrap());
        let is_same = if before == kept { kept == told } else { told.starts_with(before) && told.ends_with(after) };
        assert!(is_same, "{name}: {kept} of {told}");
    }
}

async fn all_are_refused(world: &World) {
    let mut cases = proof::of_signatures(world).await;
    cases.extend(proof::of_tokens(world));
    cases.extend(asked::of_grants(world));
    cases.extend(asked::of_names(world));
    cases.extend(asked::of_forms(world));
    let sender = Caller::stranger(&world.public);
    let (mut shapes, mut problems) = (String::new(), String::new());
    for case in &cases {
        let answer = sender.exchange(case.request.clone()).await;
        println!("{}: {}", case.name, answer.text());
        answer.refused(case.code, case.reason);
        check_record(case, &answer, &world.record_of(&answer).await);
        shapes.push_str(&shape(case.name, &answer));

        let answer = sender.exchange(with_header(case.request.clone(), "accept", "application/problem+json")).await;
        let (problem, reason) = (answer.json(), answer.header("x-dts-gateway-reason"));
        assert_eq!((answer.header("content-type"), reason), ("application/problem+json", case.reason));
        assert_eq!((&problem["status"], &problem["code"]), (&json!(answer.status), &json!(case.code)));
        assert!(answer.status >= 400, "{}", case.name);
        check_record(case, &answer, &world.record_of(&answer).await);
        problems.push_str(&shape(case.name, &answer));
    }
    assert_eq!(world.requests().await, Vec::<Value>::new(), "nothing of a refused call reaches the cloud");
    let host = world.public.strip_prefix("http://").unwrap();
    insta::assert_snapshot!("in_the_clouds_shape", timeless(&shapes, host));
    insta::assert_snapshot!("as_problem_json", timeless(&problems, host));

    let next = world.with_token("all").act("DescribeMigrateJobs", json!({})).await;
    assert_eq!(next.header("x-dts-gateway-origin"), "upstream", "the next good call is answered");
}

#[tokio::test]
async fn every_refusal_has_its_code_and_its_record_and_never_reaches_the_cloud() {
    let options = Options::head("server.max_body_bytes = 65536");
    on_both(options, async |world| all_are_refused(world).await).await;
}
