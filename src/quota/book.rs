//! All buckets and lanes, under one lock: what is asked for, granted, ended and left.
//!
//! Nothing runs by itself. Whoever changes something sees to it that those whose turn has come are granted it, and
//! that the first call of each lane wakes when its own will come.

mod serve;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::queue::{Bell, Lane, Waiter};
use super::shares::{Shares, ahead_of, cost};
use super::view::{BucketView, most, whole};
use super::window::Window;
use super::{Asker, BucketKey, BucketSpec, Class, TooLong};

/// Buckets in memory before the first search for idle ones.
const FIRST_SWEEP: usize = 256;

/// The state of every bucket that is in use.
#[derive(Debug, Default)]
pub(super) struct Book {
    places: HashMap<BucketKey, usize>,
    buckets: Vec<Bucket>,
    free_buckets: Vec<usize>,
    sweep_at: usize,
    lanes: Vec<Lane>,
    free_lanes: Vec<usize>,
    next_number: u64,
}

#[derive(Debug)]
struct Bucket {
    key: BucketKey,
    window: Window,
    shares: Shares,
    waiting: usize,
    /// The lanes with calls that wait for it.
    lanes: Vec<usize>,
}

/// What comes of asking.
pub(super) enum Answer {
    /// Slots in these buckets.
    Granted(Vec<usize>),
    /// A place, and when to look again.
    Queued(Ticket, Option<Instant>),
}

/// Where a waiting call stands.
pub(super) struct Ticket {
    pub(super) buckets: Vec<usize>,
    pub(super) bell: Arc<Bell>,
    lane: usize,
    class: Class,
    who: Arc<str>,
    number: u64,
}

impl Book {
    /// A turn now, a place in the queue, or the time that it would take.
    pub(super) fn ask(
        &mut self,
        wanted: &[BucketSpec],
        asker: &Asker<'_>,
        max_wait: Duration,
        now: Instant,
    ) -> Result<Answer, TooLong> {
        let buckets = self.open(wanted, now);
        let class = asker.class;
        let free =
            |place: &usize| self.buckets[*place].waiting == 0 && self.buckets[*place].window.has_free(class, now);
        if buckets.iter().all(free) {
            for place in &buckets {
                self.buckets[*place].window.take(class, now, false);
            }
            return Ok(Answer::Granted(buckets));
        }
        let too_long = self.too_long(wanted, asker, now);
        if too_long.retry_after > max_wait || wanted.iter().any(|spec| spec.per == 0) {
            return Err(too_long);
        }
        let ticket = self.enqueue(buckets, asker, now);
        let wake = self.look(&ticket, now);
        Ok(Answer::Queued(ticket, wake))
    }

    /// Grants what is due, and says when this call should look again, if its turn is next and known.
    pub(super) fn look(&mut self, ticket: &Ticket, now: Instant) -> Option<Instant> {
        let (class, who, number) = (ticket.class, &*ticket.who, ticket.number);
        if ticket.bell.is_granted() {
            return None;
        }
        if let Some(me) = self.lanes[ticket.lane].waiter(class, who, number) {
            me.armed = None;
        }
        self.serve(&ticket.buckets, now, Some(number));
        if ticket.bell.is_granted() {
            return None;
        }
        self.lanes[ticket.lane].waiter(class, who, number).and_then(|me| me.armed)
    }

    /// How long a newcomer would wait, with the bucket in which it is longest.
    pub(super) fn too_long(&self, wanted: &[BucketSpec], asker: &Asker<'_>, now: Instant) -> TooLong {
        let mut worst =
            TooLong { key: BucketKey::default(), retry_after: Duration::ZERO, per: 0, window: Duration::ZERO };
        for spec in wanted {
            let at = match self.places.get(&spec.key) {
                Some(place) => self.estimate(&self.buckets[*place], asker, now),
                None => now,
            };
            let wait = if spec.per == 0 { spec.window } else { at.saturating_duration_since(now) };
            if wait >= worst.retry_after {
                worst = TooLong { key: spec.key.clone(), retry_after: wait, per: spec.per, window: spec.window };
            }
        }
        worst
    }

    /// A call is over; `how` says what becomes of its slots.
    pub(super) fn end(&mut self, buckets: &[usize], how: impl Fn(&mut Window), now: Instant) {
        for place in buckets {
            how(&mut self.buckets[*place].window);
        }
        self.serve(buckets, now, None);
    }

    /// A waiting call goes away.
    pub(super) fn leave(&mut self, ticket: &Ticket, now: Instant) {
        if ticket.bell.is_granted() {
            self.end(&ticket.buckets, Window::hand_back, now);
        } else if self.lanes[ticket.lane].remove(ticket.class, &ticket.who, ticket.number) {
            self.left(ticket.lane);
            self.serve(&ticket.buckets, now, None);
        }
    }

    /// The buckets that are in use.
    pub(super) fn views(&self, now: Instant) -> Vec<BucketView> {
        let mut views: Vec<BucketView> = (self.places.values().map(|place| &self.buckets[*place]))
            .filter(|bucket| !bucket.is_idle(now))
            .map(|bucket| self.view(bucket, now))
            .collect();
        views.sort_by(|a, b| a.key.cmp(&b.key));
        views
    }

    fn view(&self, bucket: &Bucket, now: Instant) -> BucketView {
        let window = &bucket.window;
        let mut callers: BTreeMap<&Arc<str>, usize> = BTreeMap::new();
        for flow in bucket.lanes.iter().flat_map(|lane| &self.lanes[*lane].flows) {
            *callers.entry(&flow.who).or_default() += flow.waiters.len();
        }
        BucketView {
            per: window.per(),
            window: window.length(),
            learned: window.is_lowered(now).then(|| whole(window.limit(now))),
            reserve: whole(window.reserve(now)),
            used: whole(window.used(now)),
            waiting: bucket.waiting,
            callers: most(callers.into_iter().map(|(who, waiting)| (Arc::clone(who), waiting)).collect()),
            ..BucketView::new(bucket.key.clone())
        }
    }

    /// How many buckets are remembered, idle ones among them.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.places.len().max(self.buckets.len())
    }

    /// The places of the wanted buckets, ascending, each once.
    fn open(&mut self, wanted: &[BucketSpec], now: Instant) -> Vec<usize> {
        let mut buckets = Vec::with_capacity(wanted.len());
        for spec in wanted {
            let place = match self.places.get(&spec.key) {
                Some(place) => *place,
                None => self.create(spec, &buckets, now),
            };
            self.buckets[place].window.resize(spec.per, spec.window, spec.reserve);
            buckets.push(place);
        }
        buckets.sort_unstable();
        buckets.dedup();
        buckets
    }

    fn create(&mut self, spec: &BucketSpec, in_hand: &[usize], now: Instant) -> usize {
        if self.places.len() >= self.sweep_at.max(FIRST_SWEEP) {
            self.forget_idle(in_hand, now);
            self.sweep_at = self.places.len() * 2;
        }
        let bucket = Bucket {
            key: spec.key.clone(),
            window: Window::new(spec.per, spec.window, now),
            shares: Shares::default(),
            waiting: 0,
            lanes: Vec::new(),
        };
        let place = match self.free_buckets.pop() {
            Some(place) => {
                self.buckets[place] = bucket;
                place
            }
            None => {
                self.buckets.push(bucket);
                self.buckets.len() - 1
            }
        };
        self.places.insert(spec.key.clone(), place);
        place
    }

    fn forget_idle(&mut self, in_hand: &[usize], now: Instant) {
        let (buckets, free) = (&self.buckets, &mut self.free_buckets);
        self.places.retain(|_, place| {
            let keep = in_hand.contains(place) || !buckets[*place].is_idle(now);
            if !keep {
                free.push(*place);
            }
            keep
        });
    }

    fn enqueue(&mut self, buckets: Vec<usize>, asker: &Asker<'_>, now: Instant) -> Ticket {
        let lane = self.lane(&buckets);
        for place in &buckets {
            let bucket = &mut self.buckets[*place];
            if bucket.waiting == 0 {
                bucket.window.start_schedule(now);
            }
            bucket.waiting += 1;
        }
        let number = self.next_number;
        self.next_number += 1;
        let bell = Arc::new(Bell::default());
        self.lanes[lane].push(asker, Waiter { number, armed: None, bell: Arc::clone(&bell) });
        Ticket { buckets, bell, lane, class: asker.class, who: asker.who.into(), number }
    }

    /// The lane for these buckets.
    fn lane(&mut self, buckets: &[usize]) -> usize {
        let existing = buckets.first().and_then(|first| {
            self.buckets[*first].lanes.iter().copied().find(|lane| self.lanes[*lane].buckets == buckets)
        });
        if let Some(lane) = existing {
            return lane;
        }
        let lane = self.free_lanes.pop().unwrap_or_else(|| {
            self.lanes.push(Lane::default());
            self.lanes.len() - 1
        });
        self.lanes[lane].buckets = buckets.to_vec();
        for place in buckets {
            self.buckets[*place].lanes.push(lane);
        }
        lane
    }

    /// One call less waits in a lane.
    fn left(&mut self, lane: usize) {
        let is_empty = self.lanes[lane].flows.is_empty();
        for place in &self.lanes[lane].buckets {
            let bucket = &mut self.buckets[*place];
            bucket.waiting -= 1;
            if bucket.waiting == 0 {
                bucket.shares.clear();
            }
            if is_empty {
                bucket.lanes.retain(|other| *other != lane);
            }
        }
        if is_empty {
            self.free_lanes.push(lane);
        }
    }

    fn estimate(&self, bucket: &Bucket, asker: &Asker<'_>, now: Instant) -> Instant {
        if bucket.waiting == 0 && bucket.window.has_free(asker.class, now) {
            return now;
        }
        let flows = || bucket.lanes.iter().flat_map(|lane| &self.lanes[*lane].flows);
        let own = |who: &str, class: Class| who == asker.who && class == asker.class;
        let before: usize = flows().filter(|flow| own(&flow.who, flow.class)).map(|flow| flow.waiters.len()).sum();
        let lead = bucket.shares.lead(asker.who).saturating_add(cost(asker.weight).saturating_mul(before as u64));
        let others: usize = flows()
            .filter(|flow| !own(&flow.who, flow.class) && flow.class <= asker.class)
            .map(|flow| match flow.class < asker.class {
                true => flow.waiters.len(),
                false => ahead_of(lead, flow.waiters.len(), bucket.shares.lead(&flow.who), flow.weight),
            })
            .sum();
        bucket.window.estimate(before + others, asker.class, now)
    }
}

impl Bucket {
    fn is_idle(&self, now: Instant) -> bool {
        self.waiting == 0 && self.window.used(now) == 0 && !self.window.is_lowered(now)
    }
}
