//! What is written for others, byte by byte, and what is read of theirs. A folder of `tests/layouts` is a test: `write` has an
//! instance and its entries, `read` has records as others write them and the instances that they stand for. `BLESS=1` renews what
//! is expected.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use jovian_runtime::registry::layout::{self, Entry, Layout, Life, Options};
use jovian_runtime::registry::{Instance, Wanted};
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
    let want = |service: &jovian_runtime::registry::Provided| {
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
