//! By which plans Postgres finds the answers: it tells them itself, of the very statements that are asked.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use dts_gateway::call::Clock;
use dts_gateway::store::open;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::database::Database;
use crate::questions::Question;

/// Rows that a table may have for it not to matter that it is read as a whole.
const FEW: u64 = 1_000;

/// Prints the plan of each question, and stops at one that reads a whole table.
pub(crate) async fn show(database: &Database, clock: &Clock, questions: &[Question]) {
    let quiet = open(&database.url, clock.clone()).unwrap();
    let mut ready = Vec::new();
    for question in questions {
        ready.push(question.ready(&*quiet).await);
    }
    quiet.close().await;
    database.tell_plans().await;
    let heard = Heard::default();
    let _listening = tracing::subscriber::set_default(tracing_subscriber::registry().with(heard.clone()));
    let store = open(&database.url, clock.clone()).unwrap();
    for (question, filter) in questions.iter().zip(&ready) {
        heard.take();
        question.put(&*store, filter).await;
        let plans: Vec<String> = heard.take().into_iter().filter(|plan| plan.contains("audit_")).collect();
        assert!(!plans.is_empty(), "Postgres told no plan of: {}", question.name);
        println!("\nplan of: {}", question.name);
        for plan in &plans {
            let lines: Vec<&str> = plan.lines().filter(|line| is_shown(line)).collect();
            println!("{}", lines.join("\n"));
            for line in &lines {
                let whole = line.contains("Seq Scan") && rows(line) > FEW;
                assert!(!whole, "{} reads a whole table: {line}", question.name);
            }
        }
    }
    store.close().await;
}

/// Scans that ran, and by which index.
fn is_shown(line: &str) -> bool {
    line.contains("Scan") && !line.contains("never executed")
}

/// Rows that a line of a plan says it read: `(actual rows=12.00 loops=1)`.
fn rows(line: &str) -> u64 {
    let number = line.split("actual rows=").nth(1).and_then(|rest| rest.split([' ', '.', ')']).next());
    number.and_then(|number| number.parse().ok()).unwrap_or(u64::MAX)
}

#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Heard {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber> Layer<S> for Heard {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::postgres::notice" {
            let mut message = Message(String::new());
            event.record(&mut message);
            self.0.lock().unwrap().push(message.0);
        }
    }
}

impl Visit for Message {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
