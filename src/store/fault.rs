//! What a database's errors mean for the gateway.
//!
//! Texts of a driver or a server can hold values, statements and addresses, so none of them is passed on: a code, and
//! for the common ones a word of our own.

use std::future::Future;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::SqliteError;

use super::StoreError;

/// What a database's user lacks a privilege for.
const NOT_ALLOWED: &str = "the user may not do this";

/// Whether the database's user lacks a privilege.
pub(super) fn is_not_allowed(error: &StoreError) -> bool {
    // To somebody who may not look into it, a schema is not there.
    matches!(error, StoreError::Incompatible(why) if why.contains(NOT_ALLOWED) || why.contains("SQLSTATE 3F000"))
}

/// Bounds `work`.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(StoreError::Unavailable(format!("no answer within {} ms", limit.as_millis()))),
    }
}

/// What an error of the driver means.
pub(super) fn fault(error: sqlx::Error) -> StoreError {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) if error.try_downcast_ref::<SqliteError>().is_some() => sqlite(&code),
            Some(code) => postgres(&code),
            None => StoreError::Unavailable("the server answers with an error".to_owned()),
        },
        sqlx::Error::Io(error) => StoreError::Unavailable(error.kind().to_string()),
        sqlx::Error::Tls(_) => StoreError::Unavailable("no TLS connection".to_owned()),
        sqlx::Error::PoolTimedOut => StoreError::Unavailable("no connection in time".to_owned()),
        sqlx::Error::PoolClosed => StoreError::Unavailable("closed".to_owned()),
        sqlx::Error::Configuration(_) => StoreError::Incompatible("its address can't be used".to_owned()),
        sqlx::Error::Encode(_) | sqlx::Error::InvalidArgument(_) => {
            StoreError::Rejected("a value can't be sent".to_owned())
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::ColumnNotFound(_) => {
            StoreError::Incompatible("a value can't be read".to_owned())
        }
        sqlx::Error::Migrate(error) => migration(*error),
        _ => StoreError::Unavailable("the connection broke".to_owned()),
    }
}

/// What an error of the migrations means.
pub(super) fn migration(error: MigrateError) -> StoreError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => match fault(error) {
            StoreError::Rejected(code) => StoreError::Incompatible(format!("a migration fails, {code}")),
            other => other,
        },
        MigrateError::VersionMissing(version) => {
            StoreError::Incompatible(format!("its schema {version} is newer than this program"))
        }
        MigrateError::VersionMismatch(version) => {
            StoreError::Incompatible(format!("its schema {version} is not the one that this program knows"))
        }
        MigrateError::Dirty(version) => StoreError::Incompatible(format!("its migration {version} was left half-way")),
        _ => StoreError::Incompatible("its migrations can't be run".to_owned()),
    }
}

/// By class, <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
fn postgres(code: &str) -> StoreError {
    let known = match code {
        "28000" | "28P01" => "it refuses the user or the password",
        "3D000" => "there is no such database",
        "42501" => NOT_ALLOWED,
        "42P01" | "42703" => "its schema is not up to date, run the migrations",
        "53100" => "its disk is full",
        "53300" => "it has too many connections",
        "57014" => "a statement took too long",
        "25006" => "it is read-only",
        _ => "",
    };
    let text = if known.is_empty() { format!("SQLSTATE {code}") } else { format!("{known}, SQLSTATE {code}") };
    match code.get(..2) {
        // Data exceptions, integrity violations, limits of what a row or a statement may be.
        Some("22" | "23" | "54") => StoreError::Rejected(text),
        Some("42" | "0A" | "3F") => StoreError::Incompatible(text),
        _ => StoreError::Unavailable(text),
    }
}

/// By primary code, <https://www.sqlite.org/rescode.html>.
fn sqlite(code: &str) -> StoreError {
    let primary = code.parse::<u32>().unwrap_or_default() & 0xff;
    let text = match primary {
        1 => "its schema is not up to date, run the migrations",
        5 | 6 => "it is locked",
        8 => "it is read-only",
        10 => "input or output fails",
        11 | 26 => "the file is damaged or not a database",
        13 => "the disk is full",
        14 => "the file can't be opened",
        18..=20 => "a value is refused",
        _ => "an error",
    };
    let text = format!("{text}, SQLite code {code}");
    match primary {
        18..=20 => StoreError::Rejected(text),
        1 | 11 | 26 => StoreError::Incompatible(text),
        _ => StoreError::Unavailable(text),
    }
}
