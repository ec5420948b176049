//! Nacos, which knows instances by itself: what an instance is called there, and what stands in its metadata. Formats:
//! `NacosRegistry.java` and `NacosServiceName.java` of Dubbo, `contrib/registry/nacos` of Kratos.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::{
    Instance, Life, Options, UnknownLayout, Unreadable, Wanted, dubbo, host_and_port, is_to_be_found, kratos,
    labels,
};

/// One instance as Nacos keeps it. Its group and namespace are the registry's.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct NacosInstance {
    /// The name of the service: `providers:shop.orders.v1.Orders::`, `shop.order.orders.grpc`.
    pub service: String,
    /// The host, without the brackets of IPv6.
    pub ip: String,
    /// The port.
    pub port: u16,
    /// The share of calls. Java always writes 1, Kratos the weight itself.
    pub weight: f64,
    /// Whether an operator lets it be called.
    pub enabled: bool,
    /// Whether Nacos thinks that it lives.
    pub healthy: bool,
    /// All else. Nacos refuses more than [`LIMIT`](Self::LIMIT) characters.
    pub metadata: BTreeMap<String, String>,
}

impl NacosInstance {
    /// How many characters all keys and values of the metadata may have together.
    pub const LIMIT: usize = 1024;

    /// An instance that lives and may be called.
    #[must_use]
    pub fn new(service: impl Into<String>, ip: impl Into<String>, port: u16) -> Self {
        let (service, ip, metadata) = (service.into(), ip.into(), BTreeMap::new());
        Self { service, ip, port, weight: 1.0, enabled: true, healthy: true, metadata }
    }

    fn address(&self) -> String {
        let (ip, port) = (&self.ip, self.port);
        if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }
    }
}

/// One text that Nacos keeps beside the instances.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NacosConfig {
    /// Its name: an app, or an interface.
    pub data_id: String,
    /// Its group: a revision, or `mapping`.
    pub group: String,
    /// The text.
    pub content: String,
    /// How it is written.
    pub life: Life,
}

/// Whose instances they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NacosForm {
    /// Dubbo 3 by interface.
    DubboTri,
    /// Dubbo 3 by application.
    DubboApp,
    /// Kratos.
    Kratos,
}

/// The instances of an ecosystem in Nacos.
#[derive(Clone, Debug)]
pub struct Nacos {
    /// Whose they are.
    pub form: NacosForm,
    /// What may be chosen.
    pub options: Options,
}

impl Nacos {
    /// The names of its layouts.
    pub const NAMES: [&'static str; 3] = ["dubbo-tri", "dubbo-app", "kratos"];

    /// The layout of a name, one of [`NAMES`](Self::NAMES).
    ///
    /// # Errors
    ///
    /// Fails when there is none, or when nobody uses it in Nacos.
    pub fn by_name(name: &str, options: &Options) -> Result<Self, UnknownLayout> {
        let form = match name {
            "dubbo-tri" => NacosForm::DubboTri,
            "dubbo-app" => NacosForm::DubboApp,
            "kratos" => NacosForm::Kratos,
            _ => {
                let names = Self::NAMES.join(", ");
                return Err(UnknownLayout(format!(
                    "there is no layout `{name}` in Nacos; there are {names}"
                )));
            }
        };
        Ok(Self { form, options: options.clone() })
    }

    /// Its name, one of [`NAMES`](Self::NAMES).
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self.form {
            NacosForm::DubboTri => "dubbo-tri",
            NacosForm::DubboApp => "dubbo-app",
            NacosForm::Kratos => "kratos",
        }
    }

    /// The instances that stand for this one, each in a service of its own.
    #[must_use]
    pub fn write(&self, instance: &Instance) -> Vec<NacosInstance> {
        let Some((host, port)) = host_and_port(&instance.address) else { return Vec::new() };
        let host = host.trim_matches(['[', ']']);
        let written = |service: String, metadata| NacosInstance {
            enabled: is_to_be_found(instance),
            metadata: within_limit(metadata),
            ..NacosInstance::new(service, host, port)
        };
        match self.form {
            NacosForm::DubboTri => dubbo::providers(&self.options, instance)
                .into_iter()
                .map(|(service, parameters)| written(service, parameters))
                .collect(),
            NacosForm::DubboApp => {
                let said = dubbo::metadata::of(&self.options, instance, port);
                let labels = dubbo::metadata::labels(&said.revision, port, instance.started);
                let labels = labels.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
                vec![written(self.options.app(&instance.app).to_owned(), labels)]
            }
            NacosForm::Kratos => {
                let mut metadata = labels::of(instance, kratos::FIELDS);
                metadata.insert("kind".to_owned(), "grpc".to_owned());
                metadata.insert("version".to_owned(), instance.version.clone());
                let weight = f64::from(instance.weight);
                vec![NacosInstance { weight, ..written(self.kratos(&instance.app), metadata) }]
            }
        }
    }

    /// The texts that stand beside the instances of this one.
    #[must_use]
    pub fn configs(&self, instance: &Instance) -> Vec<NacosConfig> {
        let Some((_, port)) = host_and_port(&instance.address) else { return Vec::new() };
        if self.form != NacosForm::DubboApp {
            return Vec::new();
        }
        let said = dubbo::metadata::of(&self.options, instance, port);
        let app = self.options.app(&instance.app).to_owned();
        let group = said.revision;
        let mut configs =
            vec![NacosConfig { data_id: app.clone(), group, content: said.text, life: Life::Kept }];
        configs.extend(said.interfaces.into_iter().map(|data_id| {
            let (group, content) = ("mapping".to_owned(), app.clone());
            NacosConfig { data_id, group, content, life: Life::Shared }
        }));
        configs
    }

    /// The names of the services in which instances of what is wanted may be. By application, a mapping may name more:
    /// the content of the config of an interface in the group `mapping` is a list of apps with commas.
    #[must_use]
    pub fn services(&self, wanted: &Wanted) -> Vec<String> {
        match self.form {
            NacosForm::DubboTri => dubbo::nacos_services(wanted),
            NacosForm::DubboApp => vec![self.options.app(&wanted.app).to_owned()],
            NacosForm::Kratos => vec![self.kratos(&wanted.app)],
        }
    }

    /// The revision whose text, in the config of the app, says what the instance serves.
    #[must_use]
    pub fn revision(&self, record: &NacosInstance) -> Option<String> {
        let is_app = self.form == NacosForm::DubboApp;
        let read = || dubbo::metadata::Record::new(&record.ip, record.port, &record.metadata).revision();
        is_app.then(read).flatten()
    }

    /// The instance that a record stands for; `None` if it is none that is wanted. `said` is the text of its
    /// [revision](Self::revision).
    ///
    /// # Errors
    ///
    /// Fails when the record, or the text, cannot be read.
    pub fn read(
        &self,
        wanted: &Wanted,
        record: &NacosInstance,
        said: Option<&str>,
    ) -> Result<Option<Instance>, Unreadable> {
        let address = record.address();
        let key = format!("{} {address}", record.service);
        if host_and_port(&address).is_none() {
            return Err(Unreadable::new(&key, format!("`{address}` is no address")));
        }
        let read = match self.form {
            NacosForm::DubboTri => {
                if !self.services(wanted).contains(&record.service) {
                    return Ok(None);
                }
                dubbo::nacos_provider(&self.options, wanted, &key, &address, &record.metadata)?
            }
            NacosForm::DubboApp => {
                let read = dubbo::metadata::Record::new(&record.ip, record.port, &record.metadata);
                let Some(address) = read.address().map_err(|why| Unreadable::new(&key, why))? else {
                    return Ok(None);
                };
                let mut instance = self.options.instance(&record.service, wanted, &address);
                read.tell(&mut instance);
                let is_wanted = match said {
                    Some(said) => {
                        let services = dubbo::metadata::services(wanted, said);
                        let services = services.map_err(|why| Unreadable::new(&key, why))?;
                        dubbo::metadata::fill(wanted, &mut instance, services)
                    }
                    None => dubbo::metadata::guess(wanted, &mut instance, true),
                };
                is_wanted.then_some(instance)
            }
            NacosForm::Kratos => (record.service == self.kratos(&wanted.app)).then(|| {
                let mut instance = Instance::new(wanted.app.clone(), address);
                let mut metadata = record.metadata.clone();
                metadata.remove("kind");
                instance.version = metadata.remove("version").unwrap_or_default();
                labels::put(&mut instance, metadata, kratos::FIELDS);
                instance
            }),
        };
        Ok(read.map(|instance| Instance {
            weight: weighed(instance.weight, record.weight),
            enabled: instance.enabled && record.enabled && record.healthy,
            ..instance
        }))
    }

    /// `shop.order.orders.grpc`
    fn kratos(&self, app: &str) -> String {
        format!("{}.grpc", self.options.app(app))
    }
}

/// The weight of an instance and what Nacos says of it: a part of it up to 1, as an operator sets it for Java; more is the
/// weight itself.
fn weighed(weight: u32, of_nacos: f64) -> u32 {
    let weight = if of_nacos > 1.0 { of_nacos } else { f64::from(weight) * of_nacos.max(0.0) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it ends at the borders")]
    let weight = weight.round() as u32;
    weight
}

/// What a reader needs, in no order; all else may go.
const NEEDED: [&str; 18] = [
    "application",
    "category",
    "dubbo",
    "dubbo.endpoints",
    "dubbo.metadata.revision",
    "dubbo.metadata.storage-type",
    "dubbo.tag",
    "group",
    "interface",
    "kind",
    "meta-v",
    "path",
    "protocol",
    "release",
    "side",
    "timestamp",
    "version",
    "weight",
];

/// Leaves out what Nacos would refuse the whole instance for: the methods first, then the longest of what no reader needs.
fn within_limit(mut metadata: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let size = |metadata: &BTreeMap<String, String>| -> usize {
        metadata.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum()
    };
    while size(&metadata) > NacosInstance::LIMIT {
        let dispensable = metadata.iter().filter(|(name, _)| !NEEDED.contains(&name.as_str()));
        let first = dispensable.max_by_key(|(name, value)| (*name == "methods", name.len() + value.len()));
        let Some(first) = first.map(|(name, _)| name.clone()) else { break };
        metadata.remove(&first);
    }
    metadata
}
