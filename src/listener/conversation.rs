//! How far the talk on one connection has come, and until when the peer may be silent.
//!
//! The stream writes down what it sees, the service what it is asked; neither knows the other.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use tokio::time::Instant;

use super::ListenerOptions;
use super::framing::Framing;

/// One connection's talk, shared by its stream and its service.
#[derive(Clone, Debug)]
pub(super) struct Conversation(Arc<Mutex<Talk>>);

#[derive(Debug)]
struct Talk {
    options: ListenerOptions,
    framing: Framing,
    asked: u64,
    is_answering: bool,
    deadline: Instant,
    reader: Option<Waker>,
}

/// A request's place in the talk.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// The address of the peer's end.
    pub peer: IpAddr,
    conversation: Conversation,
    number: u64,
}

impl Conversation {
    /// A talk that began at `accepted`; the whole first head must be there one head time-out later.
    pub(super) fn new(options: ListenerOptions, accepted: Instant) -> Conversation {
        let deadline = accepted + options.head_timeout;
        let talk = Talk { options, framing: Framing::default(), asked: 0, is_answering: false, deadline, reader: None };
        Conversation(Arc::new(Mutex::new(talk)))
    }

    /// Bytes came.
    pub(super) fn heard(&self, bytes: &[u8]) {
        let mut talk = self.lock();
        let was_idle = talk.framing.is_between_requests();
        talk.framing.read(bytes);
        if was_idle && talk.asked > 0 && !talk.framing.is_between_requests() {
            talk.deadline = Instant::now() + talk.options.head_timeout;
        }
    }

    /// The peer has taken bytes of an answer.
    pub(super) fn said(&self) {
        self.lock().rest();
    }

    /// Until when the peer may be silent; none while it is we who have to speak. Then the reader is woken when that
    /// ends: hyper does not ask again for bytes that it waits for already.
    pub(super) fn deadline(&self, reader: &Context<'_>) -> Option<Instant> {
        let mut talk = self.lock();
        if talk.is_answering {
            talk.reader = Some(reader.waker().clone());
            return None;
        }
        Some(talk.deadline)
    }

    /// Whether bytes may still come that nobody will read.
    pub(super) fn has_rest(&self) -> bool {
        let talk = self.lock();
        !talk.framing.is_between_requests() || talk.framing.against(talk.asked, true).is_some()
    }

    /// hyper hands over the next request.
    pub(super) fn ask(&self, peer: IpAddr) -> Arrival {
        let mut talk = self.lock();
        talk.asked += 1;
        talk.is_answering = true;
        Arrival { peer, conversation: self.clone(), number: talk.asked }
    }

    /// The answer to it is ready to be written.
    pub(super) fn answer(&self) {
        let mut talk = self.lock();
        talk.is_answering = false;
        talk.deadline = Instant::now() + talk.options.head_timeout;
        talk.rest();
        if let Some(reader) = talk.reader.take() {
            reader.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Talk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Talk {
    /// Idle from now on, unless the next head has begun.
    fn rest(&mut self) {
        if !self.is_answering && self.asked > 0 && self.framing.is_between_requests() {
            self.deadline = Instant::now() + self.options.idle_timeout;
        }
    }
}

impl Arrival {
    /// Why the head, which hyper accepted, can be read in two ways.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn head(&self) -> Result<(), &'static str> {
        self.checked(false)
    }

    /// The same of the whole request, after its body was read. Until that says yes, bytes of it may be left on the
    /// connection.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn whole(&self) -> Result<(), &'static str> {
        self.checked(true)
    }

    fn checked(&self, is_whole: bool) -> Result<(), &'static str> {
        self.conversation.lock().framing.against(self.number, is_whole).map_or(Ok(()), Err)
    }
}
