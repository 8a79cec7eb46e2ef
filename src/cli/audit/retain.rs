//! `audit retain`: drops what was kept long enough, for those who do not let `serve` do it. `audit hold`: what keeps it.

use std::path::PathBuf;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::json;

use super::super::settings::{Settings, open_store};
use super::super::{Surroundings, act, table};
use crate::admin::COMMAND_LINE;
use crate::jobs::Retention;
use crate::store::{Hold, Store};

/// Arguments of `audit retain`.
#[derive(Args, Debug)]
pub(super) struct Retain {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Only say what would be dropped
    #[arg(long)]
    dry_run: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit hold`.
#[derive(Args, Debug)]
pub(super) struct Holds {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Keep the log from a time on, until the hold is released
    Add(Add),
    /// Let what a hold kept go when its time comes
    Release(Release),
    /// List holds
    List(Common),
}

#[derive(Args, Debug)]
struct Common {
    #[command(flatten)]
    settings: Settings,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct Add {
    /// What it is called
    name: String,
    /// From when on, RFC 3339; the month that it lies in and all later ones are kept
    #[arg(long)]
    from: Timestamp,
    /// Until when what is wanted reaches, RFC 3339; it is written down
    #[arg(long)]
    to: Timestamp,
    /// Why; it is written down
    #[arg(long, default_value = "")]
    reason: String,
    /// Whose records are wanted; it is written down, everybody's are kept
    #[arg(long)]
    caller: Option<String>,
    /// Which task's records are wanted; it is written down, all are kept
    #[arg(long)]
    task_id: Option<String>,
    #[command(flatten)]
    common: Common,
}

#[derive(Args, Debug)]
struct Release {
    /// What it is called
    name: String,
    #[command(flatten)]
    common: Common,
}

impl Retain {
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<()> {
        let settings = Settings { config: Some(self.config), data_dir: None };
        let mut config = settings.load(here)?;
        let store = open_store(&config, &here.clock).await?;
        let checkpoints = match config.audit.proof.take() {
            Some(proof) => Some(proof.checkpoints(&store, &here.clock).map_err(|error| miette::miette!("{error}"))?),
            None => None,
        };
        let retention = Retention {
            store: Arc::clone(&store),
            checkpoints,
            limits: config.audit.retain,
            who: COMMAND_LINE.to_owned(),
            clock: here.clock.clone(),
        };
        let done = match self.dry_run {
            true => retention.plan().await.map_err(|error| miette::miette!("{error}")),
            false => retention.run().await.map_err(|error| miette::miette!("{error}")),
        };
        store.close().await;
        let done = done?;
        if self.json {
            here.out.json(&json!({ "dropped": !self.dry_run, "classes": done }));
            return Ok(());
        }
        let verb = if self.dry_run { "would be dropped" } else { "were dropped" };
        for dropping in &done {
            let (entries, class, before) = (dropping.entries, dropping.class.as_str(), dropping.before);
            here.out.line(&format!("{entries} entries of {class} from before {before} {verb}"));
        }
        if done.is_empty() {
            here.out.line("nothing is old enough");
        }
        Ok(())
    }
}

impl Holds {
    pub(super) async fn run(self, here: &Surroundings) -> miette::Result<()> {
        let common = match &self.what {
            What::Add(add) => &add.common,
            What::Release(release) => &release.common,
            What::List(common) => common,
        };
        let (config, json) = (common.settings.load(here)?, common.json);
        let store = open_store(&config, &here.clock).await?;
        let done = self.what.run(&*store, here, json).await;
        store.close().await;
        done
    }
}

impl What {
    async fn run(self, store: &dyn Store, here: &Surroundings, json: bool) -> miette::Result<()> {
        let holds = store.log().holds().await.map_err(|error| miette::miette!("{error}"))?;
        let active = |name: &str| holds.iter().find(|hold| hold.name == name && !hold.released);
        let (who, at) = (COMMAND_LINE.to_owned(), here.clock.now());
        match self {
            What::Add(add) => {
                if active(&add.name).is_some() {
                    return Err(miette::miette!(
                        "there is a hold {} already; release it or take another name",
                        add.name
                    ));
                }
                if add.to <= add.from {
                    return Err(miette::miette!("--to must be later than --from"));
                }
                let wanted = [("caller", &add.caller), ("task", &add.task_id)];
                let mut reason = add.reason;
                for (what, value) in wanted.into_iter().filter_map(|(what, value)| Some((what, value.as_ref()?))) {
                    let separator = if reason.is_empty() { "" } else { "; " };
                    reason.push_str(&format!("{separator}{what} {value}"));
                }
                let hold = Hold { name: add.name, from: add.from, to: add.to, reason, who, at, released: false };
                note(store, here, "audit.hold-added", &hold).await?;
                tell(here, json, &hold, "is held");
            }
            What::Release(release) => {
                let Some(hold) = active(&release.name) else {
                    return Err(miette::miette!("there is no hold {}; see `audit hold list`", release.name));
                };
                let hold = Hold { who, at, released: true, ..hold.clone() };
                note(store, here, "audit.hold-released", &hold).await?;
                tell(here, json, &hold, "is released");
            }
            What::List(_) if json => here.out.json(&json!({ "holds": holds })),
            What::List(_) => {
                let row = |hold: &Hold| {
                    let state = if hold.released { "released" } else { "active" };
                    let time = |time: Timestamp| format!("{time:.0}");
                    vec![hold.name.clone(), state.to_owned(), time(hold.from), time(hold.to), hold.reason.clone()]
                };
                let rows: Vec<Vec<String>> = holds.iter().map(row).collect();
                for line in table::lines(&["NAME", "STATE", "FROM", "TO", "REASON"], &rows) {
                    here.out.line(&line);
                }
            }
        }
        Ok(())
    }
}

/// The record first: a hold that nobody can look up is worth less than a record of one that did not come about.
async fn note(store: &dyn Store, here: &Surroundings, action: &str, hold: &Hold) -> miette::Result<()> {
    let about = json!({ "name": hold.name, "from": hold.from, "to": hold.to, "reason": hold.reason });
    act::record(store, &here.clock, action, "", &about).await.map_err(|error| miette::miette!("{error}"))?;
    store.log().note_hold(hold).await.map_err(|error| miette::miette!("{error}"))
}

fn tell(here: &Surroundings, json: bool, hold: &Hold, what: &str) {
    match json {
        true => here.out.json(hold),
        false => here.out.line(&format!("{} {what}", hold.name)),
    }
}
