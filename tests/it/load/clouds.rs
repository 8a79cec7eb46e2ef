//! What is flooded at each cloud, and how a caller says it.

use serde_json::{Value, json};

use crate::caller::{Answer, Caller};
use crate::second_family::{self, REGION};
use crate::world::World;

/// One cloud's read and change under overload, and the tasks that they are about.
#[derive(Clone, Copy, Debug)]
pub struct Cloud {
    pub read: Flooded,
    pub change: Flooded,
    /// In how many ways the cloud counts the read.
    pub read_scopes: usize,
    kind: &'static str,
    version: &'static str,
    state: &'static str,
    say: Speech,
}

/// An action, and how many calls of one account the cloud takes in a second.
#[derive(Clone, Copy, Debug)]
pub struct Flooded {
    pub action: &'static str,
    pub quota: f64,
}

#[derive(Clone, Copy, Debug)]
enum Speech {
    Json,
    Form,
}

/// States are looked up with a third action.
pub const FIRST: Cloud = Cloud {
    read: Flooded { action: "DescribeMigrateCheckJob", quota: 20.0 },
    change: Flooded { action: "StopMigrateJob", quota: 20.0 },
    read_scopes: 1,
    kind: "migration",
    version: "2018-03-30",
    state: "7",
    say: Speech::Json,
};

/// The read has two scopes: 40 a second in one account and region, 160 in the region. States are looked up with the same
/// action, so reads, and the look-ups of changes, share both.
pub const SECOND: Cloud = Cloud {
    read: Flooded { action: "DescribeDtsJobDetail", quota: 40.0 },
    change: Flooded { action: "SuspendDtsJob", quota: 20.0 },
    read_scopes: 2,
    kind: "migration",
    version: "2020-01-01",
    state: "\"Migrating\"",
    say: Speech::Form,
};

impl Cloud {
    /// Tasks that can be read and changed.
    pub async fn tasks(&self, world: &World, count: usize) -> Vec<String> {
        let status: Value = serde_json::from_str(self.state).unwrap();
        let order = json!({"kind": self.kind, "version": self.version, "status": status, "count": count});
        let made = world.cloud("POST", "/_sim/tasks", &order.to_string()).await;
        made["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    /// Calls an action on a task and tells what came of it: `ok`, the gateway's reason, or the cloud's code.
    pub async fn ask(&self, caller: &Caller, action: &str, task: &str) -> String {
        let answer = match self.say {
            Speech::Json => caller.act_alone(action, json!({"JobId": task})).await,
            Speech::Form => second_family::act_alone(caller, action, &[("DtsJobId", task), REGION]).await,
        };
        outcome(&answer)
    }
}

/// `ok`, the gateway's reason, or the cloud's code.
pub fn outcome(answer: &Answer) -> String {
    let body = answer.json();
    let code = body["Response"]["Error"]["Code"].as_str().or(body["Code"].as_str());
    match answer.header("x-dts-gateway-reason") {
        "" => code.unwrap_or("ok").to_owned(),
        reason => reason.to_owned(),
    }
}
