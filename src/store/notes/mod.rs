//! A second place for signed notes: a table in another database, which whoever owns the first one can't write to. It is
//! asked for nothing else.

mod postgres;
mod sqlite;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use secrecy::SecretString;
use sqlx::{ColumnIndex, Decode, Encode, QueryBuilder, Row, Type};

use super::page::Words;
use super::{Address, StoreError, logs};
use postgres::PostgresNotes;
use sqlite::SqliteNotes;

/// A signed note, as the second place keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SignedNote {
    /// What it is of, the first line of its text: `{origin}/0/changes`, or `{origin}/all-logs`.
    pub log: String,
    /// How many entries it is about.
    pub size: u64,
    /// When it was signed.
    pub made_at: Timestamp,
    /// The note.
    pub note: String,
}

/// A table of signed notes, only ever added to.
#[async_trait]
pub trait Notes: fmt::Debug + Send + Sync + 'static {
    /// Makes the table, unless it is there. A user who may not make one finds it, or is told what to do.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Adds notes, all or none of them, in one statement: a few hundred at most. Those that are there already stay.
    async fn add(&self, notes: &[SignedNote]) -> Result<(), StoreError>;

    /// Notes of a log about the most entries, the largest first, at most `limit`.
    async fn newest(&self, log: &str, limit: u32) -> Result<Vec<SignedNote>, StoreError>;

    /// All notes in the order of log, size and time, behind one of them or from the first on, at most `limit`.
    async fn after(&self, last: Option<&SignedNote>, limit: u32) -> Result<Vec<SignedNote>, StoreError>;
}

/// The table in the database that `url` names. Nothing is connected yet; it must be called inside a Tokio runtime.
///
/// # Errors
/// The address is none.
pub fn open_notes(url: &SecretString) -> Result<Arc<dyn Notes>, StoreError> {
    Ok(match Address::read(url)? {
        Address::Postgres(url) => Arc::new(PostgresNotes::connect(&url)?),
        Address::Sqlite(path) => Arc::new(SqliteNotes::open(&path)),
    })
}

const COLUMNS: &str = "SELECT log, size, made_at, note FROM dts_checkpoints";

fn insert<DB: Words>(notes: &[SignedNote]) -> Result<QueryBuilder<DB>, StoreError>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut rows = Vec::new();
    for note in notes {
        rows.push((note, logs::whole(note.size)?));
    }
    let mut query = QueryBuilder::new("INSERT INTO dts_checkpoints (log, size, made_at, note) ");
    query.push_values(rows, |mut row, (note, size)| {
        row.push_bind(note.log.clone()).push_bind(size).push_bind(DB::time(note.made_at)).push_bind(note.note.clone());
    });
    query.push(" ON CONFLICT DO NOTHING");
    Ok(query)
}

fn newest<DB: Words>(log: &str, limit: u32) -> QueryBuilder<DB>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new(COLUMNS);
    query.push(" WHERE log = ").push_bind(log.to_owned());
    query.push(" ORDER BY size DESC, made_at DESC LIMIT ").push_bind(i64::from(limit));
    query
}

fn after<DB: Words>(last: Option<&SignedNote>, limit: u32) -> Result<QueryBuilder<DB>, StoreError>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new(COLUMNS);
    if let Some(last) = last {
        query.push(" WHERE (log, size, made_at) > (").push_bind(last.log.clone());
        query.push(", ").push_bind(logs::whole(last.size)?);
        query.push(", ").push_bind(DB::time(last.made_at)).push(")");
    }
    query.push(" ORDER BY log, size, made_at LIMIT ").push_bind(i64::from(limit));
    Ok(query)
}

fn note<R: Row>(row: &R) -> Result<SignedNote, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let unreadable = |_| StoreError::Incompatible("a signed note can't be read".to_owned());
    Ok(SignedNote {
        log: row.try_get(0).map_err(unreadable)?,
        size: row.try_get::<i64, _>(1).map_err(unreadable)?.unsigned_abs(),
        made_at: R::Database::timestamp(row.try_get(2).map_err(unreadable)?)?,
        note: row.try_get(3).map_err(unreadable)?,
    })
}
