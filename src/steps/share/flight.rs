//! One answer that several calls wait for: who stands in line for it, who asked for it, and how that ended.
//!
//! Until it is asked for, each caller has one call in the quota's queue for it, so that nobody's turn comes later than it
//! would alone; the first that has its turn asks, the others leave the queue. A call of a caller who has one in line
//! already just waits. Once the answer was asked for, that call's end is everybody's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::call::{Errand, Progress, Refusal, Reply};

/// One answer, asked for at most once.
#[derive(Debug)]
pub(super) struct Flight(watch::Sender<State>);

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    /// The call of each caller that stands in line.
    in_line: BTreeMap<String, Progress>,
    next: u64,
}

#[derive(Clone, Debug, Default)]
enum Stage {
    #[default]
    Waiting,
    Asked {
        by: u64,
        at: Instant,
    },
    Ended(Instant, End),
}

/// How it ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// The cloud answered, or it is known that it did not: everybody's answer.
    Everybody(Arc<Outcome>),
    /// The call that asked was refused for reasons of its own.
    Own(Box<Refusal>),
}

/// What everybody is told.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) answer: Result<Reply, Refusal>,
    /// The call that asked.
    pub(super) carrier: String,
}

/// What a call that waits has to do next.
pub(super) enum Next {
    /// Stand in line for its caller.
    StandInLine(Seat),
    /// It was asked for then, and ended so.
    Ended(Instant, End),
    /// Nothing came until the time was up.
    TimeIsUp,
}

/// A call's place. Dropped, it is free for another call of the caller.
#[derive(Debug)]
pub(super) struct Seat {
    flight: Arc<Flight>,
    number: u64,
    /// None for a call beside the one that stands in line.
    caller: Option<String>,
    is_over: bool,
}

/// The right to ask, which travels with the call.
struct Ticket {
    flight: Arc<Flight>,
    number: u64,
}

impl Flight {
    /// One that nobody stands in line for yet.
    pub(super) fn new() -> Arc<Flight> {
        Arc::new(Flight(watch::Sender::new(State::default())))
    }

    /// Whether it is not asked for yet: whoever waits for it gets an answer from after it came.
    pub(super) fn is_to_come(&self) -> bool {
        matches!(self.0.borrow().stage, Stage::Waiting)
    }

    /// Whether it can still answer anybody.
    pub(super) fn is_open(&self) -> bool {
        !matches!(self.0.borrow().stage, Stage::Ended(..))
    }

    /// Waits until there is something to do for a call of `caller`. Only an answer that was not asked for yet is given up at
    /// `until`: the time that a call may wait is for its turn.
    pub(super) async fn next(self: &Arc<Flight>, caller: &str, own: &Progress, until: Instant) -> Next {
        let mut states = self.0.subscribe();
        loop {
            // First of all: what changes from here on wakes.
            let is_to_come = match &states.borrow_and_update().stage {
                Stage::Ended(at, end) => return Next::Ended(*at, end.clone()),
                stage => matches!(stage, Stage::Waiting),
            };
            if let Some(seat) = self.stand_in_line(caller, own) {
                return Next::StandInLine(seat);
            }
            tokio::select! {
                // The sender lives in `self`.
                _ = states.changed() => {}
                () = tokio::time::sleep_until(until), if is_to_come => return Next::TimeIsUp,
            }
        }
    }

    /// A place beside the one in line, for a call that may not wait any longer.
    pub(super) fn beside(self: &Arc<Flight>) -> Seat {
        self.seat(None)
    }

    fn stand_in_line(self: &Arc<Flight>, caller: &str, own: &Progress) -> Option<Seat> {
        let mut is_free = false;
        self.0.send_if_modified(|state| {
            if !matches!(state.stage, Stage::Waiting) {
                return false;
            }
            match state.in_line.get(caller) {
                // From now on it is not only its caller's: it goes on when that one hangs up.
                Some(first) => first.commit(),
                None => {
                    state.in_line.insert(caller.to_owned(), own.clone());
                    is_free = true;
                }
            }
            false
        });
        is_free.then(|| self.seat(Some(caller.to_owned())))
    }

    fn seat(self: &Arc<Flight>, caller: Option<String>) -> Seat {
        let mut number = 0;
        self.0.send_if_modified(|state| {
            state.next += 1;
            number = state.next;
            false
        });
        Seat { flight: Arc::clone(self), number, caller, is_over: false }
    }
}

impl State {
    /// Whether another call than this one has asked.
    fn is_lost_to(&self, number: u64) -> bool {
        match self.stage {
            Stage::Waiting => false,
            Stage::Asked { by, .. } => by != number,
            Stage::Ended(..) => true,
        }
    }
}

impl Seat {
    /// What the call takes along.
    pub(super) fn ticket(&self) -> Arc<dyn Errand> {
        Arc::new(Ticket { flight: Arc::clone(&self.flight), number: self.number })
    }

    /// Returns when another call has asked.
    pub(super) async fn lost(&self) {
        let mut states = self.flight.0.subscribe();
        // The sender lives in the flight, so this ends only when it says so.
        let _lost = states.wait_for(|state| state.is_lost_to(self.number)).await;
    }

    /// Whether another call has asked.
    pub(super) fn is_lost(&self) -> bool {
        self.flight.0.borrow().is_lost_to(self.number)
    }

    /// When this call asked; nothing if it did not.
    pub(super) fn asked_at(&self) -> Option<Instant> {
        match self.flight.0.borrow().stage {
            Stage::Asked { by, at } if by == self.number => Some(at),
            _ => None,
        }
    }

    /// Tells everybody how it ended, if this call asked.
    pub(super) fn end(mut self, end: End) {
        self.finish(end);
    }

    /// Leaves the line and waits for the end of the call that asked.
    pub(super) async fn follow(self) -> (Instant, End) {
        let flight = Arc::clone(&self.flight);
        drop(self);
        let mut states = flight.0.subscribe();
        loop {
            if let Stage::Ended(at, end) = &states.borrow_and_update().stage {
                return (*at, end.clone());
            }
            let _changed = states.changed().await;
        }
    }

    fn finish(&mut self, end: End) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        self.flight.0.send_if_modified(|state| {
            match (&state.stage, &self.caller) {
                (Stage::Asked { by, at }, _) if *by == self.number => state.stage = Stage::Ended(*at, end),
                // Those of its caller who wait have to put up another one.
                (Stage::Waiting, Some(caller)) => drop(state.in_line.remove(caller)),
                _ => return false,
            }
            true
        });
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A call that asked and never said how that ended: it broke off.
        self.finish(End::Own(Box::new(Refusal::Internal)));
    }
}

impl Errand for Ticket {
    fn claim(&self) -> bool {
        self.flight.0.send_if_modified(|state| {
            let is_first = matches!(state.stage, Stage::Waiting);
            if is_first {
                state.stage = Stage::Asked { by: self.number, at: Instant::now() };
            }
            is_first
        })
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.number).finish()
    }
}
