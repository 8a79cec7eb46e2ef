//! A connection's bytes, with a clock on them: a peer that says nothing, drips, or takes nothing is let go.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::conversation::Conversation;

/// How long what nobody wants is still taken after the last answer: a close before the peer has sent everything would
/// be a reset, and the answer lost with it. nginx's `lingering_timeout` is the same.
const LINGER: Duration = Duration::from_secs(5);

/// A stream whose peer is timed.
pub(super) struct TimedStream<S> {
    inner: S,
    conversation: Conversation,
    write_timeout: Duration,
    silence: Alarm,
    stall: Alarm,
    is_shut: bool,
}

/// A timer that is made when it is first needed.
#[derive(Default)]
struct Alarm {
    set_for: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TimedStream<S> {
    /// `write_timeout` is how long the peer may take none of what it is sent.
    pub(super) fn new(inner: S, conversation: Conversation, write_timeout: Duration) -> TimedStream<S> {
        let (silence, stall) = (Alarm::default(), Alarm::default());
        TimedStream { inner, conversation, write_timeout, silence, stall, is_shut: false }
    }

    fn said(&self, written: &Poll<io::Result<usize>>) {
        if matches!(written, Poll::Ready(Ok(1..))) {
            self.conversation.said();
        }
    }

    /// What a write came to; one that waits longer than allowed fails.
    fn taken<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall.set_for = None;
            return written;
        }
        let deadline = self.stall.set_for.unwrap_or_else(|| Instant::now() + self.write_timeout);
        ready!(self.stall.poll(context, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Takes and forgets what comes until the peer closes its side.
    fn poll_drain(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let deadline = self.silence.set_for.unwrap_or_else(|| Instant::now() + LINGER);
        let mut space = [0; 4096];
        loop {
            if self.silence.poll(context, deadline).is_ready() {
                return Poll::Ready(());
            }
            let mut buffer = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.inner).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for TimedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut self.inner).poll_read(context, buffer) {
            self.conversation.heard(&buffer.filled()[before..]);
            return Poll::Ready(read);
        }
        let Some(deadline) = self.conversation.deadline(context) else { return Poll::Pending };
        ready!(self.silence.poll(context, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for TimedStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.said(&written);
        self.taken(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, pieces);
        self.said(&written);
        self.taken(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.taken(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.is_shut {
            let shut = Pin::new(&mut self.inner).poll_shutdown(context);
            ready!(self.taken(context, shut))?;
            self.is_shut = true;
            self.silence.set_for = None;
        }
        if self.conversation.has_rest() {
            ready!(self.poll_drain(context));
        }
        Poll::Ready(Ok(()))
    }
}

impl Alarm {
    /// Ready once `deadline` has passed.
    fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if self.set_for != Some(deadline) {
            sleep.as_mut().reset(deadline);
            self.set_for = Some(deadline);
        }
        sleep.as_mut().poll(context)
    }
}
