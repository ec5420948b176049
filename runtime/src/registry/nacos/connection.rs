//! One connection to a server of Nacos, which is also a session: what is registered on it goes with it.
//!
//! In: requests. Out: their answers, and what the server tells by itself, for those who listen. The connection gives signs
//! of life until it is dropped, or until the server has not heard it for so long that it has most likely forgotten it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::stream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::login::Login;
use super::texts::ChangedText;
use super::wire::{
    Ask, ConnectionSetupRequest, HealthCheckRequest, Heard, NACOS, Payload, REQUEST, STREAM,
    ServerCheckRequest, ServiceAnswer, ServiceInfo, SubscribeServiceRequest, Told, Verdict, told,
};
use super::{NacosOptions, VERSION};
use crate::call::CallOptions;
use crate::client::{Client, Target};
use crate::error::{CallError, NoDomainError};
use crate::registry::keyed::store::Trouble;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a server is left alone that is busy with what it is asked for.
const MOMENT: Duration = Duration::from_millis(20);
/// How long a server may take to know a new connection.
const BEGIN: Duration = Duration::from_secs(5);
/// How often a sign of life is given, as by the clients of Java. A server asks for one after 20 s.
const RHYTHM: Duration = Duration::from_secs(5);
/// How often it may stay unanswered before the connection is given up.
const UNANSWERED: u32 = 3;

type Failed = CallError<NoDomainError>;

/// A connection that a server knows; it ends when this is dropped.
pub(super) struct Connection {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    client: Client,
    login: Arc<Login>,
    options: Arc<NacosOptions>,
    state: watch::Sender<State>,
    /// Nobody is added once it has ended.
    listeners: Mutex<BTreeMap<Topic, Vec<UnboundedSender<Push>>>>,
}

/// What somebody listens to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    /// The instances of a service.
    Service(String),
    /// A text.
    Text { group: String, data_id: String },
}

/// What a server tells by itself.
pub(super) enum Push {
    /// All instances that there are now.
    Instances(Arc<ServiceInfo>),
    /// The text is another one now.
    Changed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Alive,
    /// The last sign of life was not answered.
    Silent(String),
    Ended(String),
}

impl Connection {
    /// Connects to one server, and returns when that knows the connection.
    pub(super) async fn open(
        server: &str,
        options: &Arc<NacosOptions>,
        login: &Arc<Login>,
    ) -> Result<Self, Trouble> {
        let target = Target::new(server);
        let target = match options.tls.clone() {
            Some(tls) => target.tls(tls),
            None => target,
        };
        let client = Client::connect::<NoDomainError>(&NACOS, target)
            .map_err(|error| Trouble::Refused(error.to_string()))?;
        let shared = Arc::new(Shared {
            client,
            login: Arc::clone(login),
            options: Arc::clone(options),
            state: watch::Sender::new(State::Alive),
            listeners: Mutex::default(),
        });
        shared.ask(&ServerCheckRequest {}).await?;
        let task = tokio::spawn(Arc::clone(&shared).run());
        let connection = Self { shared, task };
        connection.known().await?;
        Ok(connection)
    }

    /// Waits until the server knows it. Old servers do not say so, and new ones only if they are asked in other ways.
    async fn known(&self) -> Result<(), Trouble> {
        let until = Instant::now() + BEGIN;
        loop {
            match self.ask(&HealthCheckRequest {}).await {
                Err(Trouble::Lost(_)) if self.is_open() && Instant::now() < until => {
                    sleep(Duration::from_millis(10)).await;
                }
                Err(Trouble::Lost(why)) => return Err(Trouble::Away(why)),
                known => return known.map(drop),
            }
        }
    }

    /// Asks the server.
    pub(super) async fn ask<A: Ask>(&self, request: &A) -> Result<A::Answer, Trouble> {
        if let State::Ended(why) = &*self.shared.state.borrow() {
            return Err(Trouble::Lost(why.clone()));
        }
        self.shared.ask(request).await
    }

    /// What the server tells of a topic from now on; ends with the connection.
    pub(super) fn listen(&self, topic: Topic) -> UnboundedReceiver<Push> {
        let (listener, pushes) = unbounded_channel();
        let mut listeners = self.shared.listeners();
        if self.is_open() {
            listeners.entry(topic).or_default().push(listener);
        }
        pushes
    }

    /// Whether it is as far as is known.
    pub(super) fn state(&self) -> Result<(), Trouble> {
        match &*self.shared.state.borrow() {
            State::Alive => Ok(()),
            State::Silent(why) => Err(Trouble::Away(why.clone())),
            State::Ended(why) => Err(Trouble::Lost(why.clone())),
        }
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(*self.shared.state.borrow(), State::Ended(_))
    }

    /// Waits for its end.
    pub(super) async fn ended(&self) {
        let mut state = self.shared.state.subscribe();
        // The sender is in `self`.
        let _ = state.wait_for(|state| matches!(state, State::Ended(_))).await;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    async fn ask<A: Ask>(&self, request: &A) -> Result<A::Answer, Trouble> {
        let mut is_new = false;
        loop {
            let token = self.login.token().await?;
            match self.send(request, token.as_deref()).await {
                Err(Trouble::Refused(_)) if token.is_some() && !is_new => {
                    self.login.forget(token);
                    is_new = true;
                }
                done => return done,
            }
        }
    }

    async fn send<A: Ask>(&self, request: &A, token: Option<&str>) -> Result<A::Answer, Trouble> {
        let headers = token.map(|token| ("accessToken".to_owned(), token.to_owned()));
        let payload = Payload::new(A::KIND, headers.into_iter().collect(), request);
        let until = Instant::now() + PATIENCE;
        loop {
            let options = CallOptions::new().timeout(PATIENCE);
            let answer: Result<Payload, Failed> =
                self.client.with(options).unary(REQUEST, payload.clone()).await;
            let answer = answer.map_err(|error| Trouble::Away(error.to_string()))?;
            let unreadable =
                |error| Trouble::Away(format!("the answer to {} cannot be read: {error}", A::KIND));
            let verdict: Verdict = serde_json::from_slice(answer.json()).map_err(unreadable)?;
            if verdict.is_good() {
                return serde_json::from_slice(answer.json()).map_err(unreadable);
            }
            if !A::is_busy(&verdict) || Instant::now() >= until {
                return A::otherwise(&verdict).ok_or_else(|| trouble::<A>(verdict));
            }
            sleep(MOMENT).await;
        }
    }

    /// Hears the server and gives signs of life, until either fails.
    async fn run(self: Arc<Self>) {
        let why = tokio::select! {
            why = self.hear() => why,
            why = self.live() => why,
        };
        tracing::debug!(store = "nacos", why, "a connection ended");
        let mut listeners = self.listeners();
        self.state.send_replace(State::Ended(why));
        listeners.clear();
    }

    async fn live(&self) -> String {
        let mut unanswered = 0;
        loop {
            sleep(RHYTHM).await;
            match self.ask(&HealthCheckRequest {}).await {
                Ok(_) => {
                    unanswered = 0;
                    self.state
                        .send_if_modified(|state| std::mem::replace(state, State::Alive) != State::Alive);
                }
                Err(Trouble::Lost(why)) => return why,
                Err(trouble) => {
                    unanswered += 1;
                    let why = format!("it does not answer: {trouble}");
                    if unanswered == UNANSWERED {
                        return why;
                    }
                    self.state.send_replace(State::Silent(why));
                }
            }
        }
    }

    /// Answers what the server asks, until the stream ends.
    async fn hear(self: &Arc<Self>) -> String {
        let (say, said) = unbounded_channel();
        // Nobody has dropped the receiver.
        let _ = say.send(self.setup());
        let requests = stream::unfold(said, async |mut said| Some((said.recv().await?, said)));
        let client = self.client.with(CallOptions::new().without_deadline());
        let opened = client.bidi::<_, Payload, NoDomainError>(STREAM, requests).await;
        let mut told = match opened {
            Ok(told) => told,
            Err(error) => return error.to_string(),
        };
        loop {
            match told.next().await {
                Some(Ok(payload)) => {
                    let is_over = payload.kind() == told::LEAVE;
                    // It ends with the stream, which is held here.
                    let _ = say.send(self.heard(&payload));
                    if is_over {
                        // The answer is on its way.
                        sleep(Duration::from_millis(50)).await;
                        return "the server sends its clients elsewhere".to_owned();
                    }
                }
                Some(Err(error)) => return error.to_string(),
                None => return "the server has ended the connection".to_owned(),
            }
        }
    }

    fn setup(&self) -> Payload {
        let labels = BTreeMap::from([("source", "sdk"), ("module", "naming")]);
        let request =
            ConnectionSetupRequest { client_version: VERSION, tenant: &self.options.namespace, labels };
        Payload::new(ConnectionSetupRequest::KIND, BTreeMap::new(), &request)
    }

    /// Tells the listeners what the server tells; the answer to it.
    fn heard(self: &Arc<Self>, payload: &Payload) -> Payload {
        match payload.kind() {
            told::INSTANCES => match serde_json::from_slice::<ServiceAnswer>(payload.json()) {
                Ok(told) => self.tell_instances(told.service_info),
                Err(error) => tracing::warn!(store = "nacos", %error, "what the server tells cannot be read"),
            },
            told::TEXT => match serde_json::from_slice::<ChangedText>(payload.json()) {
                Ok(ChangedText { group, data_id }) => {
                    self.tell(&Topic::Text { group, data_id }, || Push::Changed);
                }
                Err(error) => tracing::warn!(store = "nacos", %error, "what the server tells cannot be read"),
            },
            _ => {}
        }
        let told = serde_json::from_slice(payload.json()).unwrap_or(Told { request_id: String::new() });
        let kind = payload.kind().replace("Request", "Response");
        Payload::new(&kind, BTreeMap::new(), &Heard::of(told))
    }
}

impl Shared {
    fn tell_instances(self: &Arc<Self>, info: ServiceInfo) {
        let service = info.service().to_owned();
        let info = Arc::new(info);
        if self.tell(&Topic::Service(service.clone()), || Push::Instances(Arc::clone(&info))) {
            return;
        }
        // Lists may be long, and nobody wants this one any more.
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let request = SubscribeServiceRequest::of(&shared.options, &service, false);
            let left = shared.ask(&request).await;
            tracing::debug!(store = "nacos", service, is_left = left.is_ok(), "is not followed any more");
        });
    }

    /// Tells those who listen to a topic, if there is anybody.
    fn tell(&self, topic: &Topic, push: impl Fn() -> Push) -> bool {
        let mut all = self.listeners();
        let Some(listeners) = all.get_mut(topic) else { return false };
        listeners.retain(|listener| listener.send(push()).is_ok());
        let is_heard = !listeners.is_empty();
        if !is_heard {
            all.remove(topic);
        }
        is_heard
    }

    fn listeners(&self) -> MutexGuard<'_, BTreeMap<Topic, Vec<UnboundedSender<Push>>>> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What it means that a request was not granted.
fn trouble<A: Ask>(verdict: Verdict) -> Trouble {
    let is_busy = A::is_busy(&verdict);
    let Verdict { error_code, message, .. } = verdict;
    let why = format!("{}: {message} ({error_code})", A::KIND);
    match error_code {
        Verdict::UNREGISTERED => Trouble::Lost(why),
        code if Verdict::REFUSED.contains(&code) && !is_busy => Trouble::Refused(why),
        _ => Trouble::Away(why),
    }
}

#[cfg(test)]
mod tests {
    use super::super::texts::ConfigQueryRequest;
    use super::super::wire::InstanceRequest;
    use super::*;

    #[test]
    fn a_text_that_is_being_written_is_no_refusal() {
        let verdict = |message: &str| -> Verdict {
            let answer = serde_json::json!({ "resultCode": 500, "errorCode": 400, "message": message });
            serde_json::from_value(answer).unwrap()
        };
        let busy = "requested file is being modified, please try later.";
        assert!(matches!(trouble::<ConfigQueryRequest<'_>>(verdict(busy)), Trouble::Away(_)));
        // Parameters that will not be taken have the same number.
        let wrong = "Param 'dataId' is illegal";
        assert!(matches!(trouble::<ConfigQueryRequest<'_>>(verdict(wrong)), Trouble::Refused(_)));
        assert!(matches!(trouble::<InstanceRequest<'_>>(verdict(busy)), Trouble::Refused(_)));
    }
}
