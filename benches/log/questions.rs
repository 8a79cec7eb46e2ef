//! What auditors ask, and how long the answers take.

use dts_gateway::call::Outcome;
use dts_gateway::store::{By, Filter, Order, Per, Store};
use jiff::SignedDuration;
use tokio::time::Instant;

use crate::fill::{Past, caller, task};

/// How often each question is asked.
const TIMES: usize = 200;

/// Records on a page.
const PAGE: u32 = 100;

pub(crate) struct Question {
    pub(crate) name: &'static str,
    filter: Filter,
    kind: Kind,
}

enum Kind {
    /// A page of records.
    Page,
    /// The page of that number, by the cursor of the one before.
    Deep(u32),
    /// Counts in buckets.
    Counts(Per, By),
    /// Everything that was written of the newest record of the filter.
    Phases,
}

pub(crate) fn all(past: &Past) -> Vec<Question> {
    let (hour, day) = (SignedDuration::from_hours(1), SignedDuration::from_hours(24));
    let filter = || Filter { limit: PAGE, ..Filter::default() };
    let since = |length| Some(past.before_the_end(length));
    let refused = || Filter { outcome: vec![Outcome::Refused], from: since(hour), ..filter() };
    vec![
        Question {
            name: "one caller's last day",
            filter: Filter { caller: Some(caller(7)), from: since(day), ..filter() },
            kind: Kind::Page,
        },
        Question {
            name: "one task's history",
            filter: Filter { task_id: Some(task(4_711)), order: Order::Oldest, ..filter() },
            kind: Kind::Page,
        },
        Question {
            name: "refusals of the last hour for one reason",
            filter: Filter { reason: Some("state-forbids".to_owned()), ..refused() },
            kind: Kind::Page,
        },
        Question { name: "page 500 of everything", filter: filter(), kind: Kind::Deep(500) },
        Question {
            name: "page 500 of one caller",
            filter: Filter { caller: Some(caller(7)), ..filter() },
            kind: Kind::Deep(500),
        },
        Question { name: "both phases of one call", filter: filter(), kind: Kind::Phases },
        Question {
            name: "the last hour's refusals by action and minute",
            filter: refused(),
            kind: Kind::Counts(Per::Minute, By::Action),
        },
        Question {
            name: "the last day by outcome and hour",
            filter: Filter { from: since(day), ..filter() },
            kind: Kind::Counts(Per::Hour, By::Outcome),
        },
    ]
}

pub(crate) async fn ask(store: &dyn Store, questions: &[Question]) {
    println!("\n{:<48} {:>7} {:>10} {:>10}   of {TIMES}, in ms", "question", "answers", "median", "95 %");
    for question in questions {
        let filter = question.ready(store).await;
        let mut took = Vec::with_capacity(TIMES);
        let mut answers = 0;
        for _ in 0..TIMES {
            let began = Instant::now();
            answers = question.put(store, &filter).await;
            took.push(began.elapsed().as_secs_f64() * 1e3);
        }
        took.sort_by(f64::total_cmp);
        println!("{:<48} {answers:>7} {:>10.2} {:>10.2}", question.name, took[TIMES / 2], took[TIMES * 95 / 100]);
        assert!(answers > 0, "{}", question.name);
    }
}

impl Question {
    /// The filter as it is asked: for a deep page, with the cursor of the page before.
    pub(crate) async fn ready(&self, store: &dyn Store) -> Filter {
        let mut filter = self.filter.clone();
        if let Kind::Deep(number) = self.kind {
            // A smaller log has fewer pages: then the last one is asked for.
            for _ in 1..number {
                filter.cursor = store.records(&filter).await.unwrap().next.or(filter.cursor);
            }
        }
        if let Kind::Phases = self.kind {
            filter.id = store.records(&filter).await.unwrap().records.first().map(|record| record.id);
        }
        filter
    }

    /// Asks, and says how many answers there were.
    pub(crate) async fn put(&self, store: &dyn Store, filter: &Filter) -> usize {
        match self.kind {
            Kind::Page | Kind::Deep(_) => store.records(filter).await.unwrap().records.len(),
            Kind::Counts(per, by) => store.summary(filter, per, by, 10_000).await.unwrap().len(),
            Kind::Phases => {
                let phases = store.phases(filter.id.unwrap()).await.unwrap();
                usize::from(phases.intent.is_some()) + usize::from(phases.ended.is_some())
            }
        }
    }
}
