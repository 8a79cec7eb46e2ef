//! Records as a stream: as many as there are, read page by page as fast as they are taken, one page in memory at a time.
//!
//! A stream that does not come to its end can be told from one that does: NDJSON ends with an `end` or an `error`, and
//! CSV, which has no place for either, is broken off like a connection that breaks.

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::stream::unfold;
use serde_json::{Value, json};

use super::act::Act;
use super::desk::Desk;
use super::format::Format;
use super::problem::Problem;
use super::sheet::{csv_head, csv_rows};
use crate::call::Refusal;
use crate::store::{Cursor, Filter, Page};

/// Records of a page: 5 MB at most, with parameters as long as a record keeps them (16 KiB).
const PAGE: u32 = 250;

/// Said to the listener when CSV has to be broken off.
#[derive(Debug, thiserror::Error)]
#[error("the audit log could not be read to the end")]
struct BrokenOff;

/// A stream under way.
struct Export {
    desk: Desk,
    act: Act,
    filter: Filter,
    format: Format,
    left: Option<u64>,
    given: u64,
    next: Next,
}

/// What comes next.
enum Next {
    /// A page that was read already.
    First(Page),
    /// The page behind this position.
    After(Cursor),
    /// Nothing; the last bytes are with the connection.
    End,
    /// It was said how it ended.
    Over,
}

/// Answers with a stream. Until it begins, what goes wrong is an answer of its own.
pub(super) async fn start(
    desk: Desk,
    act: Act,
    filter: Filter,
    limit: Option<u64>,
    format: Format,
) -> Result<Response, Problem> {
    let mut export = Export { desk, act, filter, format, left: limit, given: 0, next: Next::Over };
    let begun = async {
        export.act.intend().await?;
        let cursor = export.filter.cursor;
        export.read(cursor).await
    };
    match begun.await {
        Err(problem) => {
            let refused = Err(problem);
            export.act.ends(&refused);
            refused
        }
        Ok(page) => {
            export.next = Next::First(page);
            let chunks = unfold(export, async |mut export| Some((export.chunk().await?, export)));
            Ok(response(format, Body::from_stream(chunks)))
        }
    }
}

impl Export {
    async fn chunk(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        let (page, head) = match std::mem::replace(&mut self.next, Next::Over) {
            Next::First(page) => (Ok(page), self.head()),
            Next::After(last) => {
                // Gone in the middle of the page is gone too.
                self.next = Next::After(last);
                let page = self.read(Some(last)).await;
                self.next = Next::Over;
                (page, Vec::new())
            }
            Next::End => {
                self.act.ends(&Ok(()));
                return None;
            }
            Next::Over => return None,
        };
        let written = page.and_then(|page| self.write(page));
        match written {
            Ok(rows) => Some(Ok([head, rows].concat().into())),
            Err(problem) => {
                self.act.breaks(Some(&problem));
                let told =
                    json!({ "error": { "type": problem.slug(), "detail": problem.detail(), "records": self.given } });
                (self.format == Format::Ndjson).then(|| Ok(line(&told).into())).or(Some(Err(BrokenOff)))
            }
        }
    }

    /// The page behind a position.
    async fn read(&self, cursor: Option<Cursor>) -> Result<Page, Problem> {
        if self.desk.writer.stopped().now_or_never().is_some() {
            return Err(Problem::from(&Refusal::Draining));
        }
        let left = self.left.and_then(|left| u32::try_from(left).ok()).unwrap_or(u32::MAX);
        let filter = Filter { cursor, limit: left.min(PAGE), ..self.filter.clone() };
        self.desk.ask(self.desk.store.records(&filter)).await
    }

    fn head(&self) -> Vec<u8> {
        if self.format == Format::Csv { csv_head() } else { Vec::new() }
    }

    /// The bytes of a page, the end included if it is the last one.
    fn write(&mut self, page: Page) -> Result<Vec<u8>, Problem> {
        let records: Vec<Value> =
            page.records.iter().map(|record| serde_json::to_value(record).unwrap_or_default()).collect();
        let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
        self.given += count;
        self.act.asks("given", self.given);
        self.left = self.left.map(|left| left.saturating_sub(count));
        let mut bytes = match self.format {
            Format::Csv => csv_rows(&records),
            _ => records.iter().flat_map(line).collect(),
        };
        match page.next {
            Some(last) if self.left != Some(0) => self.next = Next::After(last),
            more => {
                self.next = Next::End;
                if self.format == Format::Ndjson {
                    bytes.extend(line(&self.end(more)));
                }
            }
        }
        Ok(bytes)
    }

    fn end(&self, more: Option<Cursor>) -> Value {
        match more {
            Some(last) => {
                let cursor = self.desk.cursors.seal(last, &self.filter);
                json!({ "end": { "records": self.given, "next_cursor": cursor } })
            }
            None => json!({ "end": { "records": self.given } }),
        }
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !matches!(self.next, Next::Over) {
            self.act.breaks(None);
        }
    }
}

pub(super) fn line(value: &Value) -> Vec<u8> {
    let mut bytes = value.to_string().into_bytes();
    bytes.push(b'\n');
    bytes
}

fn response(format: Format, body: Body) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    let attached = if format == Format::Csv { "audit-records.csv" } else { "audit-records.ndjson" };
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{attached}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    response
}
