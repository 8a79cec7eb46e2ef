//! Who is next, over all lanes that share buckets, and when.

use std::sync::Arc;

use tokio::time::Instant;

use super::{Book, Class, Lane};

/// The call of a lane that is next.
struct Head {
    lane: usize,
    flow: usize,
    /// Least first: class, lead over the clock in turns, arrival.
    order: (Class, u64, u64),
    turn: Option<Instant>,
}

impl Book {
    /// Grants every turn that has come in these buckets and those connected with them through calls that want both,
    /// and wakes the first of each lane when its own turn can be told. `me` looks for itself.
    pub(super) fn serve(&mut self, buckets: &[usize], now: Instant, me: Option<u64>) {
        let lanes = self.connected(buckets);
        if lanes.is_empty() {
            return;
        }
        loop {
            let heads = self.heads(&lanes, now);
            let Some(next) = heads.iter().find(|head| head.turn.is_some_and(|turn| turn <= now)) else {
                self.arm(&heads, me);
                return;
            };
            self.grant(next.lane, next.flow, now);
        }
    }

    fn connected(&self, buckets: &[usize]) -> Vec<usize> {
        let mut lanes: Vec<usize> = Vec::new();
        let add = |lanes: &mut Vec<usize>, place: &usize| {
            for lane in &self.buckets[*place].lanes {
                if !lanes.contains(lane) {
                    lanes.push(*lane);
                }
            }
        };
        buckets.iter().for_each(|place| add(&mut lanes, place));
        let mut seen = 0;
        while let Some(lane) = lanes.get(seen) {
            self.lanes[*lane].buckets.iter().for_each(|place| add(&mut lanes, place));
            seen += 1;
        }
        lanes
    }

    /// The next call of each lane, in one order for all of them. Whoever has to wait leaves a slot free in each of its
    /// buckets for itself: else calls that want one bucket would starve those that want two. The first in the order is
    /// hindered by nobody, so there is no deadlock.
    fn heads(&self, lanes: &[usize], now: Instant) -> Vec<Head> {
        let mut heads: Vec<Head> = lanes.iter().filter_map(|lane| self.head(*lane)).collect();
        heads.sort_unstable_by_key(|head| head.order);
        let mut held: Vec<usize> = Vec::new();
        for head in &mut heads {
            let (buckets, class) = (&self.lanes[head.lane].buckets, head.order.0);
            let turn_in = |place: &usize| {
                let others = held.iter().filter(|other| *other == place).count();
                self.buckets[*place].window.turn_at(others, class, now)
            };
            let turns: Option<Vec<Instant>> = buckets.iter().map(turn_in).collect();
            head.turn = turns.and_then(|turns| turns.into_iter().max());
            held.extend(buckets);
        }
        heads
    }

    fn head(&self, lane: usize) -> Option<Head> {
        let Lane { buckets, flows } = &self.lanes[lane];
        let heads = flows.iter().enumerate().filter_map(|(flow, calls)| {
            let leads = buckets.iter().map(|place| self.buckets[*place].shares.lead(&calls.who));
            let order = (calls.class, leads.max().unwrap_or(0), calls.waiters.front()?.number);
            Some(Head { lane, flow, order, turn: None })
        });
        heads.min_by_key(|head| head.order)
    }

    fn grant(&mut self, lane: usize, flow: usize, now: Instant) {
        let Lane { buckets, flows } = &self.lanes[lane];
        let (who, weight, class) = (Arc::clone(&flows[flow].who), flows[flow].weight, flows[flow].class);
        for place in buckets {
            let bucket = &mut self.buckets[*place];
            bucket.window.take(class, now, true);
            bucket.shares.serve(&who, weight);
        }
        if let Some(waiter) = self.lanes[lane].pop(flow) {
            waiter.bell.grant();
            self.left(lane);
        }
    }

    fn arm(&mut self, heads: &[Head], me: Option<u64>) {
        for head in heads {
            let Some(turn) = head.turn else { continue };
            let Some(first) = self.lanes[head.lane].flows[head.flow].waiters.front_mut() else { continue };
            if first.armed.is_none_or(|armed| armed > turn) {
                first.armed = Some(turn);
                if me != Some(first.number) {
                    first.bell.ring();
                }
            }
        }
    }
}
