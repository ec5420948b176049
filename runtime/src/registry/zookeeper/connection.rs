//! One connection to one server: requests and their replies, what watches see, signs of life.
//!
//! A connection that breaks is not mended: everything that waits on it hears of that, and whoever wants to goes on with another
//! one, where he reads everything again. So nothing has to be known of watches that outlive their connection.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout};

use super::failed::Failed;
use super::wire::{Incoming, PING, Request, Ticket};

/// How long connecting and one call may take, each.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

type Answer = oneshot::Sender<Result<Bytes, Failed>>;

/// A connection, for as long as anybody holds it. Its session ends with it, unless the connection broke before.
pub(super) struct Connection {
    pub(super) ticket: Ticket,
    asked: UnboundedSender<Asked>,
    shared: Arc<Shared>,
}

/// What a connection and its task share.
#[derive(Default)]
struct Shared {
    /// Those who want to hear of a path and of all directly below it; nothing when the connection is broken.
    watchers: Mutex<Option<Watchers>>,
    why: OnceLock<String>,
}

#[derive(Default)]
struct Watchers {
    next: u64,
    of: HashMap<String, Vec<(u64, UnboundedSender<String>)>>,
}

struct Asked {
    /// With a number that is still to be given.
    frame: BytesMut,
    kind: Kind,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Usual,
    Ping,
    Close,
}

impl Connection {
    /// The path of [`watch`](Self::watch) for all that is seen.
    pub(super) const EVERYTHING: &str = "";

    /// Connects to a server (`host:port`) with a session, or with a new one.
    pub(super) async fn open(endpoint: &str, ticket: &Ticket, time: Duration) -> Result<Self, Failed> {
        let away = |why: &dyn std::fmt::Display| Failed::Away(format!("{endpoint}: {why}"));
        let connecting = async {
            let mut stream = TcpStream::connect(endpoint).await.map_err(|error| away(&error))?;
            stream.set_nodelay(true).map_err(|error| away(&error))?;
            let milliseconds = i32::try_from(time.as_millis()).unwrap_or(i32::MAX);
            let request = ticket.frame(milliseconds);
            stream.write_all(&request).await.map_err(|error| away(&error))?;
            let mut incoming = BytesMut::new();
            loop {
                if let Some(frame) = Incoming::take(&mut incoming)? {
                    return Ok((stream, incoming, Ticket::granted(&frame)?));
                }
                match stream.read_buf(&mut incoming).await {
                    Ok(0) => return Err(away(&"it closed the connection instead of granting a session")),
                    read => drop(read.map_err(|error| away(&error))?),
                }
            }
        };
        let late = |_| away(&format!("no session within {PATIENCE:?}"));
        let (stream, incoming, (ticket, time)) = timeout(PATIENCE, connecting).await.map_err(late)??;
        let (asked, asking) = unbounded_channel();
        let shared =
            Arc::new(Shared { watchers: Mutex::new(Some(Watchers::default())), why: OnceLock::new() });
        let talk = Talk::new(Duration::from_millis(time.into()), incoming, Arc::clone(&shared));
        let endpoint = endpoint.to_owned();
        let ending = Arc::clone(&shared);
        tokio::spawn(async move {
            // It ends with the runtime, too.
            let _ended = Ended(ending);
            let why = talk.run(stream, asking).await;
            let _first = _ended.0.why.set(format!("{endpoint}: {why}"));
        });
        Ok(Self { ticket, asked, shared })
    }

    /// Whether it can still be used, as far as that is known.
    pub(super) fn is_whole(&self) -> bool {
        !self.asked.is_closed()
    }

    /// Asks, and waits for the reply.
    pub(super) async fn call(&self, request: Request<'_>) -> Result<Bytes, Failed> {
        let (answer, answered) = oneshot::channel();
        let kind = match request {
            Request::Ping => Kind::Ping,
            Request::Close => Kind::Close,
            _ => Kind::Usual,
        };
        let number = if kind == Kind::Ping { PING } else { 0 };
        // Whoever does not take it drops the answer, too.
        let _ = self.asked.send(Asked { frame: request.frame(number), kind, answer });
        match timeout(PATIENCE, answered).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(self.broken()),
            Err(_) => Err(Failed::Away(format!("it did not answer within {PATIENCE:?}"))),
        }
    }

    /// Why it cannot be used any more.
    pub(super) fn broken(&self) -> Failed {
        let why = self.shared.why.get().map_or("the connection ended", String::as_str);
        Failed::Away(why.to_owned())
    }

    /// Hears from now on of all that is seen of a path, and of those directly below it, where they are watched.
    pub(super) fn watch(self: &Arc<Self>, path: &str) -> Watch {
        let (tell, touched) = unbounded_channel();
        let mut number = 0;
        if let Some(watchers) = &mut *self.shared.watchers() {
            number = watchers.next;
            watchers.next += 1;
            watchers.of.entry(path.to_owned()).or_default().push((number, tell));
        }
        Watch { connection: Arc::clone(self), path: path.to_owned(), number, touched }
    }
}

/// Says to all who wait that it is over.
struct Ended(Arc<Shared>);

impl Drop for Ended {
    fn drop(&mut self) {
        *self.0.watchers() = None;
    }
}

impl Shared {
    fn watchers(&self) -> MutexGuard<'_, Option<Watchers>> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who watch the path, those who watch its folder, and those who watch everything.
    fn touched(&self, path: &str) {
        let Some(watchers) = &*self.watchers() else { return };
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let told = [path, if folder.is_empty() { "/" } else { folder }, Connection::EVERYTHING];
        for (_, watcher) in told.iter().filter_map(|told| watchers.of.get(*told)).flatten() {
            // It is about to go.
            let _ = watcher.send(path.to_owned());
        }
    }
}

/// Hears of a path until it is dropped.
pub(super) struct Watch {
    pub(super) connection: Arc<Connection>,
    path: String,
    number: u64,
    touched: UnboundedReceiver<String>,
}

impl Watch {
    /// The next paths that were touched, at least one; nothing when the connection is broken.
    pub(super) async fn touched(&mut self) -> Option<Vec<String>> {
        let mut touched = vec![self.touched.recv().await?];
        while let Ok(path) = self.touched.try_recv() {
            touched.push(path);
        }
        Some(touched)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let Some(watchers) = &mut *self.connection.shared.watchers() else { return };
        let Some(of) = watchers.of.get_mut(&self.path) else { return };
        of.retain(|(number, _)| *number != self.number);
        if of.is_empty() {
            watchers.of.remove(&self.path);
        }
    }
}

/// What is said on a connection, and what is heard there.
struct Talk {
    time: Duration,
    incoming: BytesMut,
    outgoing: BytesMut,
    shared: Arc<Shared>,
    last: i32,
    waiting: HashMap<i32, Answer>,
    pings: Vec<Answer>,
    /// A ping was said of which nothing is heard.
    pinged: bool,
    /// The last word was said.
    closed: bool,
}

impl Talk {
    fn new(time: Duration, incoming: BytesMut, shared: Arc<Shared>) -> Self {
        Self {
            time,
            incoming,
            outgoing: BytesMut::new(),
            shared,
            last: 0,
            waiting: HashMap::new(),
            pings: Vec::new(),
            pinged: false,
            closed: false,
        }
    }

    /// Goes on until it breaks; why.
    async fn run(mut self, mut stream: TcpStream, mut asking: UnboundedReceiver<Asked>) -> String {
        let (mut reader, mut writer) = stream.split();
        let (mut heard, mut said) = (Instant::now(), Instant::now());
        let mut is_held = true;
        loop {
            if let Err(failed) = self.hear() {
                return failed.to_string();
            }
            if !is_held && self.outgoing.is_empty() {
                return "nobody wants it any more".to_owned();
            }
            let may_ping = !self.pinged && !self.closed;
            let next = (heard + self.time * 2 / 3).min(if may_ping {
                said + self.time / 3
            } else {
                heard + self.time
            });
            tokio::select! {
                read = reader.read_buf(&mut self.incoming) => match read {
                    Ok(0) => return "the server closed the connection".to_owned(),
                    Ok(_) => heard = Instant::now(),
                    Err(error) => return error.to_string(),
                },
                written = writer.write_buf(&mut self.outgoing), if !self.outgoing.is_empty() => match written {
                    Ok(_) => said = Instant::now(),
                    Err(error) => return error.to_string(),
                },
                asked = asking.recv(), if is_held => match asked {
                    Some(asked) => self.say(asked),
                    None => {
                        is_held = false;
                        self.leave();
                    }
                },
                () = sleep_until(next) => {
                    if heard.elapsed() >= self.time * 2 / 3 {
                        return format!("nothing was heard for {:?}", heard.elapsed());
                    }
                    self.pinged = true;
                    self.outgoing.extend_from_slice(&Request::Ping.frame(PING));
                }
            }
        }
    }

    fn say(&mut self, Asked { mut frame, kind, answer }: Asked) {
        self.closed |= kind == Kind::Close;
        if kind == Kind::Ping {
            self.pings.push(answer);
        } else {
            self.last = self.last.checked_add(1).unwrap_or(1);
            frame[4..8].copy_from_slice(&self.last.to_be_bytes());
            self.waiting.insert(self.last, answer);
        }
        self.outgoing.extend_from_slice(&frame);
    }

    /// Ends the session, if nobody has.
    fn leave(&mut self) {
        if !self.closed {
            self.closed = true;
            self.outgoing.extend_from_slice(&Request::Close.frame(self.last.wrapping_add(1).max(1)));
        }
    }

    fn hear(&mut self) -> Result<(), Failed> {
        while let Some(frame) = Incoming::take(&mut self.incoming)? {
            match Incoming::of(frame)? {
                Incoming::Touched(path) => self.shared.touched(&path),
                // Whoever asked may have gone.
                Incoming::Reply(PING, reply) => {
                    self.pinged = false;
                    self.pings
                        .drain(..)
                        .for_each(|answer| drop(answer.send(reply.clone().map_err(Failed::Code))));
                }
                Incoming::Reply(number, reply) => {
                    if let Some(answer) = self.waiting.remove(&number) {
                        drop(answer.send(reply.map_err(Failed::Code)));
                    }
                }
            }
        }
        Ok(())
    }
}
