//! What replicas tell each other: of which tasks something has become. A replica that may have missed that gives nobody an
//! answer that was asked for before they came.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::reads::{FreshFor, SharedReads};
use crate::coordinate::Link;

/// Who else takes changes to the same accounts.
pub(super) enum Others {
    /// Nobody.
    None,
    /// Replicas of which nothing is heard.
    Silent,
    /// Replicas that tell.
    Linked(Link),
}

/// What is heard of changes that pass elsewhere.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) enum Hearing {
    /// There are none.
    #[default]
    Everything,
    /// All since this connection.
    Since(Arc<str>),
    /// Nothing.
    Nothing,
}

/// A change, as replicas tell it.
#[derive(Debug, Deserialize, Serialize)]
struct News {
    identity: String,
    tasks: Vec<String>,
}

impl Others {
    /// What is heard of them now.
    pub(super) fn hearing(&self) -> Hearing {
        match self {
            Others::None => Hearing::Everything,
            Others::Silent => Hearing::Nothing,
            Others::Linked(link) => link.session().map_or(Hearing::Nothing, Hearing::Since),
        }
    }
}

impl SharedReads {
    /// Of an instance that is alone with its accounts.
    pub fn alone(fresh_for: FreshFor) -> Arc<SharedReads> {
        Arc::new(SharedReads::with(fresh_for, Others::None))
    }

    /// Of one of several that know nothing of each other: nothing is remembered.
    pub fn among_strangers() -> Arc<SharedReads> {
        Arc::new(SharedReads::with(FreshFor::default(), Others::Silent))
    }

    /// Of one of several that tell each other over `link`; `messages` are those to all of them. Must be called inside a Tokio
    /// runtime.
    pub fn linked(fresh_for: FreshFor, link: Link, messages: mpsc::UnboundedReceiver<String>) -> Arc<SharedReads> {
        let reads = Arc::new(SharedReads::with(fresh_for, Others::Linked(link)));
        tokio::spawn(Arc::clone(&reads).listen(messages));
        reads
    }

    /// Something has become of these tasks: forgotten here, and told to the others before this returns, if they can be
    /// reached.
    pub async fn changed(&self, identity: &str, tasks: &[String]) {
        self.forget(identity, tasks);
        let Others::Linked(link) = &self.others else { return };
        let news = News { identity: identity.to_owned(), tasks: tasks.to_vec() };
        // News is made of texts: it is always JSON.
        let Ok(text) = serde_json::to_string(&news) else { return };
        // Unheard, they are without Redis too, or forget in some seconds by themselves.
        let _heard = link.tell_all(&text).await;
    }

    async fn listen(self: Arc<SharedReads>, mut messages: mpsc::UnboundedReceiver<String>) {
        while let Some(text) = messages.recv().await {
            match serde_json::from_str::<News>(&text) {
                Ok(news) => self.forget(&news.identity, &news.tasks),
                // From a version that tells something else: what it is about is not known.
                Err(_) => self.forget_all(),
            }
        }
    }
}
