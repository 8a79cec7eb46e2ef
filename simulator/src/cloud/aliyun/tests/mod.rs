//! Tasks through their lives under a clock of the test's own, what their states allow, and what answers hold.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

mod lists;
mod lives;
mod older;
mod shapes;
mod states;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Moment;
use crate::cloud::{Cloud, Done, Order, Pace, place};
use crate::dialect::{ApiError, aliyun};
use crate::table::{Provider, Tables};

const STEP: Duration = Duration::from_millis(300);
const RUN: Duration = Duration::from_secs(2);
const START: Moment = Moment::from_micros(1_800_000_000_000_000);

const NEW: &str = "2020-01-01";

const KINDS: [&str; 3] = ["migration", "sync", "subscription"];

struct Bench {
    tables: Tables,
    cloud: Cloud,
    now: Moment,
}

impl Bench {
    fn new() -> Self {
        let cloud = Cloud::new(Pace { step: STEP, run: RUN });
        Self { tables: Tables::built_in().unwrap(), cloud, now: START }
    }

    fn provider(&self, version: &str) -> &Provider {
        self.tables.version(version).unwrap()
    }

    /// Puts a task here as a test does it over HTTP, and answers the id that the version names it by.
    fn put_in(&self, version: &str, kind: &str, status: &str, data: Value) -> String {
        let provider = self.provider(version);
        let order = Order {
            provider,
            kind_name: kind,
            kind: &provider.kinds[kind],
            id: None,
            count: 1,
            status: Some(status.into()),
            billing: None,
            moves: false,
            data: data.as_object().unwrap().clone(),
        };
        place(&mut self.cloud.world(), order, self.now).unwrap().swap_remove(0)
    }

    fn put(&self, kind: &str, status: &str) -> String {
        self.put_in(NEW, kind, status, json!({}))
    }

    /// A call as it comes off the wire: every parameter is a text.
    fn call_in(&self, version: &str, action: &str, parameters: &Value) -> Result<Done, ApiError> {
        let provider = self.provider(version);
        let action = &provider.actions[action];
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let given: Map<String, Value> =
            parameters.as_object().unwrap().iter().map(|(name, value)| (name.clone(), text(value).into())).collect();
        let checked = aliyun::check_parameters(&given, &action.parameters)?;
        self.cloud.perform(provider, action, &checked, "cn-hangzhou", self.now)
    }

    fn call(&self, action: &str, parameters: Value) -> Map<String, Value> {
        self.call_in(NEW, action, &parameters).expect(action).members
    }

    fn code(&self, action: &str, parameters: Value) -> String {
        self.call_in(NEW, action, &parameters).err().map_or_else(|| "none".to_owned(), |error| error.code)
    }

    fn status(&self, id: &str) -> String {
        self.call("DescribeDtsJobDetail", json!({ "DtsJobId": id }))["Status"].as_str().unwrap().to_owned()
    }

    fn wait(&mut self, how_long: Duration) {
        self.now = self.now.plus(how_long);
    }

    /// Waits one step at a time and answers the statuses.
    fn watch(&mut self, id: &str, steps: usize) -> Vec<String> {
        let mut seen = vec![self.status(id)];
        for _ in 0..steps {
            self.wait(STEP);
            seen.push(self.status(id));
        }
        seen
    }
}

fn text(members: &Map<String, Value>, name: &str) -> String {
    members[name].as_str().unwrap().to_owned()
}
