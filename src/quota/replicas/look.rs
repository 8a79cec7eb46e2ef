//! How the book stands that replicas share: asked of Redis, which changes nothing by telling.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use redis::Script;
use tokio::time::Instant;

use super::Replicas;
use super::pump::LISTED;
use super::script::BROKER;
use super::wire::{GroupView, Request, WindowView};
use crate::coordinate::{LinkError, Mode, Session};
use crate::quota::BucketKey;
use crate::quota::view::{BucketView, Standing, View, most};

static NAMES: LazyLock<Script> = LazyLock::new(|| Script::new("return redis.call('SMEMBERS', KEYS[1])"));

impl Replicas {
    /// As [`crate::quota::Quota::view`].
    pub(in crate::quota) async fn view(&self) -> View {
        if let Mode::Joined { session, here, of } = self.link.mode()
            && !session.is_over()
            && let Ok(buckets) = self.buckets(&session).await
        {
            return View { standing: Standing::Joined { here, of }, buckets };
        }
        match self.link.mode() {
            Mode::Alone { replicas } => {
                View { standing: Standing::Alone { of: replicas }, buckets: self.alone.snapshot() }
            }
            Mode::Quiet { until } => {
                let left = until.saturating_duration_since(Instant::now());
                View { standing: Standing::Quiet { left }, buckets: Vec::new() }
            }
            // It was lost this moment.
            Mode::Joined { .. } => View { standing: Standing::Quiet { left: Default::default() }, buckets: Vec::new() },
        }
    }

    async fn buckets(&self, session: &Session) -> Result<Vec<BucketView>, LinkError> {
        let groups: Vec<String> = session.run(&NAMES, &self.link.key("quota", LISTED), &[]).await?;
        let request = Request { view: true, ..Request::default() };
        let Ok(text) = serde_json::to_string(&request) else { return Ok(Vec::new()) };
        let mut found: BTreeMap<BucketKey, BucketView> = BTreeMap::new();
        for group in groups {
            let group_view: GroupView = session.run(&BROKER, &group, &[&**session.id(), "", &text]).await?;
            // `PREFIX:quota:IDENTITY:NAME`; no table has a name with a colon.
            let name: Arc<str> = group.rsplit(':').next().unwrap_or_default().into();
            for window in group_view.windows {
                let view = window.view(&name);
                found.insert(view.key.clone(), view);
            }
        }
        Ok(found.into_values().collect())
    }
}

impl WindowView {
    fn view(self, name: &Arc<str>) -> BucketView {
        let (identity, host) = self.id.split_once('\t').unwrap_or((&self.id, ""));
        let key = BucketKey { identity: identity.into(), host: host.into(), name: Arc::clone(name) };
        let callers = self.callers.into_iter().map(|(who, waiting)| (who.into(), waiting)).collect();
        BucketView {
            per: self.per,
            window: self.length,
            learned: (self.limit < self.per).then_some(self.limit),
            reserve: self.kept,
            used: self.used,
            waiting: self.waiting,
            callers: most(callers),
            ..BucketView::new(key)
        }
    }
}
