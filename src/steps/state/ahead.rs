//! Changes that are looking at a task's state: they have no place in the queue yet, but they will be in front of whoever
//! comes later. Without counting them, calls that have no chance spend look-ups that others are waiting for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How many calls of each caller are looking, by what they will want a turn of.
#[derive(Clone, Debug, Default)]
pub(super) struct Ahead(Arc<Mutex<Looking>>);

type Looking = HashMap<String, HashMap<String, u64>>;

/// A call that is looking.
#[derive(Debug)]
pub(super) struct Looker {
    ahead: Ahead,
    quota: String,
    caller: String,
}

impl Ahead {
    /// How many of those that are looking would have their turn before a newcomer of `caller`: its own, and of each other
    /// caller as many as turns are shared fairly.
    pub(super) fn of(&self, quota: &str, caller: &str) -> u64 {
        let looking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(callers) = looking.get(quota) else { return 0 };
        let own = callers.get(caller).copied().unwrap_or(0);
        let others = callers.iter().filter(|(other, _)| *other != caller);
        own + others.map(|(_, count)| (*count).min(own + 1)).sum::<u64>()
    }

    /// Counts a call until the looker is dropped.
    pub(super) fn enter(&self, quota: String, caller: &str) -> Looker {
        let mut looking = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *looking.entry(quota.clone()).or_default().entry(caller.to_owned()).or_default() += 1;
        Looker { ahead: self.clone(), quota, caller: caller.to_owned() }
    }
}

impl Drop for Looker {
    fn drop(&mut self) {
        let mut looking = self.ahead.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(callers) = looking.get_mut(&self.quota) else { return };
        if let Some(count) = callers.get_mut(&self.caller) {
            *count -= 1;
            if *count == 0 {
                callers.remove(&self.caller);
            }
        }
        if callers.is_empty() {
            looking.remove(&self.quota);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ahead;

    #[test]
    fn those_who_look_are_shared_out_as_turns_will_be() {
        let ahead = Ahead::default();
        let flood: Vec<_> = (0..10).map(|_| ahead.enter("stop".to_owned(), "flood")).collect();
        assert_eq!(ahead.of("stop", "flood"), 10, "all of its own are before it");
        assert_eq!(ahead.of("stop", "light"), 1, "one of the other's is before its first");
        let own = ahead.enter("stop".to_owned(), "light");
        assert_eq!((ahead.of("stop", "light"), ahead.of("stop", "flood")), (3, 11));
        assert_eq!(ahead.of("start", "flood"), 0);
        drop((flood, own));
        assert_eq!(ahead.of("stop", "flood"), 0);
        assert!(ahead.0.lock().unwrap().is_empty(), "nobody is remembered");
    }
}
