//! What is written for others, byte by byte, and what is read of theirs. A folder of `tests/layouts` is a test: `write` has an
//! instance and its entries, `read` has records as others write them and the instances that they stand for. `BLESS=1` renews what
//! is expected.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jovian_runtime::registry::layout::{self, Entry, Layout, Life, Options, StoreKind};
use jovian_runtime::registry::{Instance, Provided, Wanted};
use proptest::prelude::*;
use serde::Deserialize;

/// What stands in `given.toml`.
#[derive(Deserialize)]
struct Given {
    layout: String,
    #[serde(default)]
    options: Options,
    instance: Option<Instance>,
    #[serde(default)]
    wanted: BTreeMap<String, String>,
}

fn cases(kind: &str) -> Vec<(PathBuf, Given)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/layouts").join(kind);
    let mut cases: Vec<_> = fs::read_dir(folder).unwrap().map(|case| case.unwrap().path()).collect();
    cases.sort();
    let given = |case: PathBuf| {
        let text = fs::read_to_string(case.join("given.toml")).unwrap();
        let given = toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
        (case, given)
    };
    cases.into_iter().map(given).collect()
}

/// Compares, or writes what is expected.
fn expect(file: &Path, found: &str) {
    if std::env::var_os("BLESS").is_some() {
        fs::write(file, found).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert_eq!(expected, found, "{}", file.display());
}

/// `leased KEY`, and the value in the next line.
fn shown(entry: &Entry) -> String {
    let life = match entry.life {
        Life::Leased => "leased",
        Life::Kept => "kept",
        Life::Shared => "shared",
        other => panic!("{other:?}"),
    };
    format!("{life} {}\n{}\n", entry.key, entry.value)
}

fn wanted(said: &BTreeMap<String, String>) -> Wanted {
    let mut wanted = Wanted::default();
    for (name, value) in said {
        let value = value.clone();
        match name.as_str() {
            "app" => wanted.app = value,
            "name" => wanted.name = value,
            "java" => wanted.java = value,
            "legacy" => wanted.legacy = value,
            "group" => wanted.group = value,
            "version" => wanted.version = value,
            other => panic!("`{other}` cannot be wanted"),
        }
    }
    wanted
}

/// What a client that looks for each service of an instance says.
fn wants(instance: &Instance) -> Vec<Wanted> {
    let want = |service: &Provided| {
        let mut wanted = Wanted::app(&instance.app);
        wanted.name.clone_from(&service.name);
        wanted.java.clone_from(&service.java);
        wanted.legacy.clone_from(&service.legacy);
        wanted.group.clone_from(&service.group);
        wanted.version.clone_from(&service.version);
        wanted
    };
    instance.services.iter().map(want).collect()
}

/// Everything that a store would give to a client, beginning with the places.
fn found(layout: &dyn Layout, wanted: &Wanted, entries: &[Entry]) -> Vec<Instance> {
    let others = |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
    let stands = |place: &str, key: &str| {
        if place.ends_with('/') { key.starts_with(place) } else { key == place }
    };
    let mut places = layout.places(wanted);
    let mut next = 0;
    let mut instances = Vec::new();
    while let Some(place) = places.get(next).cloned() {
        next += 1;
        for entry in entries.iter().filter(|entry| stands(&place, &entry.key)) {
            for place in layout.leads_to(wanted, &entry.key, &entry.value) {
                if !places.contains(&place) {
                    places.push(place);
                }
            }
            instances.extend(layout.read_among(wanted, &entry.key, &entry.value, &others).unwrap());
        }
    }
    instances
}

#[test]
fn what_is_written_is_what_others_write() {
    for (case, given) in cases("write") {
        let layout = layout::by_name(&given.layout, &given.options).unwrap();
        let instance = given.instance.unwrap();
        let entries = layout.write(&instance);
        assert!(!entries.is_empty(), "{}", case.display());
        expect(&case.join("entries.txt"), &entries.iter().map(shown).collect::<Vec<_>>().join("\n"));

        // It is found by whoever looks for it, in the places where one looks.
        for wanted in wants(&instance) {
            let found = found(&*layout, &wanted, &entries);
            assert!(!found.is_empty(), "{}: {wanted:?}", case.display());
            for found in found {
                assert_eq!((&found.app, &found.address), (&instance.app, &instance.address));
            }
        }
        let unused = Instance { enabled: false, ..instance.clone() };
        for wanted in wants(&instance) {
            assert_eq!(found(&*layout, &wanted, &layout.write(&unused)), [], "{}", case.display());
        }
    }
}

/// Tools know the layout of a record by its key and value alone, and read it without looking for anything.
#[test]
fn what_is_written_is_recognized() {
    for (case, given) in cases("write") {
        let layout = layout::by_name(&given.layout, &given.options).unwrap();
        let instance = given.instance.unwrap();
        let entries = layout.write(&instance);
        let others =
            |key: &str| entries.iter().find(|entry| entry.key == key).map(|entry| entry.value.as_str());
        let mut read = 0;
        for entry in &entries {
            let found = layout::recognize(given.options.store, &entry.key, &entry.value);
            let found = found.unwrap_or_else(|| panic!("{}: {}", case.display(), entry.key));
            assert_eq!(found.layout.name(), layout.name(), "{}: {}", case.display(), entry.key);
            let instances = found.layout.read_among(&found.wanted, &entry.key, &entry.value, &others);
            if let Some(found) = instances.unwrap() {
                assert_eq!(found.address, instance.address, "{}: {}", case.display(), entry.key);
                read += 1;
            }
        }
        assert!(read > 0, "{}", case.display());
    }
}

#[test]
fn what_others_write_is_read() {
    for (case, given) in cases("read") {
        let layout = layout::by_name(&given.layout, &given.options).unwrap();
        let wanted = wanted(&given.wanted);
        let text = fs::read_to_string(case.join("records.txt")).unwrap();
        let records: Vec<(&str, &str)> = text
            .split("\n\n")
            .map(|record| record.trim_matches('\n'))
            .map(|record| record.split_once('\n').unwrap_or((record, "")))
            .collect();
        let others = |key: &str| records.iter().find(|record| record.0 == key).map(|record| record.1);
        let mut shown = format!("places {:?}\n", layout.places(&wanted));
        for (key, value) in &records {
            shown.push_str(&format!("\n# {key}\n"));
            for place in layout.leads_to(&wanted, key, value) {
                shown.push_str(&format!("# leads to {place}\n"));
            }
            match layout.read_among(&wanted, key, value, &others) {
                Ok(Some(instance)) => shown.push_str(&toml::to_string(&instance).unwrap()),
                Ok(None) => shown.push_str("# nothing\n"),
                Err(unreadable) => shown.push_str(&format!("# unreadable: {}\n", unreadable.why)),
            }
        }
        expect(&case.join("instances.toml"), &shown);
    }
}

prop_compose! {
    fn services()(methods in proptest::collection::btree_set("[A-Z][a-z]{1,5}[1-9]", 0..4), split in any::<bool>(),
                  group in "[a-z]{0,3}", version in "([1-9]\\.0)?", number in 1..4u8) -> Provided {
        let mut service = Provided::named(format!("shop.v1.Orders{number}"));
        let package = if split { "com.example" } else { "shop.v1" };
        service.java = format!("{package}.Orders{number}");
        service.legacy = format!("{package}.DubboOrders{number}Grpc$IOrders{number}");
        service.methods = methods.into_iter().collect();
        service.group = group;
        service.version = version;
        service
    }
}

prop_compose! {
    fn instances()(app in "[a-z]{1,6}\\.[a-z]{1,6}\\.[a-z]{1,6}", host in "10\\.0\\.[1-9]\\.[1-9]|\\[::[1-9]\\]|[a-z]{1,9}", port in 1..u16::MAX,
                   id in "[a-z/%é-]{1,9}", weight in 1..1000u32, zone in "[a-z0-9-]{0,9}", version in "[0-9.a-z+ ]{0,7}",
                   colour in "[a-zé]{0,5}", started in 100_000_000_000..2_000_000_000_000u64,
                   metadata in proptest::collection::btree_map("[a-f]{1,4}[-.][a-f]{1,4}", "[ !$%'-:<>@-~éß]{1,9}", 0..4),
                   machine in "[a-z]{0,5}", services in proptest::collection::vec(services(), 1..3)) -> Instance {
        let mut instance = Instance::new(app, format!("{host}:{port}"));
        instance.id = id;
        instance.weight = weight;
        instance.zone = zone;
        instance.version = version;
        instance.colour = colour;
        instance.started = started;
        instance.metadata = metadata;
        instance.host = machine;
        // A service is there once in a group and version.
        for service in services {
            if instance.services.iter().all(|known| known.name != service.name) {
                instance.services.push(service);
            }
        }
        instance.services.sort_by(|one, other| one.name.cmp(&other.name));
        instance
    }
}

/// What a layout can say of an instance to those who look for one of its services.
fn carried(layout: &str, instance: &Instance, service: &Provided) -> Instance {
    let whole = Instance { services: Vec::new(), host: String::new(), ..instance.clone() };
    let address = || instance.address.clone();
    let dubbo = |release: &str, mut service: Provided| {
        // Each knows the names of its own Java.
        if layout == "dubbo-grpc" {
            service.java.clear()
        } else {
            service.legacy.clear()
        }
        let mut instance = Instance { id: address(), services: vec![service], ..whole.clone() };
        instance.metadata.insert("release".to_owned(), release.to_owned());
        instance
    };
    match layout {
        "jupiter" => Instance { id: address(), host: instance.host.clone(), started: 0, ..whole },
        "kratos" => whole,
        "kitex" => Instance { id: address(), ..whole },
        "go-zero" => Instance { id: whole.id, ..Instance::new(&whole.app, address()) },
        "dubbo-tri" | "dubbo-app" => dubbo("3.3.6", service.clone()),
        "dubbo-grpc" => dubbo("2.7.23", service.clone()),
        other => panic!("`{other}` carries what?"),
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(instance in instances(), zookeeper in any::<bool>()) {
        let store = if zookeeper { StoreKind::ZooKeeper } else { StoreKind::Etcd };
        for layout in layout::all(&Options::of(store)) {
            let entries = layout.write(&instance);
            for (wanted, service) in wants(&instance).iter().zip(&instance.services) {
                let found = found(&*layout, wanted, &entries);
                prop_assert!(!found.is_empty(), "{}", layout.name());
                for mut found in found {
                    // One of several is called by its Java interface.
                    for service in found.services.iter_mut().filter(|service| service.path == service.java) {
                        service.path.clear();
                    }
                    prop_assert_eq!(&found, &carried(layout.name(), &instance, service), "{}", layout.name());
                }
            }
            let stranger = Wanted::app("another.shop.app");
            prop_assert_eq!(self::found(&*layout, &stranger, &entries), []);
        }
    }
}

#[test]
fn a_layout_is_known_by_its_name() {
    for store in [StoreKind::Etcd, StoreKind::ZooKeeper] {
        for layout in layout::all(&Options::of(store)) {
            assert_eq!(layout::by_name(layout.name(), &Options::of(store)).unwrap().name(), layout.name());
        }
    }
    let names: Vec<_> = layout::all(&Options::default()).iter().map(|layout| layout.name()).collect();
    assert_eq!(names, layout::NAMES);
    let unknown = layout::by_name("eureka", &Options::default()).unwrap_err().to_string();
    assert!(unknown.starts_with("there is no layout `eureka`; there are jupiter, "), "{unknown}");
    let elsewhere = layout::by_name("kitex", &Options::of(StoreKind::ZooKeeper)).unwrap_err();
    assert_eq!(elsewhere.to_string(), "the layout `kitex` is for etcd alone");
}
