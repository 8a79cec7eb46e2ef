//! The two shapes of a step, and the one Layer/Service pair of each.
//!
//! A [`Gate`] says yes or no and may turn the call into its next stage. A step that also acts on the way back, or
//! that answers in the cloud's place, is [`Around`]. Steps are written as plain async functions; tower is only here.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use crate::call::{Refusal, Reply};

/// The future of every step. Boxed: about 45 ns a step, cheaper to read than the types it replaces.
pub type Answer = Pin<Box<dyn Future<Output = Result<Reply, Refusal>> + Send>>;

/// Everything below a step.
pub trait Next<In>: Clone + Send + Sync + 'static {
    /// Hands the call down, once.
    fn run(self, call: In) -> Answer;
}

/// A step that says yes or no.
pub trait Gate: Send + Sync + 'static {
    /// The stage of the call that it judges.
    type In: Send + 'static;
    /// The stage that follows from a yes.
    type Out: Send + 'static;

    /// Yes, with the call's next stage, or no, with the reason.
    fn check(&self, call: Self::In) -> impl Future<Output = Result<Self::Out, Refusal>> + Send;
}

/// A step around everything below it.
pub trait Around: Send + Sync + 'static {
    /// The stage of the call that it takes.
    type In: Send + 'static;
    /// The stage that it hands down.
    type Out: Send + 'static;

    /// Answers the call, with or without the help of what is below.
    fn around<N: Next<Self::Out>>(
        &self,
        call: Self::In,
        next: N,
    ) -> impl Future<Output = Result<Reply, Refusal>> + Send;
}

/// Puts a [`Gate`] in front of a service.
pub struct GateLayer<G>(Arc<G>);

/// Puts an [`Around`] around a service.
pub struct AroundLayer<A>(Arc<A>);

/// A service behind a [`Gate`].
pub struct Gated<G, S> {
    gate: Arc<G>,
    inner: S,
}

/// A service inside an [`Around`].
pub struct Wrapped<A, S> {
    step: Arc<A>,
    inner: S,
}

impl<In, S> Next<In> for S
where
    In: Send + 'static,
    S: Service<In, Response = Reply, Error = Refusal> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    fn run(mut self, call: In) -> Answer {
        Box::pin(self.call(call))
    }
}

impl<G> GateLayer<G> {
    /// A layer of `gate`.
    pub fn new(gate: G) -> GateLayer<G> {
        GateLayer(Arc::new(gate))
    }
}

impl<A> AroundLayer<A> {
    /// A layer of `step`.
    pub fn new(step: A) -> AroundLayer<A> {
        AroundLayer(Arc::new(step))
    }
}

impl<G, S> Layer<S> for GateLayer<G> {
    type Service = Gated<G, S>;

    fn layer(&self, inner: S) -> Gated<G, S> {
        Gated { gate: Arc::clone(&self.0), inner }
    }
}

impl<A, S> Layer<S> for AroundLayer<A> {
    type Service = Wrapped<A, S>;

    fn layer(&self, inner: S) -> Wrapped<A, S> {
        Wrapped { step: Arc::clone(&self.0), inner }
    }
}

impl<G, S> Service<G::In> for Gated<G, S>
where
    G: Gate,
    S: Service<G::Out, Response = Reply, Error = Refusal> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = Refusal;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: G::In) -> Answer {
        let gate = Arc::clone(&self.gate);
        let mut ready = take_ready(&mut self.inner);
        Box::pin(async move {
            let call = gate.check(call).await?;
            ready.call(call).await
        })
    }
}

impl<A, S> Service<A::In> for Wrapped<A, S>
where
    A: Around,
    S: Service<A::Out, Response = Reply, Error = Refusal> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    type Response = Reply;
    type Error = Refusal;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Refusal>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, call: A::In) -> Answer {
        let step = Arc::clone(&self.step);
        let ready = take_ready(&mut self.inner);
        Box::pin(async move { step.around(call, ready).await })
    }
}

/// The inner service that `poll_ready` was called on, with a clone left in its place: the clone was never asked
/// whether it is ready, so it must not be the one that is called (a concurrency limit inside would panic).
fn take_ready<S: Clone>(inner: &mut S) -> S {
    let clone = inner.clone();
    std::mem::replace(inner, clone)
}

impl<G, S: Clone> Clone for Gated<G, S> {
    fn clone(&self) -> Self {
        Gated { gate: Arc::clone(&self.gate), inner: self.inner.clone() }
    }
}

impl<A, S: Clone> Clone for Wrapped<A, S> {
    fn clone(&self) -> Self {
        Wrapped { step: Arc::clone(&self.step), inner: self.inner.clone() }
    }
}

impl<G> Clone for GateLayer<G> {
    fn clone(&self) -> Self {
        GateLayer(Arc::clone(&self.0))
    }
}

impl<A> Clone for AroundLayer<A> {
    fn clone(&self) -> Self {
        AroundLayer(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests;
