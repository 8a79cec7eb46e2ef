//! One group's talk with Redis.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use redis::Script;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::super::BucketSpec;
use super::order::{Ask, Order};
use super::script::BROKER;
use super::slot::Slot;
use super::wire::{Asked, Reply, Request, micros};
use super::{Answer, window_id};
use crate::coordinate::{Link, Mode, Session};

/// How often Redis hears of a replica that has slots or calls that wait; it takes one for dead after three seconds.
const REPORT_EVERY: Duration = Duration::from_secs(1);

/// How long after its last answer was asked for a replica trusts what it was granted: a replica that stood still for longer
/// may have been given up by Redis after three seconds, and its turns are somebody else's.
const TRUSTED_FOR: Duration = Duration::from_millis(2_500);

/// How long Redis keeps a group that is not used, less some time for the way.
const KEPT_FOR: Duration = Duration::from_secs(100);

/// When to look again while the next turn depends on calls under way; whoever ends one tells us, mostly.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Orders in one exchange: what a script of well under a millisecond can do.
const MOST: usize = 256;

/// Under which name Redis keeps those of the groups. A group's own has a colon in it.
pub(super) const LISTED: &str = "groups";

static LIST: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('SADD', KEYS[1], ARGV[1])"));

/// The pump.
pub(super) struct Pump {
    group: String,
    link: Link,
    session: Option<Session>,
    orders: mpsc::UnboundedReceiver<Order>,
    to_itself: mpsc::WeakUnboundedSender<Order>,
    /// Calls whose question is in the next exchange or under way.
    asked: HashMap<u64, Ask>,
    /// Calls that wait, by flow, in the order of arrival.
    flows: HashMap<String, VecDeque<Ask>>,
    next: Request,
    /// Slots that are not ended.
    held: usize,
    due: Option<Instant>,
    exchanged: Instant,
    /// The last answer in this session: when it was asked for, and what Redis called that time.
    heard: Option<(Instant, u64)>,
    /// The session in which the group was listed.
    listed: Option<Arc<str>>,
}

impl Pump {
    /// Starts one; it ends when nobody can tell it anything any more.
    pub(super) fn start(group: String, link: Link) -> mpsc::UnboundedSender<Order> {
        let (sender, orders) = mpsc::unbounded_channel();
        let pump = Pump {
            group,
            link,
            session: None,
            orders,
            to_itself: sender.downgrade(),
            asked: HashMap::new(),
            flows: HashMap::new(),
            next: Request::default(),
            held: 0,
            due: None,
            exchanged: Instant::now(),
            heard: None,
            listed: None,
        };
        tokio::spawn(pump.run());
        sender
    }

    async fn run(mut self) {
        let mut modes = self.link.modes();
        loop {
            let look = self.look_at();
            let far = Instant::now() + REPORT_EVERY * 60;
            let order = tokio::select! {
                order = self.orders.recv() => match order {
                    Some(order) => Some(order),
                    None => return,
                },
                () = sleep_until(look.unwrap_or(far)), if look.is_some() => None,
                _ = modes.changed() => None,
            };
            if !self.flows.is_empty() && self.heard.is_none_or(|(asked, _)| asked.elapsed() > TRUSTED_FOR) {
                self.give_up();
            }
            if let Some(order) = order {
                self.take(order);
            }
            while self.next.asks.len() < MOST
                && let Ok(order) = self.orders.try_recv()
            {
                self.take(order);
            }
            self.follow(&modes.borrow().clone());
            let is_due = self.look_at().is_some_and(|at| at <= Instant::now());
            if !self.next.asks.is_empty() || is_due {
                self.exchange().await;
            }
        }
    }

    /// When to look again if nothing comes: at the next turn, and often enough not to be taken for dead.
    fn look_at(&self) -> Option<Instant> {
        if self.session.is_none() || (self.held == 0 && self.flows.is_empty()) {
            return None;
        }
        let report = self.exchanged + REPORT_EVERY;
        if self.flows.is_empty() {
            return Some(report);
        }
        Some(self.due.unwrap_or(self.exchanged + LOOK_AGAIN).min(report))
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Ask(session, ask) => {
                if session.is_over() {
                    tell(ask, Answer::Lost);
                    return;
                }
                if self.session.as_ref().is_none_or(|own| own.id() != session.id()) {
                    self.lose();
                    self.session = Some(session);
                }
                self.ask(ask);
            }
            Order::Leave(number) => self.leave(number),
            Order::Ended { slot, session, spent, throttled } => {
                if self.session.as_ref().is_some_and(|own| *own.id() == session) {
                    self.held = self.held.saturating_sub(1);
                    if throttled {
                        self.next.asks.push(Asked::Throttled { slot });
                    }
                    let ago = spent.map(|at| micros(at.elapsed()));
                    self.next.asks.push(ago.map_or(Asked::Unsent { slot }, |ago| Asked::Answered { slot, ago }));
                }
            }
            Order::Note(note) => {
                for (flow, slot) in note.given {
                    self.give(&flow, slot);
                }
                if let Some(due) = note.due {
                    let due = Instant::now() + Duration::from_micros(due);
                    self.due = Some(self.due.map_or(due, |before| before.min(due)));
                }
            }
        }
    }

    fn ask(&mut self, ask: Ask) {
        let lane = ask.wanted.iter().map(|spec| self.next.window(spec)).collect();
        let (number, class, who, weight) = (ask.number, ask.class, ask.who.clone(), ask.weight);
        self.next.asks.push(match ask.deadline {
            Some(deadline) => {
                let most = micros(deadline.saturating_duration_since(Instant::now()));
                Asked::Ask { number, flow: ask.flow.clone(), lane, class, who, weight, most }
            }
            None => Asked::Estimate { number, lane, class, who, weight },
        });
        self.asked.insert(number, ask);
    }

    fn leave(&mut self, number: u64) {
        let waits = self.flows.iter().find_map(|(flow, calls)| {
            calls.iter().position(|call| call.number == number).map(|place| (flow.clone(), place))
        });
        if let Some((flow, place)) = waits {
            if let Some(calls) = self.flows.get_mut(&flow) {
                calls.remove(place);
                if calls.is_empty() {
                    self.flows.remove(&flow);
                }
            }
            self.next.asks.push(Asked::Leave { flow });
        }
    }

    /// Another session, or none: what the old one knew is worth nothing.
    fn follow(&mut self, mode: &Mode) {
        let current = match mode {
            Mode::Joined { session, .. } if !session.is_over() => Some(session.id()),
            _ => None,
        };
        if self.session.as_ref().map(Session::id) != current {
            self.lose();
        }
    }

    /// This process stood still: what it was told meanwhile may be true no more.
    fn give_up(&mut self) {
        if let Some(session) = &self.session {
            session.fail();
        }
        self.lose();
    }

    fn lose(&mut self) {
        self.session = None;
        self.heard = None;
        self.held = 0;
        self.due = None;
        self.next = Request::default();
        let waiting = std::mem::take(&mut self.flows).into_values().flatten();
        for ask in waiting.chain(std::mem::take(&mut self.asked).into_values()) {
            tell(ask, Answer::Lost);
        }
    }

    async fn exchange(&mut self) {
        let Some(session) = self.session.clone() else { return };
        let mut request = std::mem::take(&mut self.next);
        self.exchanged = Instant::now();
        if let Some((asked, at)) = self.heard
            && asked.elapsed() < KEPT_FOR
        {
            (request.at, request.since) = (Some(at), Some(micros(asked.elapsed())));
        }
        // A request is made of names and numbers: it is always JSON.
        let Ok(text) = serde_json::to_string(&request) else { return };
        let arguments = [&**session.id(), &self.link.channels(), &text];
        match session.run::<Reply>(&BROKER, &self.group, &arguments).await {
            // However late it comes it is an answer, to a process that stood still.
            Ok(_) if self.exchanged.elapsed() > TRUSTED_FOR => return self.give_up(),
            Ok(reply) => self.read(reply),
            Err(_) => return self.lose(),
        }
        if self.listed.as_ref() != Some(session.id()) {
            self.list(&session).await;
        }
    }

    /// Puts the group on the list of those that were ever used, for whoever wants to see them all.
    async fn list(&mut self, session: &Session) {
        if session.run::<i64>(&LIST, &self.link.key("quota", LISTED), &[&self.group]).await.is_ok() {
            self.listed = Some(Arc::clone(session.id()));
        }
    }

    fn read(&mut self, reply: Reply) {
        self.heard = Some((self.exchanged, reply.at));
        if reply.is_lost {
            tracing::warn!(group = self.group, "Redis has lost this quota's book: nobody has a turn for one window");
            self.held = 0;
            for ask in std::mem::take(&mut self.flows).into_values().flatten() {
                tell(ask, Answer::Lost);
            }
        }
        self.due = reply.due.map(|due| Instant::now() + due);
        for (number, slot) in reply.granted {
            if let Some(ask) = self.asked.remove(&number) {
                self.grant(ask, slot);
            }
        }
        for (number, window, wait) in reply.refused {
            if let Some(ask) = self.asked.remove(&number) {
                let window = ask.wanted.iter().position(|spec| window_id(&spec.key) == window).unwrap_or(0);
                tell(ask, Answer::Refused { window, wait: Duration::from_micros(wait) });
            }
        }
        // Who was neither granted nor refused waits now.
        let mut waiting: Vec<Ask> = std::mem::take(&mut self.asked).into_values().collect();
        waiting.sort_unstable_by_key(|ask| ask.number);
        for ask in waiting {
            let (answer, told) = oneshot::channel();
            match ask.answer.send(Answer::Waits(told)) {
                Ok(()) => self.flows.entry(ask.flow.clone()).or_default().push_back(Ask { answer, ..ask }),
                Err(_gone) => self.next.asks.push(Asked::Leave { flow: ask.flow }),
            }
        }
        for (flow, slot) in reply.given {
            self.give(&flow, slot);
        }
    }

    /// A slot for the first of a flow; if all have gone, for nobody.
    fn give(&mut self, flow: &str, slot: i64) {
        let first = self.flows.get_mut(flow).and_then(VecDeque::pop_front);
        if self.flows.get(flow).is_some_and(VecDeque::is_empty) {
            self.flows.remove(flow);
        }
        match first {
            Some(ask) => self.grant(ask, slot),
            None => self.next.asks.push(Asked::Unsent { slot }),
        }
    }

    fn grant(&mut self, ask: Ask, number: i64) {
        let (Some(session), Some(pump)) = (&self.session, self.to_itself.upgrade()) else { return };
        self.held += 1;
        // Whoever has hung up drops it, and so hands it back.
        tell(ask, Answer::Granted(Slot::new(number, Arc::clone(session.id()), pump)));
    }
}

impl Request {
    /// The index of a window, which is added if it is not there.
    fn window(&mut self, spec: &BucketSpec) -> usize {
        let id = window_id(&spec.key);
        if let Some(place) = self.windows.iter().position(|(known, ..)| *known == id) {
            return place;
        }
        self.windows.push((id, spec.per, micros(spec.window), spec.reserve));
        self.windows.len() - 1
    }
}

/// Whoever does not listen any more has left.
fn tell(ask: Ask, answer: Answer) {
    let _gone = ask.answer.send(answer);
}
