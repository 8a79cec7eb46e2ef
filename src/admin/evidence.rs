//! `/v1/audit/proof`: everything, so that it can be verified elsewhere; `/v1/audit/follow`: the log as it grows. Both are
//! for auditors, and streams of JSON lines.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::unfold;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::act::Act;
use super::desk::Desk;
use super::format::Format;
use super::problem::Problem;
use super::reader::Reader;
use super::{AUDITOR, stream};
use crate::evidence::{Export, Follow, News, Position};
use crate::store::LogName;

/// How often it is looked whether something has come.
const LOOK: Duration = Duration::from_millis(500);

/// After how long without news the position is told again, so that nobody takes the connection for dead.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The stream broke; whoever reads it sees that the last line is missing.
#[derive(Debug, thiserror::Error)]
#[error("the audit log could not be read to the end")]
struct BrokenOff;

/// Everything.
pub(super) async fn proof(State(desk): State<Desk>, reader: Reader) -> Result<Response, Problem> {
    let mut act = begin(&desk, &reader, "audit.export")?;
    act.asks("format", "proof");
    act.intend().await?;
    if let Some(checkpoints) = &desk.checkpoints {
        // So that a checkpoint covers all of it. What can't be signed is exported all the same: then it is needed most.
        if let Err(error) = checkpoints.publish().await {
            tracing::error!(error = %error, "the audit log could not be signed before it was exported");
        }
    }
    let export = desk.ask(Export::begin(desk.store.clone(), &desk.origin, &desk.clock)).await;
    if let Err(problem) = &export {
        act.ends::<()>(&Err(problem.clone()));
    }
    let state = Exporting { desk, act, export: export?, is_over: false };
    Ok(lines(unfold(state, async |mut state| Some((state.chunk().await?, state)))))
}

/// What has come since a position, and then what comes.
pub(super) async fn follow(
    State(desk): State<Desk>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut act = begin(&desk, &reader, "audit.follow")?;
    let asked = asked(&query.unwrap_or_default());
    let (since, waits) = match asked {
        Ok(asked) => asked,
        Err(problem) => {
            act.ends::<()>(&Err(problem.clone()));
            return Err(problem);
        }
    };
    act.asks("since", since.to_string());
    act.intend().await?;
    let follow = Follow::new(desk.store.clone(), since);
    let until = reader.expires_at;
    let state = Following { desk, act, follow, waits, until, told: Instant::now(), is_over: false };
    Ok(lines(unfold(state, async |mut state| Some((state.chunk().await?, state)))))
}

struct Exporting {
    desk: Desk,
    act: Act,
    export: Export,
    is_over: bool,
}

impl Exporting {
    async fn chunk(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        if self.is_over {
            return None;
        }
        let next = self.desk.ask(self.export.next()).await;
        let (given, _) = self.export.progress();
        self.act.asks("given", given);
        match next {
            Ok(Some(lines)) => Some(Ok(lines.into())),
            Ok(None) => {
                self.is_over = true;
                self.act.ends(&Ok(()));
                None
            }
            Err(problem) => {
                self.is_over = true;
                self.act.breaks(Some(&problem));
                let told = json!({ "type": problem.slug(), "detail": problem.detail(), "entries": given });
                Some(Ok(stream::line(&json!({ "error": told })).into()))
            }
        }
    }
}

impl Drop for Exporting {
    fn drop(&mut self) {
        if !self.is_over {
            self.act.breaks(None);
        }
    }
}

struct Following {
    desk: Desk,
    act: Act,
    follow: Follow,
    waits: bool,
    /// When the reader's token ends: what happens later is not told by it.
    until: Option<Timestamp>,
    told: Instant,
    is_over: bool,
}

impl Following {
    async fn chunk(&mut self) -> Option<Result<Bytes, BrokenOff>> {
        loop {
            if self.is_over {
                return None;
            }
            if self.until.is_some_and(|until| self.desk.clock.now() >= until) {
                return Some(Ok(self.end()));
            }
            let found = match self.desk.ask(self.follow.next()).await {
                Ok(found) => found,
                Err(problem) => {
                    self.is_over = true;
                    self.act.breaks(Some(&problem));
                    return Some(Err(BrokenOff));
                }
            };
            let position = self.follow.position().to_string();
            self.act.asks("until", position.as_str());
            if found.is_empty() && (!self.waits || self.desk.stopping.is_cancelled()) {
                return Some(Ok(self.end()));
            }
            if !found.is_empty() || self.told.elapsed() >= SIGN_OF_LIFE {
                self.told = Instant::now();
                let mut bytes: Vec<u8> = found.iter().flat_map(|found| stream::line(&shown(found))).collect();
                bytes.extend(stream::line(&json!({ "position": position })));
                return Some(Ok(bytes.into()));
            }
            tokio::select! {
                () = sleep(LOOK) => {}
                () = self.desk.stopping.cancelled() => {}
            }
        }
    }
}

impl Following {
    /// The last line, which says from where to go on.
    fn end(&mut self) -> Bytes {
        self.is_over = true;
        self.act.ends(&Ok(()));
        stream::line(&json!({ "end": { "position": self.follow.position().to_string() } })).into()
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        if !self.is_over {
            // Nobody follows for ever: leaving is how it ends.
            self.act.ends(&Ok(()));
        }
    }
}

fn begin(desk: &Desk, reader: &Reader, action: &str) -> Result<Act, Problem> {
    let act = Act::begin(desk, reader, action)?;
    if reader.roles.iter().any(|role| role == AUDITOR) {
        return Ok(act);
    }
    let problem = Problem::forbidden(format!("this shows everybody's records and needs the role {AUDITOR}"));
    act.ends::<()>(&Err(problem.clone()));
    Err(problem)
}

fn asked(query: &str) -> Result<(Position, bool), Problem> {
    let (mut since, mut waits) = (Position::default(), true);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        match (&*name, &*value) {
            ("since", text) => {
                since = text.parse().map_err(|bad| Problem::bad_query("parameter-type", format!("since: {bad}")))?;
            }
            ("wait", "true") => waits = true,
            ("wait", "false") => waits = false,
            ("wait", _) => return Err(Problem::bad_query("parameter-type", "wait must be true or false")),
            _ => return Err(Problem::bad_query("parameter-unknown", "there are since and wait, and no others")),
        }
    }
    Ok((since, waits))
}

fn shown((log, news): &(LogName, News)) -> Value {
    match news {
        News::Entry(entry) => json!({ "log": log.to_string(), "entry": entry }),
        News::Gap { from, to } => json!({ "gap": { "log": log.to_string(), "from": from, "to": to } }),
    }
}

fn lines(chunks: impl futures_util::Stream<Item = Result<Bytes, BrokenOff>> + Send + 'static) -> Response {
    let mut response = Body::from_stream(chunks).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(Format::Ndjson.media_type()));
    response
}
