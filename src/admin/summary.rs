//! `/v1/audit/summary`: how many calls there were in each minute, hour or day, for a chart over time.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{RawQuery, State};
use jiff::Timestamp;
use serde::Serialize;

use super::act::Act;
use super::desk::Desk;
use super::problem::Problem;
use super::query::{self, Asked, Question};
use super::reader::Reader;
use crate::store::Filter;

/// Most buckets of an answer: a day in minutes, two months in hours, four years in days.
const MOST_BUCKETS: i64 = 1_500;

/// Most numbers of an answer, which are a megabyte.
const MOST_NUMBERS: u32 = 20_000;

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Summary {
    from: Timestamp,
    to: Timestamp,
    per: &'static str,
    by: &'static str,
    total: u64,
    /// How many records say so: what an export of the same would bring.
    records: u64,
    buckets: Vec<Bucket>,
}

/// One bucket, an empty one too.
#[derive(Debug, Serialize)]
struct Bucket {
    start: Timestamp,
    total: u64,
    counts: BTreeMap<String, u64>,
}

pub(super) async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Json<Summary>, Problem> {
    let mut act = Act::begin(&desk, &reader, "audit.summary")?;
    let summed = async {
        let question = query::read(Asked::Summary, &query.unwrap_or_default(), None)?;
        question.given.iter().for_each(|(name, value)| act.asks(name, value.as_str()));
        summary(&desk, &reader, question).await
    };
    let summed = summed.await;
    act.ends(&summed);
    summed.map(Json)
}

async fn summary(desk: &Desk, reader: &Reader, question: Question) -> Result<Summary, Problem> {
    let Question { filter, per, by, .. } = question;
    let wrong = |message: String| Problem::bad_query("parameter-type", message);
    let from = filter.from.ok_or_else(|| wrong("from must be given: where the first bucket begins".to_owned()))?;
    let to = filter.to.unwrap_or_else(|| desk.clock.now());
    let mut buckets = empty(from, to, per.seconds()).ok_or_else(|| {
        let per = per.as_str();
        wrong(format!("from and to are more than {MOST_BUCKETS} buckets of a {per} apart; ask for a longer per"))
    })?;
    let filter = reader.restrict(Filter { to: Some(to), ..filter })?;
    // A time in the future has no records yet, and an empty one never.
    let counts = desk.ask(desk.store.summary(&filter, per, by, MOST_NUMBERS)).await?;
    let mut records = 0;
    for count in counts {
        if let Ok(place) = buckets.binary_search_by_key(&count.start, |bucket| bucket.start) {
            records += count.records;
            buckets[place].total += count.calls;
            buckets[place].counts.insert(count.word, count.calls);
        }
    }
    let total = buckets.iter().map(|bucket| bucket.total).sum();
    Ok(Summary { from, to, per: per.as_str(), by: by.as_str(), total, records, buckets })
}

/// The buckets that begin before `to`, the first with `from` in it, if they are not too many.
fn empty(from: Timestamp, to: Timestamp, seconds: i64) -> Option<Vec<Bucket>> {
    let first = from.as_second() - from.as_second().rem_euclid(seconds);
    let starts = (0..=MOST_BUCKETS).map(|number| first.saturating_add(number * seconds));
    let starts = starts.map_while(|start| Timestamp::from_second(start).ok()).take_while(|start| *start < to);
    let buckets: Vec<Bucket> = starts.map(|start| Bucket { start, total: 0, counts: BTreeMap::new() }).collect();
    (buckets.len() <= MOST_BUCKETS as usize).then_some(buckets)
}
