//! Every action of 2021-12-06 in every state, and the lives of tasks under a clock of the test's own.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

mod compare;
mod migration;
mod shapes;
mod states;
mod subscription;
mod sync;

use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::clock::Moment;
use crate::cloud::{Cloud, Done, Order, Pace, place};
use crate::dialect::{ApiError, tencent};
use crate::table::{Action, Member, Provider, Tables, Type};

const STEP: Duration = Duration::from_millis(300);
const RUN: Duration = Duration::from_secs(2);
const START: Moment = Moment::from_micros(1_800_000_000_000_000);

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

    fn provider(&self) -> &Provider {
        self.tables.version("2021-12-06").unwrap()
    }

    /// Puts a task here that stands still, as a test does over the control API.
    fn put(&self, kind_name: &str, status: &str, billing: Option<&str>, data: Value) -> String {
        self.put_as(kind_name, None, status, billing, data).expect("the id is free")
    }

    fn put_as(
        &self,
        kind_name: &str,
        id: Option<&str>,
        status: &str,
        billing: Option<&str>,
        data: Value,
    ) -> Option<String> {
        let Value::Object(data) = data else { panic!("data is an object") };
        let order = Order {
            provider: self.provider(),
            kind_name,
            kind: &self.provider().kinds[kind_name],
            id: id.map(str::to_owned),
            count: 1,
            status: Some(status.into()),
            billing: billing.map(str::to_owned),
            moves: false,
            data,
        };
        place(&mut self.cloud.world(), order, self.now)?.pop()
    }

    fn call(&self, action: &str, parameters: Value) -> Result<Done, ApiError> {
        let action = &self.provider().actions[action];
        let Value::Object(given) = parameters else { panic!("parameters are an object") };
        let checked = tencent::check_parameters(&given, false, &action.parameters, &self.provider().types)?;
        self.cloud.perform(self.provider(), action, &checked, "ap-guangzhou", self.now)
    }

    fn answer(&self, action: &str, parameters: Value) -> Map<String, Value> {
        self.call(action, parameters).expect(action).members
    }

    fn code(&self, action: &str, parameters: Value) -> String {
        self.call(action, parameters).expect_err(action).code
    }

    fn wait(&mut self, how_long: Duration) {
        self.now = self.now.plus(how_long);
    }

    /// Status and billing state of a task; none if it is gone.
    fn state(&self, id: &str) -> Option<(String, String)> {
        let mut world = self.cloud.world();
        let task = world.look(id, &self.tables, self.cloud.pace(), self.now)?;
        Some((task.status.as_str().unwrap().to_owned(), task.billing.clone()))
    }

    fn status(&self, id: &str) -> String {
        self.state(id).expect("the task is there").0
    }

    /// The least that an action takes, about that task.
    fn minimal(&self, action: &Action, id: &str) -> Value {
        let mut parameters = self.least(&action.parameters);
        if let Some(task_id) = &action.task_id {
            parameters.insert(task_id.clone(), id.into());
        }
        if let Some(parent) = &action.parent {
            let job = id.split_once("-cmp-").map_or("", |(job, _)| job);
            parameters.insert(parent.parameter.clone(), job.into());
        }
        let fixed = [("PayMode", "PostPay"), ("ResetMode", "earliest"), ("Time", "2027-01-15 16:00:00")];
        for (name, value) in fixed.into_iter().filter(|(name, _)| action.parameters.iter().any(|it| it.name == *name)) {
            parameters.insert(name.to_owned(), value.into());
        }
        let full = if action.name == "CreateConsumerGroup" { String::new() } else { format!("-{id}-") };
        for (name, begins) in [("ConsumerGroupName", "consumer-grp"), ("AccountName", "account")] {
            if parameters.contains_key(name) {
                let value = if full.is_empty() { "new".to_owned() } else { format!("{begins}{full}g") };
                parameters.insert(name.to_owned(), value.into());
            }
        }
        Value::Object(parameters)
    }

    fn least(&self, members: &[Member]) -> Map<String, Value> {
        let required = members.iter().filter(|member| member.required);
        required.map(|member| (member.name.clone(), self.sample(&member.kind))).collect()
    }

    fn sample(&self, kind: &Type) -> Value {
        match kind {
            Type::Text => "x".into(),
            Type::Integer | Type::Unsigned => 1.into(),
            Type::Boolean => true.into(),
            Type::Float => 0.5.into(),
            Type::Array(element) => json!([self.sample(element)]),
            Type::Map => json!({}),
            Type::Structure(name) => Value::Object(self.least(self.provider().types.members(name))),
        }
    }
}
