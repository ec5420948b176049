//! The registry of a new project: where its service is found, and in which forms it is written there.
//!
//! In: what `--registry` and `--layout` say. Out: a [`Registry`] in which both go together, or a complaint that says what does.

use jovian_runtime::registry::layout::{self, Nacos, Options, StoreKind};

use crate::diag::{Code, Diagnostic, Diagnostics};

/// What a project is registered in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Registry {
    kind: &'static Kind,
    layouts: Vec<&'static str>,
}

/// A kind of registry, as a configuration names it.
#[derive(Debug, PartialEq, Eq)]
struct Kind {
    name: &'static str,
    /// What has to run, if the runtime does not bring it.
    store: Option<Store>,
}

/// A program that keeps the records of many machines. The runtime's feature for it has the name of the kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Store {
    /// What people call it: `ZooKeeper`.
    pub(super) title: &'static str,
    /// Where `compose.yaml` starts it.
    pub(super) endpoint: &'static str,
    /// What shows what is written into it.
    pub(super) keys: &'static str,
    /// What shows everything that is in it, in the folder of the project.
    pub(super) look: &'static str,
    /// Which store of keys it is, if it is one.
    keys_of: Option<StoreKind>,
    /// The layouts of a project that asks for none.
    usual: &'static [&'static str],
}

const KINDS: &[Kind] = &[
    Kind { name: "memory", store: None },
    Kind { name: "file", store: None },
    Kind {
        name: "etcd",
        store: Some(Store {
            title: "etcd",
            endpoint: "127.0.0.1:2379",
            keys: "jovian keys",
            look: "docker compose exec etcd etcdctl get --prefix ''",
            keys_of: Some(StoreKind::Etcd),
            usual: &["jupiter"],
        }),
    },
    Kind {
        name: "zookeeper",
        store: Some(Store {
            title: "ZooKeeper",
            endpoint: "127.0.0.1:2181",
            keys: "jovian keys --store zookeeper",
            look: "docker compose exec zookeeper zkCli.sh ls -R /",
            keys_of: Some(StoreKind::ZooKeeper),
            usual: &DUBBO,
        }),
    },
    Kind {
        name: "nacos",
        store: Some(Store {
            title: "Nacos",
            endpoint: "127.0.0.1:8848",
            keys: "jovian keys --store nacos",
            look: "curl 'http://127.0.0.1:8848/nacos/v1/ns/service/list?pageNo=1&pageSize=100'",
            keys_of: None,
            usual: &DUBBO,
        }),
    },
];

/// What `dubbo` stands for: a consumer of Dubbo 3 looks for both.
const DUBBO: [&str; 2] = ["dubbo-tri", "dubbo-app"];

impl Registry {
    /// The registry of a project for which nobody chose one.
    pub(crate) const DEFAULT: &str = "file";

    /// Reads the name of a registry, and those of layouts.
    ///
    /// # Errors
    /// For a name that is none, and for layouts that the registry does not have.
    pub(crate) fn parse(name: &str, layouts: &[String]) -> Result<Self, Diagnostics> {
        let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
            return Err(no_registry(name).into());
        };
        let layouts = match &kind.store {
            Some(store) => store.named(layouts)?,
            None if layouts.is_empty() => Vec::new(),
            None => return Err(no_layouts(name).into()),
        };
        Ok(Self { kind, layouts })
    }

    /// As the configuration says it, and the feature of the runtime, where it takes one: `etcd`.
    pub(crate) fn name(&self) -> &'static str {
        self.kind.name
    }

    /// What has to run, as people call it.
    pub(crate) fn title(&self) -> Option<&'static str> {
        self.store().map(|store| store.title)
    }

    /// Whether processes find each other in it.
    pub(crate) fn is_shared(&self) -> bool {
        self.kind.name != "memory"
    }

    pub(super) fn store(&self) -> Option<&'static Store> {
        self.kind.store.as_ref()
    }

    pub(super) fn layouts(&self) -> &[&'static str] {
        &self.layouts
    }
}

impl Store {
    fn known(&self) -> Vec<&'static str> {
        match self.keys_of {
            Some(kind) => layout::all(&Options::of(kind)).iter().map(|layout| layout.name()).collect(),
            None => Nacos::NAMES.to_vec(),
        }
    }

    /// The layouts of these names, each one once; the usual ones if there are no names.
    fn named(&self, names: &[String]) -> Result<Vec<&'static str>, Diagnostics> {
        if names.is_empty() {
            return Ok(self.usual.to_vec());
        }
        let known = self.known();
        let mut diags = Diagnostics::default();
        let mut layouts = Vec::new();
        for name in names {
            let meant = known.iter().filter(|layout| match name.as_str() {
                "dubbo" => DUBBO.contains(layout),
                name => **layout == name,
            });
            let new: Vec<&str> = meant.copied().collect();
            if new.is_empty() {
                diags.push(self.no_layout(name));
            }
            layouts.extend(new.into_iter().filter(|layout| !layouts.contains(layout)).collect::<Vec<_>>());
        }
        diags.stop_on_error().map(|()| layouts)
    }

    fn no_layout(&self, name: &str) -> Diagnostic {
        let Self { title, .. } = self;
        let [tri, app] = DUBBO;
        Diagnostic::error(Code::Setting, format!("{title} has no layout `{name}`"))
            .help(format!("its layouts are {}; `dubbo` is `{tri}` and `{app}`", listed(self.known())))
    }
}

fn no_registry(name: &str) -> Diagnostic {
    let kinds = listed(KINDS.iter().map(|kind| kind.name));
    Diagnostic::error(Code::Setting, format!("there is no registry `{name}`"))
        .help(format!("the registries are {kinds}"))
}

fn no_layouts(name: &str) -> Diagnostic {
    let stores = KINDS.iter().filter(|kind| kind.store.is_some()).map(|kind| kind.name);
    Diagnostic::error(Code::Setting, format!("the registry `{name}` has no layouts")).help(format!(
        "leave `--layout` out, or name a registry that others read, too: `--registry` with one of {}",
        listed(stores)
    ))
}

fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Registry};

    fn registry(name: &str, layouts: &[&str]) -> Result<Registry, String> {
        let layouts: Vec<String> = layouts.iter().map(|&layout| layout.to_owned()).collect();
        Registry::parse(name, &layouts).map_err(|diags| diags.to_string())
    }

    #[test]
    fn what_is_usual_is_known() {
        for store in KINDS.iter().filter_map(|kind| kind.store.as_ref()) {
            let known = store.known();
            assert!(store.usual.iter().all(|layout| known.contains(layout)), "{store:?}");
        }
        assert_eq!(registry("etcd", &[]).expect("etcd").layouts(), ["jupiter"]);
        assert_eq!(registry("zookeeper", &[]).expect("ZooKeeper").layouts(), ["dubbo-tri", "dubbo-app"]);
        assert_eq!(registry("nacos", &["kratos", "dubbo"]).expect("Nacos").layouts().len(), 3);
        assert_eq!(registry(Registry::DEFAULT, &[]).expect("the default").layouts(), [""; 0]);
    }

    #[test]
    fn layouts_keep_their_order_and_come_once() {
        let layouts = |names: &[&str]| registry("etcd", names).expect("layouts").layouts;
        assert_eq!(layouts(&["dubbo", "jupiter", "dubbo-tri"]), ["dubbo-tri", "dubbo-app", "jupiter"]);
        assert_eq!(layouts(&["dubbo-app", "dubbo", "dubbo-app"]), ["dubbo-app", "dubbo-tri"]);
    }
}
