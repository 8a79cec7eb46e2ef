//! What the cloud turned out to allow: less than is documented, while somebody uses the account outside the gateway or the
//! documented number is wrong. One sign of it is enough to drop; coming back takes time.

use std::time::Duration;

use tokio::time::Instant;

/// In how many steps the whole quota would come back. At a quota of 20 a second a step is one call, so that trying whether
/// the cloud allows more again costs one throttled call in some two hundred.
const STEPS: usize = 20;

/// How long a step takes without the cloud throttling; a window that is longer takes its own length. All of it is back after
/// 200 s at most, or twenty windows.
const STEP: Duration = Duration::from_secs(10);

/// What remains of what was used when the cloud throttled: enough less to get below in one step what somebody else
/// takes a quarter of, and not so much that one throttled call halves everybody's work. Where less than half of the limit
/// was used, of that half: one throttled call of a quiet account says that somebody else was busy that moment, not that
/// next to nothing is allowed for minutes. If it is, a drop in each window gets there in a few calls.
const REMAINS: (usize, usize) = (3, 4);

/// What was learned of one bucket; nothing, mostly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Learned(Option<Lowered>);

#[derive(Clone, Copy, Debug)]
struct Lowered {
    at: Instant,
    to: usize,
}

impl Learned {
    /// Calls in a window of this length that may be used now: never more than are `allowed`, and at least one of them.
    pub(super) fn limit(&self, allowed: usize, length: Duration, now: Instant) -> usize {
        let Some(lowered) = &self.0 else { return allowed };
        let steps = now.saturating_duration_since(lowered.at).as_nanos() / STEP.max(length).as_nanos();
        let back = usize::try_from(steps).unwrap_or(usize::MAX).saturating_mul(allowed.div_ceil(STEPS));
        lowered.to.saturating_add(back).min(allowed)
    }

    /// The cloud throttled a call whose turn was `granted` while `used` calls were in the window. A call from before the
    /// last drop tells nothing of what is allowed since.
    pub(super) fn throttle(&mut self, granted: Instant, used: usize, allowed: usize, length: Duration, now: Instant) {
        if self.0.is_some_and(|lowered| granted <= lowered.at) {
            return;
        }
        let limit = self.limit(allowed, length, now);
        let used = used.clamp(limit / 2, limit);
        self.0 = Some(Lowered { at: now, to: (used * REMAINS.0 / REMAINS.1).max(1) });
    }
}
