//! Where the log is: behind an admin listener, or in a store that this process opens itself. Both answer alike, and both
//! write down who has asked.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::BytesMut;
use clap::Args;
use http::Response;
use http_body_util::{BodyExt, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::time::timeout;

use super::super::listener::Listener;
use super::super::out::plain;
use super::super::settings::{Settings, open_store};
use super::super::{Surroundings, client};
use crate::admin::{Cursors, Local};
use crate::store::{Store, Writer, WriterOptions};

/// How long an answer may take to begin, and its next part to come: the listener gives a question 5 s when it is its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Where to ask.
#[derive(Args, Debug)]
pub(super) struct Where {
    #[command(flatten)]
    listener: Listener,
    /// Read the store of this configuration instead
    #[arg(long, value_name = "FILE", conflicts_with_all = ["data_dir", "url", "token_file", "token"])]
    config: Option<PathBuf>,
    /// Read the store of a folder of quickstart instead
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["url", "token_file", "token"])]
    data_dir: Option<PathBuf>,
}

/// The log, ready to be asked.
pub(in crate::cli) enum Source {
    Admin { url: String, token: SecretString },
    Store { local: Local, store: Arc<dyn Store>, writer: Writer },
}

/// The lines of an answer, as they come.
pub(super) struct Lines {
    body: Body,
    rest: BytesMut,
    /// Bytes of the rest that have no end of a line in them.
    looked_at: usize,
}

impl Source {
    pub(super) async fn open(place: &Where, here: &Surroundings) -> miette::Result<Source> {
        if place.config.is_some() || place.data_dir.is_some() {
            let settings = Settings { config: place.config.clone(), data_dir: place.data_dir.clone() };
            let mut config = settings.load(here)?;
            let store = open_store(&config, &here.clock).await?;
            let writer = Writer::start(Arc::clone(&store), WriterOptions::default());
            let checkpoints = match config.audit.proof.take() {
                Some(proof) => {
                    Some(proof.checkpoints(&store, &here.clock).map_err(|error| miette::miette!("{error}"))?)
                }
                None => None,
            };
            let cursors = Cursors::new(&config.audit.digest_key);
            let local = Local::new(
                Arc::clone(&store),
                writer.clone(),
                cursors,
                &config.audit.origin,
                checkpoints,
                here.clock.clone(),
            );
            return Ok(Source::Store { local, store, writer });
        }
        let (url, token) = place.listener.resolve(", or --config, or --data-dir", here)?;
        Ok(Source::Admin { url, token })
    }

    /// A whole answer.
    pub(in crate::cli) async fn json(&self, path: &str) -> miette::Result<Value> {
        let body = Limited::new(self.get(path).await?, client::LARGEST_ANSWER).collect();
        let body = timeout(PATIENCE, body).await.map_err(|_| self.complaint(&late()))?;
        let bytes = body.map_err(|error| self.complaint(&client::reason(&*error)))?.to_bytes();
        serde_json::from_slice(&bytes).map_err(|_| self.complaint("this is not how an admin listener answers"))
    }

    /// An answer line by line.
    pub(super) async fn lines(&self, path: &str) -> miette::Result<Lines> {
        Ok(Lines { body: self.get(path).await?, rest: BytesMut::new(), looked_at: 0 })
    }

    async fn get(&self, path: &str) -> miette::Result<Body> {
        let answer = async {
            match self {
                Source::Store { local, .. } => Ok(local.get(path).await),
                Source::Admin { url, token } => {
                    let answer = client::open(&format!("{url}{path}"), Some(token.expose_secret())).await;
                    answer.map(|answer| answer.map(Body::new))
                }
            }
        };
        let answer: Result<Response<Body>, String> = timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err(late()));
        let (head, body) = answer.map_err(|why| self.complaint(&why))?.into_parts();
        if head.status.is_success() {
            return Ok(body);
        }
        let body = timeout(PATIENCE, Limited::new(body, client::LARGEST_ANSWER).collect()).await;
        let problem = body.ok().and_then(Result::ok).map(|body| body.to_bytes());
        let problem: Option<Value> = problem.and_then(|problem| serde_json::from_slice(&problem).ok());
        let detail = problem.as_ref().and_then(|problem| problem["detail"].as_str()).unwrap_or("it does not say why");
        Err(self.complaint(&match self {
            Source::Admin { .. } => format!("it answers {}: {detail}", head.status),
            Source::Store { .. } => detail.to_owned(),
        }))
    }

    /// Ends it, when it is durable who has asked what.
    pub(super) async fn close(self) -> miette::Result<()> {
        let Source::Store { store, writer, .. } = self else { return Ok(()) };
        let unwritten = writer.drain(PATIENCE).await;
        store.close().await;
        if unwritten > 0 {
            return Err(miette::miette!("what was asked could not be recorded; the log must be writable"));
        }
        Ok(())
    }

    fn complaint(&self, why: &str) -> miette::Report {
        match self {
            Source::Admin { url, .. } => miette::miette!("{}: {}", plain(url), plain(why)),
            Source::Store { .. } => miette::miette!("{}", plain(why)),
        }
    }
}

impl Lines {
    /// The next line without its end, or none when the answer has ended as it should.
    pub(super) async fn next(&mut self) -> Result<Option<BytesMut>, String> {
        loop {
            if let Some(end) = self.rest[self.looked_at..].iter().position(|byte| *byte == b'\n') {
                let mut line = self.rest.split_to(self.looked_at + end + 1);
                line.truncate(line.len() - 1);
                self.looked_at = 0;
                return Ok(Some(line));
            }
            self.looked_at = self.rest.len();
            match timeout(PATIENCE, self.body.frame()).await.map_err(|_| late())? {
                None if self.rest.is_empty() => return Ok(None),
                None => return Err("it was cut off in the middle of a line".to_owned()),
                Some(frame) => {
                    let frame = frame.map_err(|error| client::reason(&error))?;
                    self.rest.extend_from_slice(&frame.into_data().unwrap_or_default());
                }
            }
        }
    }
}

fn late() -> String {
    format!("no answer within {} s", PATIENCE.as_secs())
}
