//! The quota of several replicas: Redis keeps the books, by one script that knows the same rules as the book in memory.
//!
//! What one action's calls are counted in is a group. For each group a replica has one pump, which puts together what its
//! calls ask for and hands out what they are granted: whatever came while the last exchange was under way is the next one.
//! Without Redis each replica uses its own book, with its part of the quota; see `coordinate` for when.

mod look;
mod order;
mod pump;
mod script;
mod slot;
mod wire;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Asker, BucketKey, BucketSpec, Quota, TooLong, Turn, part_of};
use crate::coordinate::{Link, Mode, Session};
use order::{Ask, Note, Order};
use pump::Pump;
pub(super) use slot::Slot;
use wire::Message;

/// The quota that replicas share.
pub(super) struct Replicas {
    link: Link,
    pumps: Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Order>>>>,
    /// What this replica grants by itself.
    alone: Quota,
    next: AtomicU64,
}

/// What came of asking.
pub(super) enum Answer {
    /// The turn.
    Granted(Slot),
    /// It would take so long, because of that window of those asked for.
    Refused { window: usize, wait: Duration },
    /// It is in the queue; this will say how that ended.
    Waits(oneshot::Receiver<Answer>),
    /// Redis did not answer.
    Lost,
}

/// A call that waits. Dropped, it leaves.
struct Waiting<'a> {
    pump: &'a mpsc::UnboundedSender<Order>,
    number: u64,
    is_over: bool,
}

impl Replicas {
    /// Shares over `link`; `messages` are those to this replica. Must be called inside a Tokio runtime.
    pub(super) fn new(link: Link, mut messages: mpsc::UnboundedReceiver<String>) -> Replicas {
        let pumps: Arc<Mutex<HashMap<String, mpsc::UnboundedSender<Order>>>> = Arc::default();
        let known = Arc::clone(&pumps);
        tokio::spawn(async move {
            while let Some(text) = messages.recv().await {
                let Some(Message { group, given, due }) = Message::read(&text) else { continue };
                let known = known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(pump) = known.get(&group) {
                    let _ended = pump.send(Order::Note(Note { given, due }));
                }
            }
        });
        Replicas { link, pumps, alone: Quota::new(), next: AtomicU64::new(1) }
    }

    /// As [`Quota::acquire`].
    pub(super) async fn acquire(
        &self,
        wanted: &[BucketSpec],
        asker: &Asker<'_>,
        max_wait: Duration,
    ) -> Result<Turn, TooLong> {
        let asked = Instant::now();
        let deadline = asked + max_wait;
        let mut modes = self.link_of(wanted).modes();
        loop {
            let mode = modes.borrow_and_update().clone();
            let left = deadline.saturating_duration_since(Instant::now());
            match mode {
                Mode::Joined { session, here, of } if !session.is_over() => {
                    let wanted = part_of(wanted, here, of);
                    match self.ask(&session, &wanted, asker, deadline).await {
                        Answer::Granted(slot) => return Ok(Turn::shared(slot, asked.elapsed())),
                        Answer::Refused { window, wait } => return Err(too_long(&wanted, window, wait)),
                        Answer::Waits(_) | Answer::Lost => {}
                    }
                }
                Mode::Alone { replicas } => {
                    let wanted = part_of(wanted, 1, replicas);
                    tokio::select! {
                        turn = self.alone.acquire(&wanted, asker, left) => {
                            return turn.map(|turn| turn.waited_since(asked));
                        }
                        _ = modes.changed() => continue,
                    }
                }
                Mode::Joined { .. } | Mode::Quiet { .. } => {
                    let until = if let Mode::Quiet { until } = mode { until } else { Instant::now() };
                    if until > deadline {
                        return Err(too_long(wanted, 0, until.saturating_duration_since(Instant::now())));
                    }
                    if timeout_at(deadline, modes.changed()).await.is_err() {
                        return Err(too_long(wanted, 0, Duration::ZERO));
                    }
                }
            }
        }
    }

    /// As [`Quota::estimate`]. Nothing while nobody can tell.
    pub(super) async fn estimate(&self, wanted: &[BucketSpec], asker: &Asker<'_>) -> Duration {
        match self.link_of(wanted).mode() {
            Mode::Joined { session, here, of } => {
                let wanted = part_of(wanted, here, of);
                let (answer, estimate) = oneshot::channel();
                let ask = Ask::new(self.number(), &wanted, asker, None, answer);
                let _ended = self.pump(&wanted).send(Order::Ask(session, ask));
                match estimate.await {
                    Ok(Answer::Refused { wait, .. }) => wait,
                    _ => Duration::ZERO,
                }
            }
            Mode::Quiet { until } => until.saturating_duration_since(Instant::now()),
            Mode::Alone { replicas } => self.alone.in_book(&part_of(wanted, 1, replicas), asker),
        }
    }

    async fn ask(&self, session: &Session, wanted: &[BucketSpec], asker: &Asker<'_>, deadline: Instant) -> Answer {
        let pump = self.pump(wanted);
        let (answer, told) = oneshot::channel();
        let number = self.number();
        let mut waiting = Waiting { pump: &pump, number, is_over: false };
        let ask = Ask::new(number, wanted, asker, Some(deadline), answer);
        let _ended = pump.send(Order::Ask(session.clone(), ask));
        // However short it may wait: whether there is a turn at once only Redis can say, within a bounded time.
        let first = told.await.unwrap_or(Answer::Lost);
        let Answer::Waits(mut told) = first else {
            waiting.is_over = true;
            return first;
        };
        match timeout_at(deadline, &mut told).await {
            Ok(answer) => {
                waiting.is_over = true;
                answer.unwrap_or(Answer::Lost)
            }
            Err(_) => {
                // What was granted at the last moment is taken; what was not is left.
                told.close();
                let spacing = wanted.iter().map(|spec| spec.window / spec.per.max(1)).max().unwrap_or_default();
                told.try_recv().unwrap_or(Answer::Refused { window: 0, wait: spacing })
            }
        }
    }

    /// How this replica stands in quotas of these windows.
    fn link_of(&self, wanted: &[BucketSpec]) -> Link {
        self.link.of_window(wanted.iter().map(|spec| spec.window).max().unwrap_or_default())
    }

    fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The pump of a group, started when it is first needed. Groups are named by tables and configuration: there are
    /// never more than actions times identities.
    fn pump(&self, wanted: &[BucketSpec]) -> mpsc::UnboundedSender<Order> {
        let link = self.link_of(wanted);
        let key = link.key("quota", &group(wanted));
        let mut pumps = self.pumps.lock().unwrap_or_else(PoisonError::into_inner);
        let start = || Pump::start(key.clone(), link);
        pumps.entry(key.clone()).or_insert_with(start).clone()
    }
}

/// What a call's buckets are counted in together: those of one name and identity.
fn group(wanted: &[BucketSpec]) -> String {
    let name = wanted.first().map_or("", |spec| &spec.key.name);
    let identity = wanted.iter().map(|spec| &*spec.key.identity).min().unwrap_or("");
    format!("{identity}:{name}")
}

/// The name of a bucket inside its group.
fn window_id(key: &BucketKey) -> String {
    format!("{}\t{}", key.identity, key.host)
}

fn too_long(wanted: &[BucketSpec], window: usize, wait: Duration) -> TooLong {
    let spec = wanted.get(window).or(wanted.first());
    TooLong {
        key: spec.map(|spec| spec.key.clone()).unwrap_or_default(),
        retry_after: wait,
        per: spec.map_or(0, |spec| spec.per),
        window: spec.map_or(Duration::ZERO, |spec| spec.window),
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            let _ended = self.pump.send(Order::Leave(self.number));
        }
    }
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Replicas").field(&self.link).finish()
    }
}
