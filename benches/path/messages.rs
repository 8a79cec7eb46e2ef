//! What is said: 402 bytes of JSON in, about 600 out.

use bytes::Bytes;
use dts_gateway::sign::{SecretKey, tc3};
use http::Method;

/// Bytes of every request's body.
const BODY: usize = 402;

/// The version of every request.
const VERSION: &str = "2018-03-30";

const REGION: &str = "ap-guangzhou";

/// What each connection says, always the same. Tasks differ from connection to connection: a task takes one change at
/// a time.
pub(super) type Script = Box<dyn Fn(usize, &str) -> Bytes>;

/// A read, with a token.
pub(super) fn read_with_token(token: &str) -> Script {
    with_token(token, "DescribeMigrateJobs", read_body)
}

/// A change, with a token.
pub(super) fn change(token: &str) -> Script {
    with_token(token, "ModifyMigrateJob", change_body)
}

/// A change that makes a task: no state has to be asked for.
pub(super) fn creation(token: &str) -> Script {
    with_token(token, "CreateMigrateJob", |_| padded(creation_body))
}

/// A read, signed as SDKs do. Identical bytes may be sent for five minutes; a read is run each time.
pub(super) fn signed_read(key_id: &str, secret: &str, now: i64) -> Script {
    let (key_id, secret) = (key_id.to_owned(), SecretKey::from(secret.to_owned()));
    Box::new(move |connection, host| {
        let body = read_body(connection);
        let outgoing = tc3::Outgoing {
            method: &Method::POST,
            host,
            content_type: "application/json",
            action: None,
            raw_query: "",
            body: body.as_bytes(),
        };
        let key = tc3::DaySigningKey::derive(&secret, now, "dts").unwrap();
        let authorization = tc3::sign(&key_id, &key, outgoing, now).unwrap();
        request(host, "DescribeMigrateJobs", &format!("authorization: {authorization}\r\nx-tc-timestamp: {now}"), &body)
    })
}

/// The answer to everything: a task, with the id that was asked for.
pub(super) fn answer(task: &str) -> String {
    format!(
        r#"{{"Response":{{"TotalCount":1,"JobList":[{{"JobId":"{task}","JobName":"orders to the new region","CreateTime":"2026-01-02 03:04:05","StartTime":"","EndTime":"","BriefMsg":"","Status":4,"RunMode":1,"ExpectRunTime":"","Action":{{"AllAction":["start","modify"],"AllowedAction":["start","modify"]}},"MigrateOption":{{"RunMode":1,"MigrateType":2}},"SrcInfo":{{"Ip":"10.0.0.8","Port":3306,"User":"replicator","Password":"","AccessKey":""}},"DstInfo":{{"InstanceId":"cdb-0000abcd","Region":"ap-guangzhou"}},"Tags":[]}}],"JobId":"{task}","RequestId":"5f0f3fb5-5e9f-4a0e-9d47-000000000001"}}}}"#
    )
}

fn with_token(token: &str, action: &'static str, body: fn(usize) -> String) -> Script {
    let authorization = format!("authorization: Bearer {token}");
    Box::new(move |connection, host| request(host, action, &authorization, &body(connection)))
}

fn request(host: &str, action: &str, proof: &str, body: &str) -> Bytes {
    Bytes::from(format!(
        "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\nuser-agent: bench\r\n\
         x-tc-action: {action}\r\nx-tc-version: {VERSION}\r\nx-tc-region: {REGION}\r\n{proof}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn task(connection: usize) -> String {
    format!("dts-{connection:08}")
}

fn read_body(connection: usize) -> String {
    let task = task(connection);
    padded(|name| {
        format!(r#"{{"JobId":"{task}","JobName":"{name}","Order":"JobId","OrderSeq":"DESC","Offset":0,"Limit":20}}"#)
    })
}

fn change_body(connection: usize) -> String {
    let task = task(connection);
    padded(|name| {
        format!(
            r#"{{"JobId":"{task}","JobName":"{name}","MigrateOption":{{"RunMode":1,"MigrateType":2,"MigrateObject":1,"ConsistencyType":1}},"SrcAccessType":"extranet","SrcInfo":{{"Ip":"10.0.0.8","Port":3306,"User":"replicator","Password":"not-a-real-one"}},"DstAccessType":"cdb","DstInfo":{{"InstanceId":"cdb-0000abcd","Region":"ap-guangzhou"}}}}"#
        )
    })
}

fn creation_body(name: &str) -> String {
    format!(
        r#"{{"JobName":"{name}","MigrateOption":{{"RunMode":1,"MigrateType":2}},"SrcDatabaseType":"mysql","SrcAccessType":"extranet","SrcInfo":{{"Ip":"10.0.0.8","Port":3306,"User":"replicator","Password":"not-a-real-one"}},"DstDatabaseType":"mysql","DstAccessType":"cdb","DstInfo":{{"InstanceId":"cdb-0000abcd","Region":"ap-guangzhou"}}}}"#
    )
}

/// A body with a name of such a length that the whole has [`BODY`] bytes.
fn padded(body: impl Fn(&str) -> String) -> String {
    let without = body("").len();
    body(&"n".repeat(BODY.saturating_sub(without)))
}
