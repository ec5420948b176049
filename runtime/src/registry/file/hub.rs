//! What this process knows of a folder, and what it keeps there.
//!
//! In: the folder, looked at ten times a second by one thread for all who follow it. Out: lists of instances, and records
//! that are written again when they get lost. The thread ends when nobody needs it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::folder::{self, Folder, Named, Taken};
use super::record;
use crate::registry::{Instance, Instances};

/// How long a change of the folder goes unnoticed.
pub(super) const INTERVAL: Duration = Duration::from_millis(100);

/// How long somebody else's change of the folder is waited for. It takes less than a millisecond, unless that process is
/// stopped.
const PATIENCE: Duration = Duration::from_secs(2);
const PAUSE: Duration = Duration::from_millis(5);

/// One folder, for all in this process.
pub(super) struct Hub {
    folder: Folder,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    apps: BTreeMap<String, App>,
    /// What this process keeps, by the number of the registration.
    kept: BTreeMap<u64, Kept>,
    registered: u64,
    /// Whether the thread runs.
    awake: bool,
    /// Whether it was said that the folder cannot be used.
    troubled: bool,
}

/// An app that somebody follows.
struct App {
    prefix: String,
    /// By the name of the file.
    records: BTreeMap<String, Record>,
    list: watch::Sender<Instances>,
}

/// A record of some process, kept open.
struct Record {
    /// Which file it is, as the folder says.
    number: u64,
    /// `None` if it cannot be opened.
    file: Option<File>,
    /// `None` if it cannot be read, which was said.
    instance: Option<Arc<Instance>>,
}

impl Record {
    fn is_dead(&self) -> bool {
        self.file.as_ref().is_some_and(|file| !folder::is_true(file))
    }
}

/// A record of this process.
struct Kept {
    name: String,
    text: String,
    file: File,
    /// Whether another record has its place, which was said.
    replaced: bool,
}

impl Hub {
    /// The hub of a folder.
    pub(super) fn of(path: PathBuf) -> Arc<Self> {
        static HUBS: Mutex<Vec<Weak<Hub>>> = Mutex::new(Vec::new());
        let folder = Folder::new(path);
        let mut hubs = HUBS.lock().unwrap_or_else(PoisonError::into_inner);
        hubs.retain(|hub| hub.strong_count() > 0);
        let known = hubs.iter().filter_map(Weak::upgrade).find(|hub| hub.path() == folder.path());
        known.unwrap_or_else(|| {
            let hub = Arc::new(Self { folder, state: Mutex::default() });
            hubs.push(Arc::downgrade(&hub));
            hub
        })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Follows an app, beginning with the list of now.
    pub(super) fn watch(self: &Arc<Self>, app: &str) -> watch::Receiver<Instances> {
        let mut state = self.lock();
        let receiver = state.apps.entry(app.to_owned()).or_insert_with(|| App::new(app)).list.subscribe();
        self.look(&mut state);
        self.wake(&mut state);
        receiver
    }

    /// Writes a record; gives its number.
    pub(super) async fn register(self: &Arc<Self>, instance: &Instance) -> io::Result<u64> {
        let (name, text) = (record::name(instance), record::text(instance)?);
        let taken = self.take().await?;
        taken.sweep();
        if matches!(self.folder.open(&name), Ok(Some(_))) {
            tracing::warn!(
                app = instance.app,
                id = instance.id,
                "takes the place of an instance that is alive"
            );
        }
        let file = taken.put(&name, &text)?;
        drop(taken);
        let mut state = self.lock();
        state.registered += 1;
        let number = state.registered;
        state.kept.insert(number, Kept { name, text, file, replaced: false });
        self.look(&mut state);
        self.wake(&mut state);
        Ok(number)
    }

    /// Ends a record that this process keeps. It stops being true at once; that its file is gone, too, takes the folder.
    pub(super) async fn release(&self, number: u64) {
        let Some(kept) = self.end(number) else { return };
        self.tidy(kept, self.take().await.ok());
    }

    /// The same without waiting.
    pub(super) fn abandon(&self, number: u64) {
        let Some(kept) = self.end(number) else { return };
        self.tidy(kept, self.folder.take().ok().flatten());
    }

    fn end(&self, number: u64) -> Option<Kept> {
        let kept = self.lock().kept.remove(&number)?;
        folder::end(&kept.file);
        Some(kept)
    }

    fn tidy(&self, kept: Kept, taken: Option<Taken<'_>>) {
        if let Some(taken) = taken {
            // What is left is removed by whoever sees it.
            let _left = taken.remove(&kept.name, &kept.file);
        }
        self.look(&mut self.lock());
    }

    /// Takes the folder, waiting while others change it.
    async fn take(&self) -> io::Result<Taken<'_>> {
        let mut waited = Duration::ZERO;
        loop {
            match self.folder.take()? {
                Some(taken) => return Ok(taken),
                None if waited < PATIENCE => sleep(PAUSE).await,
                None => {
                    return Err(io::Error::new(io::ErrorKind::TimedOut, "another process keeps it locked"));
                }
            }
            waited += PAUSE;
        }
    }

    /// Starts the thread if there is none.
    fn wake(self: &Arc<Self>, state: &mut State) {
        if state.awake {
            return;
        }
        let hub = Arc::clone(self);
        match thread::Builder::new().name("jovian-registry".to_owned()).spawn(move || hub.follow()) {
            Ok(_) => state.awake = true,
            Err(error) => tracing::error!(%error, "cannot follow the registry: no thread can be started"),
        }
    }

    /// What the thread does.
    fn follow(&self) {
        loop {
            thread::sleep(INTERVAL);
            let mut state = self.lock();
            state.apps.retain(|_, app| app.list.receiver_count() > 0);
            if state.apps.is_empty() && state.kept.is_empty() {
                state.awake = false;
                return;
            }
            self.look(&mut state);
        }
    }

    /// Brings the folder up to date with what is kept, and what is known with the folder.
    fn look(&self, state: &mut State) {
        let restored = state.kept.values_mut().rev().map(|kept| self.restore(kept)).fold(Ok(()), Result::and);
        match restored.and(self.read(&mut state.apps)) {
            Ok(()) => state.troubled = false,
            // A folder that nobody has registered in yet is none.
            Err(error) if error.kind() == io::ErrorKind::NotFound || state.troubled => {}
            Err(error) => {
                state.troubled = true;
                let folder = self.path().display();
                tracing::warn!(%folder, %error, "the registry cannot be used: what is known stays");
            }
        }
        for app in state.apps.values_mut() {
            self.bury(app);
            app.publish();
        }
    }

    /// Reads the records of the apps that are followed.
    fn read(&self, apps: &mut BTreeMap<String, App>) -> io::Result<()> {
        if apps.is_empty() {
            return Ok(());
        }
        let names = self.folder.names()?;
        for (id, app) in apps {
            for (name, number) in names.range(app.prefix.clone()..) {
                if !name.starts_with(&app.prefix) {
                    break;
                }
                self.meet(id, app, name, *number);
            }
            // One that was replaced while the folder was listed may not have been listed.
            app.records.retain(|name, record| match &record.file {
                _ if names.contains_key(name) => true,
                Some(file) => !matches!(self.folder.named(name, file), Ok(Named::Nobody)),
                None => false,
            });
        }
        Ok(())
    }

    /// Reads one record, if it is new or could not be read before.
    fn meet(&self, id: &str, app: &mut App, name: &str, number: u64) {
        let last = app.records.get(name).filter(|last| last.number == number);
        if last.is_some_and(|last| last.instance.is_some()) {
            return;
        }
        let (file, read) = match self.folder.open(name) {
            Ok(None) => return,
            Ok(Some(file)) => {
                let read = record::read(&file, id);
                (Some(file), read)
            }
            Err(error) => (None, Err(error)),
        };
        let record = Record { number, file, instance: None };
        if let Err(error) = &read
            && last.is_none()
            && !record.is_dead()
        {
            let file = self.path().join(name);
            tracing::warn!(file = %file.display(), %error, "a record cannot be read and is left out");
        }
        app.records.insert(name.to_owned(), Record { instance: read.ok().map(Arc::new), ..record });
    }

    /// Forgets the records whose process has died, and removes them if nobody else is changing the folder.
    fn bury(&self, app: &mut App) {
        if !app.records.values().any(Record::is_dead) {
            return;
        }
        let taken = self.folder.take().ok().flatten();
        app.records.retain(|name, record| match &record.file {
            Some(file) if !folder::is_true(file) => {
                // What is left is met again.
                let _left = taken.as_ref().map(|taken| taken.remove(name, file));
                false
            }
            _ => true,
        });
    }

    /// Writes a record again that somebody has removed.
    fn restore(&self, kept: &mut Kept) -> io::Result<()> {
        match self.folder.named(&kept.name, &kept.file)? {
            Named::This => kept.replaced = false,
            Named::Other if kept.replaced => {}
            Named::Other => {
                kept.replaced = true;
                tracing::warn!(record = kept.name, "another instance has taken the place of this one");
            }
            Named::Nobody => {
                // While others change the folder, it waits for the next look.
                if let Some(taken) = self.folder.take()?
                    && self.folder.named(&kept.name, &kept.file)? == Named::Nobody
                {
                    kept.file = taken.put(&kept.name, &kept.text)?;
                    tracing::info!(record = kept.name, "the record was gone and is written again");
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // What a panic left half done, the next look completes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl App {
    fn new(id: &str) -> Self {
        Self {
            prefix: record::prefix(id),
            records: BTreeMap::new(),
            list: watch::Sender::new(Instances::default()),
        }
    }

    /// Tells who follows the app, if anything has changed.
    fn publish(&self) {
        let mut instances: Vec<&Arc<Instance>> =
            self.records.values().filter_map(|record| record.instance.as_ref()).collect();
        instances.sort_unstable_by(|one, other| one.id.cmp(&other.id));
        self.list.send_if_modified(|list| {
            let changed = !list.iter().eq(instances.iter().copied());
            if changed {
                *list = instances.into_iter().cloned().collect();
            }
            changed
        });
    }
}
