//! How many calls there were, counted by the database: the text of the question, written once for both.

use sqlx::{ColumnIndex, Decode, Encode, QueryBuilder, Row, Type};
use uuid::Uuid;

use super::page::Words;
use super::{By, Count, Filter, Per, StoreError, clean, conditions};

/// What is said of a question that the database gave up.
pub(super) const TOO_SLOW: StoreError = StoreError::TooBroad(
    "it takes more than 5 s to read for; narrow it by from and to, or by a caller, an action, a reason or a task",
);

/// What is said of an answer that is too long.
const TOO_LONG: StoreError = StoreError::TooBroad(
    "its answer has too many numbers; ask for longer buckets or a shorter time, or narrow it by a filter",
);

/// The question for at most `most` numbers and one more.
pub(super) fn question<DB: Words>(filter: &Filter, per: Per, by: By, most: u32) -> QueryBuilder<DB>
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let filter = clean::filter(filter);
    let mut query =
        QueryBuilder::new("SELECT start, word, CAST(sum(number) AS bigint), CAST(sum(lines) AS bigint) FROM (");
    heads(&mut query, per, by);
    conditions::ended(&mut query, &filter);
    query.push(" GROUP BY 1, 2 UNION ALL ");
    heads(&mut query, per, by);
    conditions::open(&mut query, &filter);
    query.push(" GROUP BY 1, 2) AS counted GROUP BY start, word ORDER BY start, word LIMIT ");
    query.push_bind(i64::from(most) + 1);
    query
}

/// The numbers out of the answer to [`question`].
pub(super) fn counts<R: Row>(rows: &[R], most: u32) -> Result<Vec<Count>, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    if rows.len() > most as usize {
        return Err(TOO_LONG);
    }
    let unreadable = |_: sqlx::Error| StoreError::Incompatible("a number can't be read".to_owned());
    let count = |row: &R| {
        Ok(Count {
            start: R::Database::timestamp(row.try_get(0).map_err(unreadable)?)?,
            word: row.try_get(1).map_err(unreadable)?,
            calls: row.try_get::<i64, _>(2).map_err(unreadable)?.unsigned_abs(),
            records: row.try_get::<i64, _>(3).map_err(unreadable)?.unsigned_abs(),
        })
    };
    rows.iter().map(count).collect()
}

fn heads<DB: Words>(query: &mut QueryBuilder<DB>, per: Per, by: By) {
    query.push("SELECT ").push(DB::bucket(per)).push(" AS start, r.").push(by.as_str());
    query.push(" AS word, sum(r.calls) AS number, count(*) AS lines");
}
