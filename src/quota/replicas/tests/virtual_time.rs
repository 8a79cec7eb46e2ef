//! The script on a real Redis, but by a clock of the test: replicas whose calls come, wait, are answered and go as they
//! would, in no time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};

use redis::Connection;
use serde_json::Value;

use super::super::script::SOURCE;
use super::super::wire::{Asked, Message, Reply, Request};
use super::{prefix, redis_url};

pub(super) const SECOND: u64 = 1_000_000;

/// Before the script: its clock is the test's, and its messages are kept for the test.
const HARNESS: &str = r#"
local server = redis
local redis = { call = function(command, ...)
  if command == 'SET' and ARGV[6] == 'full' then error('OOM') end
  if command == 'TIME' then return { ARGV[4], ARGV[5] } end
  if command == 'PUBLISH' then return server.call('RPUSH', KEYS[1] .. ':published', cjson.encode({ ... })) end
  return server.call(command, ...)
end }
"#;

/// Callers of one kind on one replica.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub(super) replica: usize,
    pub(super) who: &'static str,
    pub(super) weight: u32,
    pub(super) class: u8,
    /// Microseconds between its calls.
    pub(super) every: u64,
    pub(super) from: u64,
    pub(super) until: u64,
    /// How long its calls wait at most.
    pub(super) most: u64,
}

/// One call, as it went.
#[derive(Clone, Debug)]
pub(super) struct Went {
    pub(super) who: &'static str,
    pub(super) asked: u64,
    /// When it was sent, if ever.
    pub(super) granted: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Event {
    Answered { replica: usize, slot: i64 },
    Look { replica: usize },
    Call { caller: usize },
}

pub(super) struct World {
    redis: Connection,
    script: redis::Script,
    key: String,
    pub(super) per: u32,
    pub(super) window: u64,
    pub(super) reserve: u32,
    /// Whether the cloud throttles a call that arrives at a time, in microseconds.
    pub(super) throttles: fn(u64) -> bool,
    /// By how much the server's clock is wrong at a time, in microseconds.
    pub(super) wrong: fn(u64) -> i64,
    /// When Redis forgets the group.
    pub(super) forgets: Option<u64>,
    /// Redis has no room to write anything.
    pub(super) is_full: bool,
    /// From the grant to the answer's first byte.
    pub(super) takes: u64,
    now: u64,
    events: BinaryHeap<Reverse<(u64, Event)>>,
    looks: HashMap<usize, u64>,
    flows: BTreeMap<(usize, String), VecDeque<usize>>,
    pub(super) calls: Vec<Went>,
    hows: Vec<Caller>,
    /// When each replica was last answered, by the true time and by the group's.
    heard: HashMap<usize, (u64, u64)>,
}

impl World {
    pub(super) fn new(per: u32) -> World {
        let source = format!("{HARNESS}{}", SOURCE);
        World {
            redis: redis::Client::open(redis_url()).unwrap().get_connection().unwrap(),
            script: redis::Script::new(&source),
            key: prefix(),
            per,
            window: SECOND,
            reserve: 0,
            throttles: |_| false,
            wrong: |_| 0,
            forgets: None,
            is_full: false,
            takes: 5_000,
            now: 0,
            events: BinaryHeap::new(),
            looks: HashMap::new(),
            flows: BTreeMap::new(),
            calls: Vec::new(),
            hows: Vec::new(),
            heard: HashMap::new(),
        }
    }

    /// Plays everything that the callers do, to the end.
    pub(super) fn play(&mut self, callers: &[Caller]) {
        for (caller, how) in callers.iter().enumerate() {
            self.at(how.from, Event::Call { caller });
        }
        while let Some(Reverse((at, event))) = self.events.pop() {
            self.now = at;
            assert!(at < 1_000 * SECOND, "calls wait for ever: {:?}", self.flows);
            if self.forgets.take_if(|when| *when <= at).is_some() {
                redis::cmd("DEL").arg(&self.key).exec(&mut self.redis).unwrap();
            }
            match event {
                Event::Call { caller } => {
                    let how = &callers[caller];
                    if at + how.every < how.until {
                        self.at(at + how.every, event);
                    }
                    self.call(how);
                }
                Event::Answered { replica, slot } => {
                    let throttled = (self.throttles)(at - self.takes).then_some(Asked::Throttled { slot });
                    self.exchange(replica, throttled.into_iter().chain([Asked::Answered { slot, ago: 0 }]).collect());
                }
                Event::Look { replica } => {
                    if self.looks.get(&replica) == Some(&at) {
                        self.exchange(replica, Vec::new());
                    }
                }
            }
        }
        assert!(self.flows.values().all(VecDeque::is_empty), "calls wait for ever: {:?}", self.flows);
    }

    /// When calls arrived at the cloud.
    pub(super) fn arrivals(&self) -> Vec<u64> {
        let mut arrivals: Vec<u64> = self.calls.iter().filter_map(|call| call.granted).collect();
        arrivals.sort_unstable();
        arrivals
    }

    fn call(&mut self, how: &Caller) {
        let number = self.calls.len();
        self.calls.push(Went { who: how.who, asked: self.now, granted: None });
        self.hows.push(how.clone());
        self.ask(number, how);
    }

    fn ask(&mut self, number: usize, how: &Caller) {
        let flow = format!("{}|{}", how.class, how.who);
        self.flows.entry((how.replica, flow.clone())).or_default().push_back(number);
        let ask = Asked::Ask {
            number: number as u64,
            flow,
            lane: vec![0],
            class: how.class,
            who: how.who.to_owned(),
            weight: how.weight,
            most: how.most,
        };
        self.exchange(how.replica, vec![ask]);
    }

    /// What the script answers to a replica.
    pub(super) fn run(&mut self, replica: usize, asks: Vec<Asked>) -> redis::RedisResult<Reply> {
        let heard = self.heard.get(&replica);
        let request = Request {
            windows: vec![("main".to_owned(), self.per, self.window, self.reserve)],
            asks,
            at: heard.map(|(_, at)| *at),
            since: heard.map(|(when, _)| self.now - when),
            view: false,
        };
        // Hours in, as no server's clock begins at nought.
        let clock = (self.now + 36_000 * SECOND).checked_add_signed((self.wrong)(self.now)).unwrap();
        let reply: Reply = (self.script.key(&self.key))
            .arg(format!("replica-{replica}"))
            .arg("to-")
            .arg(serde_json::to_string(&request).unwrap())
            .arg(clock / SECOND)
            .arg(clock % SECOND)
            .arg(if self.is_full { "full" } else { "" })
            .invoke(&mut self.redis)?;
        self.heard.insert(replica, (self.now, reply.at));
        Ok(reply)
    }

    /// Messages that the script sent and nobody has read.
    pub(super) fn published(&mut self) -> Vec<String> {
        let list = format!("{}:published", self.key);
        redis::cmd("LPOP").arg(&list).arg(1_000).query(&mut self.redis).unwrap_or_default()
    }

    fn exchange(&mut self, replica: usize, asks: Vec<Asked>) {
        let just_asked: Vec<u64> = (asks.iter())
            .filter_map(|ask| if let Asked::Ask { number, .. } = ask { Some(*number) } else { None })
            .collect();
        self.looks.remove(&replica);
        let reply = self.run(replica, asks).unwrap();
        let mut again = Vec::new();
        if reply.is_lost {
            for (_, calls) in self.flows.iter_mut().filter(|((owner, _), _)| *owner == replica) {
                again.extend(calls.iter().copied().filter(|call| !just_asked.contains(&(*call as u64))));
                calls.retain(|call| just_asked.contains(&(*call as u64)));
            }
        }
        for (number, slot) in reply.granted {
            let number = usize::try_from(number).unwrap();
            for calls in self.flows.values_mut() {
                calls.retain(|call| *call != number);
            }
            self.granted(replica, number, slot);
        }
        for (number, ..) in reply.refused {
            let number = usize::try_from(number).unwrap();
            for calls in self.flows.values_mut() {
                calls.retain(|call| *call != number);
            }
        }
        self.given(replica, reply.given);
        // As the pump: often enough not to be taken for dead.
        let due = reply.due.map_or(SECOND / 10, |due| u64::try_from(due.as_micros()).unwrap());
        if self.flows.iter().any(|((owner, _), calls)| *owner == replica && !calls.is_empty()) {
            self.look(replica, due.min(SECOND));
        }
        self.messages();
        for number in again {
            let how = self.hows[number].clone();
            self.ask(number, &how);
        }
    }

    fn messages(&mut self) {
        for text in self.published() {
            let (channel, message): (String, String) = serde_json::from_str(&text).unwrap();
            let replica = channel.strip_prefix("to-replica-").unwrap().parse().unwrap();
            let Message { given, due, .. } = Message::read(&message).unwrap();
            self.given(replica, given);
            if let Some(due) = due {
                self.look(replica, due);
            }
        }
    }

    fn given(&mut self, replica: usize, given: Vec<(String, i64)>) {
        for (flow, slot) in given {
            let number = self.flows.get_mut(&(replica, flow)).and_then(VecDeque::pop_front).unwrap();
            self.granted(replica, number, slot);
        }
    }

    fn granted(&mut self, replica: usize, number: usize, slot: i64) {
        self.calls[number].granted = Some(self.now);
        self.at(self.now + self.takes, Event::Answered { replica, slot });
    }

    /// A timer of a millisecond's grain, as a replica's: what it hears may bring it forward, and never puts it off.
    fn look(&mut self, replica: usize, due: u64) {
        let at = (self.now + due).div_ceil(1_000) * 1_000;
        if self.looks.get(&replica).is_none_or(|before| *before > at) {
            self.looks.insert(replica, at);
            self.at(at, Event::Look { replica });
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.events.push(Reverse((at, event)));
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let keys = [self.key.clone(), format!("{}:published", self.key)];
        let _left: Result<Value, _> = redis::cmd("DEL").arg(&keys).query::<i64>(&mut self.redis).map(Value::from);
    }
}
