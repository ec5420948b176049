//! Keeps the entries of one instance in a store, whatever happens to the store, to the session and to the keys.
//!
//! In: entries. Out: their keys, all leased ones on one session, until told to end. Never: overwriting a key that somebody
//! else holds, but once, when the instance is new: whoever held its address before is most likely dead.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use futures_util::future::select_all;
use tokio::sync::{Notify, oneshot};
use tokio::time::{sleep, timeout};

use super::backoff::Backoff;
use super::store::{Record, Scope, Store, Trouble};
use crate::registry::board::Standing;
use crate::registry::layout::{Entry, Life};

/// How long a store may take to forget what it was told to forget.
const LEAVE_WAIT: Duration = Duration::from_millis(2500);
/// The longest pause between repairs of one key that does not stay as it is.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How many earlier sessions are remembered as one's own.
const REMEMBERED: usize = 8;

/// Who is told when the entries are gone.
pub(super) type Answer = oneshot::Sender<Result<(), Trouble>>;

/// Keeps the entries of one instance.
pub(super) struct Keeper<S> {
    store: Arc<S>,
    entries: Vec<Entry>,
    standing: Standing,
    /// The sessions of this instance, the current one last.
    sessions: Vec<i64>,
    /// The current session still lives.
    is_open: bool,
    /// All entries were written once.
    is_known: AtomicBool,
    /// All entries were written in the current session.
    is_settled: AtomicBool,
}

/// What an entry needs.
#[derive(Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    Write(String),
    /// Somebody else holds it.
    Taken,
}

impl<S: Store> Keeper<S> {
    pub(super) fn new(store: Arc<S>, entries: Vec<Entry>, standing: Standing) -> Self {
        Self {
            store,
            entries,
            standing,
            sessions: Vec::new(),
            is_open: false,
            is_known: AtomicBool::new(false),
            is_settled: AtomicBool::new(false),
        }
    }

    /// Keeps them until it is told who wants to know that they are gone, or until there is nobody to tell it.
    pub(super) async fn run(mut self, told: oneshot::Receiver<Answer>) {
        let answer = tokio::select! {
            never = self.keep() => match never {},
            told = told => told.ok(),
        };
        let left = match self.sessions.last() {
            Some(session) if self.is_open => self.leave(*session).await,
            _ => Ok(()),
        };
        if let Err(trouble) = &left {
            tracing::debug!(store = self.store.kind(), %trouble, "records stay until their session ends");
        }
        if let Some(answer) = answer {
            // Whoever asked may have gone.
            let _ = answer.send(left);
        }
    }

    async fn leave(&self, session: i64) -> Result<(), Trouble> {
        let leaving = async {
            loop {
                match self.store.close(session).await {
                    Err(Trouble::Away(_)) => sleep(Duration::from_millis(100)).await,
                    Err(Trouble::Lost(_)) => return Ok(()),
                    done => return done,
                }
            }
        };
        let late = || Err(Trouble::Away(format!("it did not answer within {LEAVE_WAIT:?}")));
        timeout(LEAVE_WAIT, leaving).await.unwrap_or_else(|_| late())
    }

    async fn keep(&mut self) -> Infallible {
        let mut backoff = Backoff::default();
        loop {
            let begun = Instant::now();
            let trouble = self.session().await;
            self.standing.trouble(trouble.phase());
            self.is_open &= !matches!(trouble, Trouble::Lost(_));
            sleep(backoff.after(begun.elapsed())).await;
        }
    }

    /// Goes on until something has to be begun anew.
    async fn session(&mut self) -> Trouble {
        let session = match self.sessions.last() {
            Some(session) if self.is_open => *session,
            _ => match self.store.open().await {
                Ok(session) => session,
                Err(trouble) => return trouble,
            },
        };
        self.sessions.retain(|earlier| *earlier != session);
        if self.sessions.len() == REMEMBERED {
            self.sessions.remove(0);
        }
        self.sessions.push(session);
        self.is_open = true;
        // It lives from now on: a slow store may take longer than the time of a session to write all entries.
        tokio::select! {
            lost = self.live(session) => lost,
            trouble = self.work(session) => trouble,
        }
    }

    /// Writes the entries, and sees that they stay.
    async fn work(&self, session: i64) -> Trouble {
        self.is_settled.store(false, Relaxed);
        for entry in &self.entries {
            if let Err(trouble) = self.settle(session, entry, !self.is_known.load(Relaxed)).await {
                return trouble;
            }
        }
        self.is_known.store(true, Relaxed);
        self.is_settled.store(true, Relaxed);
        self.standing.held();
        let guards = self.entries.iter().map(|entry| Box::pin(self.guard(session, entry)));
        if self.entries.is_empty() { std::future::pending().await } else { select_all(guards).await.0 }
    }

    /// Gives signs of life until the session is lost.
    async fn live(&self, session: i64) -> Trouble {
        let mut backoff = Backoff::default();
        let mut pause = self.store.rhythm();
        loop {
            sleep(pause).await;
            let begun = Instant::now();
            match self.store.beat(session).await {
                Ok(()) => {
                    if self.is_settled.load(Relaxed) {
                        self.standing.held();
                    }
                    backoff = Backoff::default();
                    pause = self.store.rhythm();
                }
                Err(lost @ Trouble::Lost(_)) => return lost,
                Err(trouble) => {
                    self.standing.trouble(trouble.phase());
                    pause = backoff.after(begun.elapsed()).min(self.store.rhythm());
                }
            }
        }
    }

    /// Follows the key of an entry, and mends what others do to it, until the session is lost.
    async fn guard(&self, session: i64, entry: &Entry) -> Trouble {
        let touched = Notify::new();
        let scope = Scope::Key(entry.key.clone());
        let following = async {
            let mut backoff = Backoff::default();
            loop {
                let begun = Instant::now();
                let trouble = self.store.follow(&scope, &mut |_| touched.notify_one()).await;
                tracing::debug!(store = self.store.kind(), key = entry.key, %trouble, "follows its key anew");
                sleep(backoff.after(begun.elapsed())).await;
            }
        };
        let mending = async {
            let mut quarrel = Backoff::new(Duration::from_millis(100), LONGEST_PAUSE);
            let mut mended = Instant::now();
            loop {
                touched.notified().await;
                match self.settle(session, entry, false).await {
                    Ok(false) => {}
                    Ok(true) => {
                        tracing::info!(store = self.store.kind(), key = entry.key, "written again");
                        sleep(quarrel.after(mended.elapsed())).await;
                        mended = Instant::now();
                    }
                    Err(lost @ Trouble::Lost(_)) => return lost,
                    Err(trouble) => {
                        tracing::debug!(store = self.store.kind(), key = entry.key, %trouble, "cannot mend");
                        sleep(quarrel.after(mended.elapsed())).await;
                        touched.notify_one();
                    }
                }
            }
        };
        tokio::select! {
            never = following => never,
            lost = mending => lost,
        }
    }

    /// Sees that an entry is as it has to be; tells whether it had to be written.
    async fn settle(&self, session: i64, entry: &Entry, is_new: bool) -> Result<bool, Trouble> {
        let owner = if entry.life == Life::Leased { session } else { 0 };
        loop {
            let found = self.store.get(&entry.key).await?;
            match self.need(session, entry, found.as_ref(), is_new) {
                Need::Nothing => {
                    self.standing.taken(&entry.key, false);
                    return Ok(false);
                }
                Need::Taken => {
                    self.standing.taken(&entry.key, true);
                    return Ok(false);
                }
                Need::Write(value) => {
                    let version = found.as_ref().map_or(0, |record| record.version);
                    if self.store.swap(&entry.key, &value, owner, version).await? {
                        self.standing.taken(&entry.key, false);
                        if let Some(record) = found.filter(|record| self.is_of_another(record)) {
                            tracing::warn!(
                                store = self.store.kind(),
                                key = entry.key,
                                session = record.owner,
                                "takes the place of the record of another process, which died or has the same address"
                            );
                        }
                        return Ok(true);
                    }
                }
            }
        }
    }

    fn is_of_another(&self, record: &Record) -> bool {
        record.owner != 0 && !self.sessions.contains(&record.owner)
    }

    fn need(&self, session: i64, entry: &Entry, found: Option<&Record>, is_new: bool) -> Need {
        let written = || Need::Write(entry.value.clone());
        let Some(record) = found else { return written() };
        match entry.life {
            Life::Leased if self.is_of_another(record) && !is_new => Need::Taken,
            Life::Leased if record.owner == session && *record.value == *entry.value => Need::Nothing,
            Life::Leased => written(),
            // Whoever changed it knows why.
            Life::Kept if *record.value == *entry.value || !is_new => Need::Nothing,
            Life::Kept => written(),
            Life::Shared if record.value.is_empty() => written(),
            Life::Shared if record.value.split(',').any(|one| one == entry.value) => Need::Nothing,
            Life::Shared => Need::Write(format!("{},{}", record.value, entry.value)),
        }
    }
}
