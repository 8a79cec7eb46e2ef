//! Reading what can be read one way, answers byte for byte, and requests that our own verifier accepts.
#![allow(clippy::unwrap_used, reason = "tests")]

mod answers;
mod requests;

use std::fs;
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::call::Wire;
use crate::provider::{Providers, Version};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn wire(method: Method, query: &str, headers: &[(&str, &str)], body: &str) -> Wire {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    let body = Bytes::from(body.to_owned());
    Wire { method, path: "/".to_owned(), raw_query: query.to_owned(), headers: map, body, peer: None }
}

/// A small version of the family, so that these tests depend on no row of the real tables.
fn version() -> Arc<Version> {
    static READ_ONCE: LazyLock<Arc<Version>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("aliyun-2020-01-01");
        fs::create_dir(&inside).unwrap();
        for (file, text) in
            [("provider.toml", PROVIDER), ("actions.toml", ACTIONS), ("limits.toml", LIMITS), ("states.toml", STATES)]
        {
            fs::write(inside.join(file), text).unwrap();
        }
        let providers = Providers::load(folder.path()).unwrap_or_else(|faults| panic!("{faults:#?}"));
        Arc::clone(providers.version("2020-01-01").unwrap())
    });
    Arc::clone(&READ_ONCE)
}

const PROVIDER: &str = r#"
family = "aliyun"
version = "2020-01-01"
service = "dts"
[sources]
assumed = { title = "a test" }
[request]
region = "RegionId"
[request.common]
Action = "rebuilt"
RegionId = "rebuilt"
[codes]
throttled = ["Throttling.*"]
task_not_found = ["InvalidJobId"]
state_refused = ["OperationDenied.JobStatus"]
sources = ["assumed"]
[site.mainland]
default = "dts.aliyuncs.com"
sources = ["assumed"]
[region]
cn-hangzhou = { sources = ["assumed"] }
"#;

const ACTIONS: &str = r#"
[structure.Job]
DtsJobId = "String"
Status = "String"
Password = "String secret"
[structure.Tag]
Key = "String"
[action.DescribeDtsJobs]
task = "job"
kind = "read"
lists = true
ids = { DtsJobId = "job" }
parameters = { Region = "String", DtsJobId = "String", Tag = "Tag[]" }
answer = { RequestId = "String", DtsJobList = "Job[]", AdminPassword = "String secret" }
sources = ["assumed"]
[action.ModifyDtsJob]
task = "job"
kind = "change"
ids = { DtsJobId = "job" }
parameters = { DtsJobId = "String required", ClientToken = "String" }
sources = ["assumed"]
"#;

const LIMITS: &str = r#"
[[limit]]
calls = 20
window_ms = 1000
scope = ["identity", "endpoint"]
assumed = true
reason = "a test"
sources = ["assumed"]
buckets = ["DescribeDtsJobs", "ModifyDtsJob"]
"#;

const STATES: &str = r#"
[task.job]
read = { action = "DescribeDtsJobs", parameter = "DtsJobId", id = "DtsJobList[].DtsJobId", state = "DtsJobList[].Status", sources = ["assumed"] }
[task.job.state]
Migrating = { sources = ["assumed"] }
[rule.ModifyDtsJob]
allowed = ["Migrating"]
confidence = "low"
reason = "a test"
sources = ["assumed"]
"#;
