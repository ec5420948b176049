//! The inner end of a client's interceptors: attempts, until one is good or there are to be no more.
//!
//! In: a call and its requests. Out: the message or the stream of messages that answered it.

use std::pin::pin;

use bytes::Bytes;
use futures_core::future::BoxFuture;
use http::Response;
use tokio::time::{sleep, timeout};
use tonic::body::Body;
use tonic::{Code, Status};

use super::Client;
use super::breaker::Breaker;
use super::guards::Guard;
use super::reply_stream::{Idle, Opened};
use super::requests::Requests;
use super::response::{self, Incoming};
use super::retry::Retries;
use crate::call::Call;
use crate::interceptor::{Direction, End, Hooks, Reply};
use crate::policy::{Policy, bound};

/// What a call gave.
pub(super) enum Got {
    Message(Bytes),
    Stream(Opened),
}

/// The way of one call to a server.
pub(super) struct Way<'a> {
    to: Destination<'a>,
    requests: Option<Requests>,
    pub(super) got: Option<Got>,
}

/// Where attempts go, and by which rules.
#[derive(Clone, Copy)]
struct Destination<'a> {
    client: &'a Client,
    guard: &'a Guard,
    policy: Policy,
}

impl<'a> Way<'a> {
    pub(super) fn new(client: &'a Client, guard: &'a Guard, policy: Policy, requests: Requests) -> Self {
        Self { to: Destination { client, guard, policy }, requests: Some(requests), got: None }
    }

    /// Tries until an attempt is good, or until there are to be no more.
    pub(super) async fn go(&mut self, call: &Call) -> Result<(), Status> {
        // `Next` runs once, by value, so that they are there.
        let Some(mut requests) = self.requests.take() else {
            return Err(Status::internal("the call was sent twice"));
        };
        let to = self.to;
        let interceptors = to.client.interceptors.of(call.method());
        let mut sent = Hooks::new(interceptors, call, Direction::Sent);
        if let (Some(hooks), Some(payload)) = (&mut sent, requests.payload()) {
            hooks.message(payload)?;
        }
        let said = to.client.options.as_ref().and_then(|options| options.encoding);
        if let Some(encoding) = said.or(to.policy.compress).flatten() {
            requests.compress(encoding);
        }
        let received = Hooks::new(interceptors, call, Direction::Received);
        let retries = Retries::of(call.method(), &to.policy);
        let budget = &to.client.guards.budget;
        let mut tried = None;
        for attempt in 1.. {
            let call = tried.as_ref().unwrap_or(call);
            let again = if retries.more_after(attempt) { requests.again() } else { None };
            let status = match to.attempt(call, requests, sent.clone(), received.clone()).await {
                Ok(got) => {
                    budget.deposit();
                    self.got = Some(got);
                    return Ok(());
                }
                Err(status) => status,
            };
            let pause = again.is_some().then(|| retries.pause(attempt, &status, call, budget)).flatten();
            let (Some(pause), Some(same)) = (pause, again) else {
                return Err(status);
            };
            tracing::debug!(method = call.method().path, attempt, ?pause, code = ?status.code(), "trying again");
            sleep(pause).await;
            requests = same;
            tried = Some(call.clone().tried(attempt));
        }
        Err(Status::internal("the attempts were not counted"))
    }
}

impl Destination<'_> {
    /// One attempt, past the breaker.
    async fn attempt(
        &self,
        call: &Call,
        requests: Requests,
        sent: Option<Hooks>,
        received: Option<Hooks>,
    ) -> Result<Got, Status> {
        if !self.policy.breaker.unwrap_or(true) {
            return self.send(call, requests, sent, received).await;
        }
        self.guard.breaker.admit()?;
        let mut told = Told { breaker: &self.guard.breaker, call, code: None, is_sent: true };
        let got = self.send(call, requests, sent, received).await;
        told.ended(&got);
        got
    }

    async fn send(
        &self,
        call: &Call,
        mut requests: Requests,
        sent: Option<Hooks>,
        mut received: Option<Hooks>,
    ) -> Result<Got, Status> {
        let streams = call.method().kind.streams();
        let idle = bound(self.policy.idle_timeout).filter(|_| streams).map(Idle::new);
        if let Some(idle) = &idle {
            requests.count(idle.moved());
        }
        if received.is_some() || call.method().kind.streams_replies() {
            // An interceptor or the holder of the stream may read it; whoever captures it has made it already.
            call.reply();
        }
        if call.method().kind.streams_replies() {
            let response = self.head(call, requests, sent).await?;
            let replies = Box::new(response::open(response, call, self.client.limits(call.method()).1)?);
            return Ok(Got::Stream(Opened { replies, hooks: received, idle }));
        }
        let reply = pin!(async {
            let response = self.client.transport.send(call, requests, sent).await?;
            let mut replies = response::open(response, call, self.client.limits(call.method()).1)?;
            only(&mut replies, &mut received).await.map(Got::Message)
        });
        match idle {
            Some(idle) => tokio::select! {
                biased;
                got = reply => got,
                quiet = idle.lost() => Err(quiet),
            },
            None => reply.await,
        }
    }

    /// The head of a stream of replies.
    async fn head(
        &self,
        call: &Call,
        requests: Requests,
        sent: Option<Hooks>,
    ) -> Result<Response<Body>, Status> {
        let sending = pin!(self.client.transport.send(call, requests, sent));
        match bound(self.policy.open_timeout) {
            Some(open) => timeout(open, sending).await.unwrap_or_else(|_| {
                Err(Status::deadline_exceeded(format!("the stream was not answered within {open:?}")))
            }),
            None => sending.await,
        }
    }
}

/// Tells the breaker how an attempt ended, also when nobody waits for it any longer.
struct Told<'a> {
    breaker: &'a Breaker,
    call: &'a Call,
    code: Option<Code>,
    is_sent: bool,
}

impl Told<'_> {
    fn ended(&mut self, got: &Result<Got, Status>) {
        let failure = got.as_ref().err();
        self.code = Some(failure.map_or(Code::Ok, Status::code));
        self.is_sent = !failure.is_some_and(response::never_sent);
    }
}

impl Drop for Told<'_> {
    fn drop(&mut self) {
        // Nobody was there: that is told with what was looked up, and a refusal here would hide it.
        if !self.is_sent {
            return;
        }
        // Whoever gives up before the deadline says nothing about the service.
        let late = self.call.is_over().then_some(Code::DeadlineExceeded);
        if let Some(code) = self.code.or(late) {
            self.breaker.ended(code);
        }
    }
}

/// The only reply of a call, once the call ended well.
async fn only(replies: &mut Incoming, hooks: &mut Option<Hooks>) -> Result<Bytes, Status> {
    let message = replies.next().await?.ok_or_else(|| Status::internal("the reply is missing"))?;
    if let Some(hooks) = hooks {
        hooks.message(&message)?;
    }
    match replies.next().await? {
        None => Ok(message),
        Some(_) => Err(Status::internal("the method has one reply, and more came")),
    }
}

impl End for Way<'_> {
    fn run<'c>(&'c mut self, call: &'c mut Call) -> BoxFuture<'c, Result<Reply, Status>> {
        Box::pin(async move { self.go(call).await.map(Reply) })
    }

    fn answer(&mut self, message: Bytes) {
        self.got = Some(Got::Message(message));
    }
}
