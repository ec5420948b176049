//! Nacos as a store: connections are its sessions, and instances and texts its records.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{sleep, timeout};

use super::NacosOptions;
use super::connection::{Connection, Push, Topic};
use super::keys::Key;
use super::login::Login;
use super::servers::{servers, target};
use super::texts::{ConfigBatchListenRequest, ConfigPublishRequest, ConfigQueryRequest, Listened, Text};
use super::wire::{Ask, InstanceRequest, ServiceInfo, SubscribeServiceRequest};
use crate::registry::keyed::store::{Change, Record, Scope, Store, Trouble};

/// How often a session looks after its connection, which gives the signs of life by itself.
const RHYTHM: Duration = Duration::from_secs(1);
/// How long nothing may be told before it is asked for: who missed something is not told again for ever.
const QUIET: Duration = Duration::from_secs(60);
/// How long a text that was written may take to be read.
const SHOWN: Duration = Duration::from_secs(2);

pub(super) struct NacosStore {
    options: Arc<NacosOptions>,
    login: Arc<Login>,
    /// The number of the last session.
    last: AtomicI64,
    sessions: Mutex<BTreeMap<i64, Arc<Session>>>,
    /// For all that belongs to no session.
    shared: tokio::sync::Mutex<Option<Arc<Connection>>>,
}

struct Session {
    connection: Connection,
    /// The instances that are registered, by their keys.
    written: Mutex<BTreeMap<String, Arc<str>>>,
}

impl Session {
    fn written(&self) -> MutexGuard<'_, BTreeMap<String, Arc<str>>> {
        lock(&self.written)
    }
}

impl NacosStore {
    pub(super) fn new(options: &Arc<NacosOptions>) -> Self {
        Self {
            options: Arc::clone(options),
            login: Arc::new(Login::new(options)),
            last: AtomicI64::new(0),
            sessions: Mutex::default(),
            shared: tokio::sync::Mutex::default(),
        }
    }

    /// A connection to any server that takes one.
    async fn connect(&self) -> Result<Connection, Trouble> {
        let mut trouble = Trouble::Away("there is no server".to_owned());
        for server in servers(&self.options)? {
            match Connection::open(&target(&server, &self.options)?, &self.options, &self.login).await {
                Ok(connection) => return Ok(connection),
                Err(refused @ Trouble::Refused(_)) => return Err(refused),
                Err(other) => trouble = other,
            }
        }
        Err(trouble)
    }

    async fn shared(&self) -> Result<Arc<Connection>, Trouble> {
        let mut shared = self.shared.lock().await;
        if let Some(connection) = shared.as_ref().filter(|connection| connection.is_open()) {
            return Ok(Arc::clone(connection));
        }
        let connection = Arc::new(self.connect().await?);
        *shared = Some(Arc::clone(&connection));
        Ok(connection)
    }

    /// Asks over the connection of all.
    pub(super) async fn ask<A: Ask>(&self, request: &A) -> Result<A::Answer, Trouble> {
        self.shared().await?.ask(request).await
    }

    fn session(&self, number: i64) -> Result<Arc<Session>, Trouble> {
        let ended = || Trouble::Lost("the session has ended".to_owned());
        lock(&self.sessions).get(&number).cloned().ok_or_else(ended)
    }

    /// The latest session that has registered an instance.
    fn holder(&self, key: &str) -> Option<(i64, Arc<Session>)> {
        let sessions = lock(&self.sessions);
        let found = sessions.iter().rev().find(|(_, session)| session.written().contains_key(key));
        found.map(|(number, session)| (*number, Arc::clone(session)))
    }

    /// Registers an instance on the connection of a session, or removes it.
    async fn instance(
        &self,
        session: &Session,
        what: &str,
        service: &str,
        value: &str,
    ) -> Result<(), Trouble> {
        let unreadable = |error| Trouble::Refused(format!("an instance of `{service}`: {error}"));
        let instance = RawValue::from_string(value.to_owned()).map_err(unreadable)?;
        let NacosOptions { namespace, group: group_name, .. } = &*self.options;
        let request =
            InstanceRequest { namespace, service_name: service, group_name, what, instance: &instance };
        session.connection.ask(&request).await.map(drop)
    }

    async fn text(&self, group: &str, data_id: &str) -> Result<Option<Text>, Trouble> {
        let request = ConfigQueryRequest { data_id, group, tenant: self.options.tenant() };
        self.shared().await?.ask(&request).await
    }

    /// Writes a text if it is the one of that version, and returns when it can be read.
    async fn publish(
        &self,
        group: &str,
        data_id: &str,
        content: &str,
        version: i64,
    ) -> Result<bool, Trouble> {
        let found = self.text(group, data_id).await?;
        if found.as_ref().map_or(0, Text::version) != version {
            return Ok(false);
        }
        let cas_md5 = found.as_ref().map_or("", |text| &text.md5);
        let request =
            ConfigPublishRequest { data_id, group, tenant: self.options.tenant(), content, cas_md5 };
        if self.shared().await?.ask(&request).await?.is_none() {
            return Ok(false);
        }
        // What is read is a copy, which a server renews a moment later.
        let showing = async {
            while self.text(group, data_id).await?.is_none_or(|text| text.content != content) {
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        timeout(SHOWN, showing).await.unwrap_or(Ok(()))?;
        Ok(true)
    }

    /// Tells the instances of a service, and then all of them after every change.
    async fn follow_service(
        &self,
        service: &str,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> Result<(), Trouble> {
        let connection = self.shared().await?;
        let mut pushes = connection.listen(Topic::Service(service.to_owned()));
        let mut latest = i64::MIN;
        let mut take = |info: &ServiceInfo| {
            // What was made earlier may come later.
            if info.last_ref_time >= latest {
                latest = info.last_ref_time;
                tell(Change::All(records(service, info)));
            }
        };
        loop {
            let request = SubscribeServiceRequest::of(&self.options, service, true);
            take(&connection.ask(&request).await?.service_info);
            while let Ok(push) = timeout(QUIET, pushes.recv()).await {
                match push {
                    Some(Push::Instances(info)) => take(&info),
                    Some(Push::Changed) => {}
                    None => return connection.state(),
                }
            }
        }
    }

    /// Tells a text, and then every other one.
    async fn follow_text(
        &self,
        group: &str,
        data_id: &str,
        tell: &mut (dyn FnMut(Change) + Send),
    ) -> Result<(), Trouble> {
        let connection = self.shared().await?;
        let mut pushes =
            connection.listen(Topic::Text { group: group.to_owned(), data_id: data_id.to_owned() });
        let tenant = self.options.tenant();
        loop {
            let query = ConfigQueryRequest { data_id, group, tenant };
            let found = connection.ask(&query).await?;
            let md5 = found.as_ref().map_or("", |text| &text.md5);
            let listened = Listened { data_id, group, tenant, md5 };
            let request = ConfigBatchListenRequest { listen: true, config_listen_contexts: [listened] };
            let changed = connection.ask(&request).await?.changed_configs;
            let key = Key::Text { group: group.to_owned(), data_id: data_id.to_owned() }.to_string();
            tell(Change::All(found.map(|text| (key, text.record())).into_iter().collect()));
            if !changed.is_empty() {
                // A moment for the copy that is read.
                sleep(Duration::from_millis(20)).await;
                continue;
            }
            if let Ok(None) = timeout(QUIET, pushes.recv()).await {
                return connection.state();
            }
        }
    }
}

impl Text {
    fn record(self) -> Record {
        Record { version: self.version(), value: self.content.into(), owner: 0 }
    }

    /// A number for the sum of the text, never 0.
    fn version(&self) -> i64 {
        let digits = self.md5.get(..15).unwrap_or_default();
        i64::from_str_radix(digits, 16).unwrap_or_default() + 1
    }
}

impl Store for NacosStore {
    fn kind(&self) -> &'static str {
        "nacos"
    }

    fn rhythm(&self) -> Duration {
        RHYTHM
    }

    async fn open(&self) -> Result<i64, Trouble> {
        let session = Session { connection: self.connect().await?, written: Mutex::default() };
        let number = self.last.fetch_add(1, Relaxed) + 1;
        let mut sessions = lock(&self.sessions);
        sessions.retain(|_, session| session.connection.is_open());
        sessions.insert(number, Arc::new(session));
        Ok(number)
    }

    async fn beat(&self, session: i64) -> Result<(), Trouble> {
        self.session(session)?.connection.state()
    }

    async fn close(&self, session: i64) -> Result<(), Trouble> {
        let closing = self.session(session)?;
        let written = closing.written().clone();
        for (key, value) in written {
            if let Some(Key::Instance { service, .. }) = Key::read(&key) {
                self.instance(&closing, InstanceRequest::REMOVE, &service, &value).await?;
                closing.written().remove(&key);
            }
        }
        lock(&self.sessions).remove(&session);
        Ok(())
    }

    /// What a session has registered stands there as long as its connection does, and nobody else can remove it.
    async fn get(&self, key: &str) -> Result<Option<Record>, Trouble> {
        match Key::read(key) {
            Some(Key::Text { group, data_id }) => Ok(self.text(&group, &data_id).await?.map(Text::record)),
            _ => Ok(self.holder(key).and_then(|(owner, session)| {
                session.connection.state().ok()?;
                let value = session.written().get(key).cloned()?;
                Some(Record { value, owner, version: 1 })
            })),
        }
    }

    async fn swap(&self, key: &str, value: &str, owner: i64, version: i64) -> Result<bool, Trouble> {
        match Key::read(key) {
            Some(Key::Text { group, data_id }) => self.publish(&group, &data_id, value, version).await,
            Some(Key::Instance { service, .. }) => {
                let session = self.session(owner)?;
                self.instance(&session, InstanceRequest::REGISTER, &service, value).await?;
                session.written().insert(key.to_owned(), value.into());
                Ok(true)
            }
            None => Err(Trouble::Refused(format!("`{key}` is no key of Nacos"))),
        }
    }

    async fn follow(&self, scope: &Scope, tell: &mut (dyn FnMut(Change) + Send)) -> Trouble {
        let (Scope::Key(key) | Scope::Place(key)) = scope;
        let followed = match Key::read(key) {
            Some(Key::Text { group, data_id }) => self.follow_text(&group, &data_id, tell).await,
            Some(Key::Instance { service, address }) if address.is_empty() => {
                self.follow_service(&service, tell).await
            }
            _ => {
                // Only the end of its connection changes it.
                if let Some((_, session)) = self.holder(key) {
                    session.connection.ended().await;
                }
                tell(Change::All(BTreeMap::new()));
                Ok(())
            }
        };
        followed.err().unwrap_or_else(|| Trouble::Away("the connection has ended".to_owned()))
    }
}

/// The instances of a service as records. One that has no address has nothing that could be followed.
fn records(service: &str, info: &ServiceInfo) -> BTreeMap<String, Record> {
    #[derive(Deserialize)]
    struct Place {
        ip: String,
        port: u16,
    }
    let record = |(number, host): (usize, &RawValue)| {
        let key = match serde_json::from_str(host.get()) {
            Ok(Place { ip, port }) => Key::instance(service, &ip, port),
            // So that it is said what is wrong with it.
            Err(_) => Key::Instance { service: service.to_owned(), address: format!("unreadable {number}") },
        };
        (key.to_string(), Record { value: host.get().into(), owner: 0, version: 1 })
    };
    info.hosts.iter().map(AsRef::as_ref).enumerate().map(record).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_has_a_version_of_its_own() {
        let text = |md5: &str| Text { content: String::new(), md5: md5.to_owned() };
        let versions = ["", "d41d8cd98f00b204e9800998ecf8427e", "ffffffffffffffffffffffffffffffff"]
            .map(|md5| text(md5).version());
        assert!(versions.iter().all(|version| *version > 0), "{versions:?}");
        assert!(versions[0] != versions[1] && versions[1] != versions[2]);
    }

    #[test]
    fn one_bad_host_is_a_record_of_its_own() {
        let info: ServiceInfo = serde_json::from_str(
            r#"{"name":"a","hosts":[{"ip":"10.0.0.1","port":1},{"port":"x"},{"ip":"fe80::1","port":2}]}"#,
        )
        .unwrap();
        let found: Vec<String> = records("a", &info).into_keys().collect();
        assert_eq!(found, ["instances/a/10.0.0.1:1", "instances/a/fe80::1:2", "instances/a/unreadable 1"]);
    }
}
