//! `audit`: questions to the audit log, through the admin listener or straight to the store.

mod copy;
mod export;
mod filters;
mod key;
mod notes;
mod retain;
mod show;
mod source;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::Surroundings;
use filters::{Filters, Paging, query};
pub(super) use source::Source;
use source::Where;

/// Arguments of `audit`.
#[derive(Args, Debug)]
pub(super) struct Audit {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List records, newest first, a page at a time
    Query(Box<Query>),
    /// Write all records that fit to a file
    Export(Box<Export>),
    /// One record with all of its phases, and whether each is proven
    Show(Show),
    /// What was done to a task and what was refused, oldest first
    History(Box<History>),
    /// Count records in each minute, hour or day
    Summary(Box<Summary>),
    /// Write the log as it grows, every entry once
    Follow(Follow),
    /// Prove an export offline, or say what was done to it
    Verify(verify::Verify),
    /// Print the signed notes that the second place of checkpoints has, for `verify`
    Checkpoints(notes::Notes),
    /// Drop what was kept long enough, as `serve` does each day
    Retain(retain::Retain),
    /// Keep a part of the log beyond that
    Hold(retain::Holds),
    /// Make the key that signs checkpoints, or print its public half
    Key(key::Key),
}

/// Arguments of `audit query`.
#[derive(Args, Debug)]
struct Query {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit export`.
#[derive(Args, Debug)]
struct Export {
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    paging: Paging,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Where to [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Arguments of `audit show`.
#[derive(Args, Debug)]
struct Show {
    /// The record's id, which is the request id as well
    id: String,
    #[command(flatten)]
    place: Where,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit history`.
#[derive(Args, Debug)]
struct History {
    /// The task
    task: String,
    #[command(flatten)]
    place: Where,
    #[command(flatten)]
    filters: Filters,
    #[command(flatten)]
    paging: Paging,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit summary`.
#[derive(Args, Debug)]
struct Summary {
    #[command(flatten)]
    place: Where,
    /// minute, hour or day [default: hour]
    #[arg(long)]
    per: Option<String>,
    /// outcome, action or caller [default: outcome]
    #[arg(long)]
    by: Option<String>,
    /// One task's
    #[arg(long)]
    task_id: Option<String>,
    #[command(flatten)]
    filters: Filters,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit follow`.
#[derive(Args, Debug)]
struct Follow {
    #[command(flatten)]
    place: Where,
    /// Go on from here: the newest `position` of an earlier run, or `start`
    #[arg(long, default_value = "start", value_name = "POSITION")]
    since: String,
    /// End when there is nothing more
    #[arg(long)]
    once: bool,
}

/// What leads to few records.
#[derive(Args, Debug)]
struct One {
    #[arg(long)]
    id: Option<String>,
    #[arg(long)]
    task_id: Option<String>,
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Format {
    /// A JSON object on each line; the last one says how many there were
    #[default]
    Ndjson,
    /// For spreadsheets
    Csv,
    /// An array
    Json,
    /// The whole log with its tiles and checkpoints, for `audit verify`; takes no filters
    Proof,
}

impl Audit {
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<ExitCode> {
        match self.what {
            What::Query(asked) => {
                let pairs = asked.one.pairs().chain(asked.filters.pairs()).chain(asked.paging.pairs());
                let path = format!("/v1/audit/records?{}", query(pairs));
                show::records(&ask(&asked.place, &path, here).await?, asked.json, here);
            }
            What::Show(asked) => {
                let path = format!("/v1/audit/records/{}", utf8_percent_encode(&asked.id, NON_ALPHANUMERIC));
                show::record(&ask(&asked.place, &path, here).await?, asked.json, here);
            }
            What::History(asked) => {
                let task = utf8_percent_encode(&asked.task, NON_ALPHANUMERIC);
                let pairs = asked.filters.pairs().chain(asked.paging.pairs());
                let path = format!("/v1/audit/tasks/{task}?{}", query(pairs));
                show::records(&ask(&asked.place, &path, here).await?, asked.json, here);
            }
            What::Summary(asked) => {
                let own = [("per", &asked.per), ("by", &asked.by), ("task_id", &asked.task_id)];
                let path = format!("/v1/audit/summary?{}", query(filters::given(own).chain(asked.filters.pairs())));
                show::summary(&ask(&asked.place, &path, here).await?, asked.json, here);
            }
            What::Follow(asked) => {
                let wait = if asked.once { "false" } else { "true" };
                let path = format!(
                    "/v1/audit/follow?{}",
                    query([("since", asked.since.as_str()), ("wait", wait)].into_iter())
                );
                copied(&asked.place, &path, None, here).await?;
            }
            What::Verify(asked) => return Ok(asked.run(here)),
            What::Checkpoints(asked) => asked.run(here).await?,
            What::Retain(asked) => asked.run(here).await?,
            What::Hold(asked) => asked.run(here).await?,
            What::Key(asked) => asked.run(here)?,
            What::Export(asked) if asked.format == Format::Proof => {
                let mut pairs = asked.one.pairs().chain(asked.filters.pairs()).chain(asked.paging.pairs());
                if let Some((name, _)) = pairs.next() {
                    return Err(miette::miette!("a proof is of the whole log; leave out {name}"));
                }
                copied(&asked.place, "/v1/audit/proof", asked.output.as_deref(), here).await?;
            }
            What::Export(asked) => {
                let pairs = asked.one.pairs().chain(asked.filters.pairs()).chain(asked.paging.pairs());
                let path = format!("/v1/audit/records?{}", query(pairs.chain([("format", "ndjson")])));
                let source = Source::open(&asked.place, here).await?;
                let written = export::run(&source, &path, asked.format, asked.output.as_deref(), here).await;
                let closed = source.close().await;
                written.and(closed)?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl One {
    fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        filters::given([("id", &self.id), ("task_id", &self.task_id)])
    }
}

/// An answer as it comes.
async fn copied(place: &Where, path: &str, file: Option<&Path>, here: &Surroundings) -> miette::Result<()> {
    let source = Source::open(place, here).await?;
    let copied = copy::run(&source, path, file, here).await;
    let closed = source.close().await;
    copied.and(closed)
}

/// One answer, whole. It is recorded before it is shown.
async fn ask(place: &Where, path: &str, here: &Surroundings) -> miette::Result<Value> {
    let source = Source::open(place, here).await?;
    let answer = source.json(path).await;
    let closed = source.close().await;
    let answer = answer?;
    closed.map(|()| answer)
}
