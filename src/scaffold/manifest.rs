//! Versions, and the runtime's manifest as it has to be outside of this repository.
//!
//! In: the manifests of this repository, the only place where versions are written. Out: single versions, and the runtime's
//! manifest without anything that it inherits.

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use super::embedded::{RUNTIME_MANIFEST, WORKSPACE_MANIFEST};

/// The version of a dependency: `1.54.1` of `tokio`.
pub(super) fn version_of(dependency: &str) -> String {
    let dependency = at(&read(WORKSPACE_MANIFEST), &["workspace", "dependencies", dependency]);
    let version = dependency.as_str().or_else(|| dependency.get("version")?.as_str());
    version.unwrap_or_default().to_owned()
}

/// A property that all packages have: `2024` for `edition`.
pub(super) fn property(name: &str) -> String {
    at(&read(WORKSPACE_MANIFEST), &["workspace", "package", name]).as_str().unwrap_or_default().to_owned()
}

/// The runtime's manifest with everything that it inherits written out. Its tests and its lints stay here, where it is
/// worked on.
pub(super) fn standalone() -> String {
    let workspace = read(WORKSPACE_MANIFEST);
    let mut manifest = read(RUNTIME_MANIFEST);
    if let Some(package) = manifest.get_mut("package").and_then(Item::as_table_mut) {
        inherit(package, &at(&workspace, &["workspace", "package"]));
        package
            .decor_mut()
            .set_prefix("# A copy, made by `jovian new`. To change the runtime, change Jovian.\n");
    }
    if let Some(dependencies) = manifest.get_mut("dependencies").and_then(Item::as_table_mut) {
        inherit(dependencies, &at(&workspace, &["workspace", "dependencies"]));
    }
    let targets = manifest.get_mut("target").and_then(Item::as_table_mut);
    for target in targets.into_iter().flat_map(|targets| targets.iter_mut().map(|(_, target)| target)) {
        if let Some(dependencies) = target.get_mut("dependencies").and_then(Item::as_table_mut) {
            inherit(dependencies, &at(&workspace, &["workspace", "dependencies"]));
        }
    }
    manifest.remove("dev-dependencies");
    manifest.remove("lints");
    manifest.to_string()
}

/// Puts what `from` has in place of every `key.workspace = true`; features that are added are kept, and what is optional stays so.
fn inherit(table: &mut Table, from: &Item) {
    for (mut key, item) in table.iter_mut() {
        let inherits = item.get("workspace").and_then(Item::as_bool) == Some(true);
        let Some(inherited) = from.get(key.get()).filter(|_| inherits) else { continue };
        let mut value = inherited.clone();
        let as_table = |value: &Item| match value {
            Item::Value(Value::InlineTable(table)) => table.clone(),
            version => InlineTable::from_iter([("version", version.as_str().unwrap_or_default())]),
        };
        if item.get("optional").and_then(Item::as_bool) == Some(true) {
            let mut table = as_table(&value);
            table.insert("optional", true.into());
            value = Item::Value(Value::InlineTable(table));
        }
        if let Some(added) = item.get("features").and_then(Item::as_array) {
            let mut table = as_table(&value);
            let features = table.entry("features").or_insert_with(|| Value::Array(Default::default()));
            if let Some(features) = features.as_array_mut() {
                features.extend(added.iter().cloned());
            }
            value = Item::Value(Value::InlineTable(table));
        }
        *item = value;
        // It was `key.workspace`; what stood around that is not what stands around a plain key.
        key.fmt();
        if let Some(value) = item.as_value_mut() {
            value.decor_mut().set_prefix(" ");
            value.decor_mut().set_suffix("");
        }
    }
}

fn at(document: &DocumentMut, path: &[&str]) -> Item {
    path.iter().try_fold(document.as_item(), |item, key| item.get(key)).cloned().unwrap_or_default()
}

#[expect(clippy::expect_used, reason = "cargo has read these texts before they were put into this program")]
fn read(manifest: &str) -> DocumentMut {
    manifest.parse().expect("a manifest is TOML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_workspace() {
        assert!(version_of("tokio").starts_with("1."));
        assert!(version_of("anyhow").starts_with("1."));
        assert_eq!(property("edition"), "2024");
    }

    #[test]
    fn a_standalone_manifest_inherits_nothing() {
        let manifest = standalone();
        assert!(!manifest.contains("workspace"), "{manifest}");
        assert!(!manifest.contains("dev-dependencies") && !manifest.contains("lints"), "{manifest}");
        let parsed: toml::Table = manifest.parse().expect("it is TOML");
        let tokio = &parsed["dependencies"]["tokio"];
        assert_eq!(tokio["version"].as_str(), Some(version_of("tokio").as_str()));
        assert_eq!(parsed["dependencies"]["prost-reflect"]["optional"].as_bool(), Some(true));
        let rustix = &parsed["target"]["cfg(unix)"]["dependencies"]["rustix"];
        assert_eq!(rustix["version"].as_str(), Some(version_of("rustix").as_str()));
        assert!(tokio["features"].as_array().is_some_and(|features| !features.is_empty()));
    }
}
