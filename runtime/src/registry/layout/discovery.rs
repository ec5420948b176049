//! bilibili's discovery, which knows instances by itself. Format: `docs/arch.md` and `model/instance.go` of
//! `bilibili/discovery`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::labels::{self, Field};
use super::{
    Instance, Options, UnknownLayout, Unreadable, Wanted, host_and_port, is_to_be_found, json, kratos,
};

/// One instance as discovery answers it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, expecting = "an instance of discovery")]
#[non_exhaustive]
pub struct DiscoveryInstance {
    /// Where its zone is; may be empty.
    #[serde(deserialize_with = "or_empty")]
    pub region: String,
    /// Its zone.
    #[serde(deserialize_with = "or_empty")]
    pub zone: String,
    /// Its environment: `dev`, `prod`.
    #[serde(deserialize_with = "or_empty")]
    pub env: String,
    /// Its app.
    #[serde(deserialize_with = "or_empty")]
    pub appid: String,
    /// What tells the instances of an app apart.
    #[serde(deserialize_with = "or_empty")]
    pub hostname: String,
    /// Its endpoints: `grpc://10.0.0.7:9000`.
    #[serde(deserialize_with = "or_empty")]
    pub addrs: Vec<String>,
    /// The version of the app.
    #[serde(deserialize_with = "or_empty")]
    pub version: String,
    /// All else.
    #[serde(deserialize_with = "or_empty")]
    pub metadata: BTreeMap<String, String>,
    /// 1 if it may be called, 2 if it waits.
    #[serde(deserialize_with = "or_empty")]
    pub status: u32,
}

/// May be called.
const UP: u32 = 1;
/// Waits.
const WAITING: u32 = 2;
/// The fields that stand among the metadata.
const FIELDS: &[(Field, &str)] =
    &[(Field::Weight, "weight"), (Field::Colour, "color"), (Field::Started, "started")];

impl DiscoveryInstance {
    /// What is posted to register it: names and values, in the order of the documentation. The metadata is JSON.
    #[must_use]
    pub fn form(&self) -> Vec<(&'static str, String)> {
        let mut form = vec![
            ("region", self.region.clone()),
            ("zone", self.zone.clone()),
            ("env", self.env.clone()),
            ("appid", self.appid.clone()),
            ("hostname", self.hostname.clone()),
            ("status", self.status.to_string()),
        ];
        form.extend(self.addrs.iter().map(|address| ("addrs", address.clone())));
        form.push(("version", self.version.clone()));
        form.push(("metadata", json(&self.metadata)));
        form
    }
}

/// The instances of discovery.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Discovery {
    /// What may be chosen.
    pub options: Options,
    /// The environment: `dev`.
    pub env: String,
    /// The region; may be empty.
    pub region: String,
    /// The zone of instances that do not say theirs; discovery wants one.
    pub zone: String,
}

impl Discovery {
    /// Its name in configurations: there is no other layout in discovery.
    pub const NAME: &'static str = "discovery";

    /// The environment of those who say none, as in Kratos, which was made for this registry.
    pub const ENV: &'static str = "dev";
    /// The zone of those who say none.
    pub const ZONE: &'static str = "zone01";
    /// The region of those who say none.
    pub const REGION: &'static str = "region01";

    /// The layout of a name, which is [`NAME`](Self::NAME), with the environment, zone and region of those who say none.
    ///
    /// # Errors
    ///
    /// Fails for any other name.
    pub fn by_name(name: &str, options: &Options) -> Result<Self, UnknownLayout> {
        if name != Self::NAME {
            let why = format!("there is no layout `{name}` in discovery; there is `{}`", Self::NAME);
            return Err(UnknownLayout(why));
        }
        Ok(Self { region: Self::REGION.to_owned(), ..Self::new(options, Self::ENV, Self::ZONE) })
    }

    /// Those of one environment.
    #[must_use]
    pub fn new(options: &Options, env: impl Into<String>, zone: impl Into<String>) -> Self {
        Self { options: options.clone(), env: env.into(), region: String::new(), zone: zone.into() }
    }

    /// The instance that stands for this one. Its id is its `hostname`: two processes of a machine must not be one instance.
    #[must_use]
    pub fn write(&self, instance: &Instance) -> DiscoveryInstance {
        let zone = if instance.zone.is_empty() { &self.zone } else { &instance.zone };
        DiscoveryInstance {
            region: self.region.clone(),
            zone: zone.clone(),
            env: self.env.clone(),
            appid: self.options.app(&instance.app).to_owned(),
            hostname: instance.id.clone(),
            addrs: vec![format!("grpc://{}", instance.address)],
            version: instance.version.clone(),
            metadata: labels::of(instance, FIELDS),
            status: if is_to_be_found(instance) { UP } else { WAITING },
        }
    }

    /// The `appid` of what is wanted.
    #[must_use]
    pub fn appid<'a>(&'a self, wanted: &'a Wanted) -> &'a str {
        self.options.app(&wanted.app)
    }

    /// The instance that a record stands for; `None` if it is of another app or environment, or does not speak gRPC.
    ///
    /// # Errors
    ///
    /// Fails when its address cannot be read.
    pub fn read(&self, wanted: &Wanted, record: &DiscoveryInstance) -> Result<Option<Instance>, Unreadable> {
        let endpoints = record.addrs.iter().map(String::as_str);
        let Some(address) = kratos::grpc(endpoints) else { return Ok(None) };
        if record.appid != self.appid(wanted) || record.env != self.env {
            return Ok(None);
        }
        if host_and_port(address).is_none() {
            let key = format!("{} {}", record.appid, record.hostname);
            return Err(Unreadable::new(&key, format!("`{address}` is no address")));
        }
        let mut instance = Instance::new(wanted.app.clone(), address);
        if !record.hostname.is_empty() {
            record.hostname.clone_into(&mut instance.id);
        }
        record.zone.clone_into(&mut instance.zone);
        record.version.clone_into(&mut instance.version);
        instance.enabled = record.status == UP;
        labels::put(&mut instance, record.metadata.clone(), FIELDS);
        Ok(Some(instance))
    }
}

/// Null is nothing, as everywhere in Go.
fn or_empty<'de, T: Deserialize<'de> + Default, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn discovery() -> Discovery {
        Discovery::new(&Options::default(), "dev", "sh001")
    }

    #[test]
    fn an_instance_comes_back() {
        let instance = Instance {
            id: "orders-1".to_owned(),
            zone: "sh002".to_owned(),
            version: "1.4.2".to_owned(),
            colour: "gray".to_owned(),
            weight: 10,
            started: 7,
            metadata: BTreeMap::from([("team".to_owned(), "shop".to_owned())]),
            ..Instance::new("shop.order.orders", "10.0.0.7:9000")
        };
        let wanted = Wanted::app("shop.order.orders");
        let record = discovery().write(&instance);
        let form: Vec<String> =
            record.form().into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            form.join("&"),
            "region=&zone=sh002&env=dev&appid=shop.order.orders&hostname=orders-1&status=1\
             &addrs=grpc://10.0.0.7:9000&version=1.4.2\
             &metadata={\"color\":\"gray\",\"started\":\"7\",\"team\":\"shop\",\"weight\":\"10\"}"
        );
        assert_eq!(discovery().read(&wanted, &record).unwrap().unwrap(), instance);
        let waiting = Instance { enabled: false, zone: String::new(), ..instance };
        let record = discovery().write(&waiting);
        assert_eq!((record.status, record.zone.as_str()), (2, "sh001"));
        assert!(!discovery().read(&wanted, &record).unwrap().unwrap().enabled);
    }

    #[test]
    fn what_the_server_answers_is_read() {
        let read = |text: &str| {
            let record: DiscoveryInstance = serde_json::from_str(text).unwrap();
            discovery().read(&Wanted::app("shop.order.orders"), &record)
        };
        let whole = read(
            r#"{"region":"sh","zone":"sh001","env":"dev","appid":"shop.order.orders","hostname":"h1","addrs":["http://10.0.0.1:1",
            "grpc://10.0.0.1:9000?isSecure=false"],"version":"v1","metadata":{"weight":"10"},"status":1,"reg_timestamp":1795249653086396880,
            "latest_timestamp":1795249653086396880}"#,
        );
        let whole = whole.unwrap().unwrap();
        assert_eq!((whole.id.as_str(), whole.address.as_str(), whole.weight), ("h1", "10.0.0.1:9000", 10));
        let front = r#"{"appid":"shop.order.orders","env":"dev","metadata":null,"status":1,"#;
        assert!(read(&format!(r#"{front}"addrs":["grpc://10.0.0.1:9000"]}}"#)).unwrap().is_some());
        assert!(read(&format!(r#"{front}"addrs":["http://10.0.0.1:9000"]}}"#)).unwrap().is_none());
        assert!(read(&format!(r#"{front}"addrs":null}}"#)).unwrap().is_none());
        assert!(read(&format!(r#"{front}"addrs":["grpc://nobody"]}}"#)).is_err());
        assert!(read(r#"{"appid":"other","env":"dev","addrs":["grpc://10.0.0.1:9000"]}"#).unwrap().is_none());
    }
}
