//! Which packages need not be printed again: those that a run before has printed from the same.
//!
//! In: the model, the plan, and the pages that are remembered. Out: a number for each package, the same as long as nothing
//! that its page depends on has changed; the pages that hold; the model without what only they need.

use std::collections::{BTreeMap, BTreeSet};

use crate::files::hash;
use crate::idl::Earlier;
use crate::model::{File, Model};
use crate::plan::{Package, Plan};
use crate::settings::Settings;

/// What a run before has left.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The pages it printed, by the names of their files.
    pub pages: BTreeMap<String, Page>,
    /// What it knew of the IDL.
    pub earlier: Earlier,
}

/// A page that was printed by a run before.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// What it was printed from.
    pub key: u64,
    /// What was printed.
    pub text: String,
}

/// A number for what each page is printed from, by the name of its file.
pub(crate) fn keys(model: &Model, plan: &Plan, settings: &Settings) -> BTreeMap<String, u64> {
    let everywhere = hash((format!("{:?}", plan.edits), settings));
    // What a file says, with all that it imports: every file comes after its imports.
    let mut whole: BTreeMap<&str, u64> = BTreeMap::new();
    let mut of_package: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for file in &model.files {
        let imports: Vec<_> = file.imports().map(|name| whole.get(name)).collect();
        let key = hash((&file.name, file.digest, imports));
        whole.insert(&file.name, key);
        if file.generate {
            of_package.entry(&file.package).or_default().push(key);
        }
    }
    let key = |package: &Package| hash((everywhere, package, of_package.get(package.wire.as_str())));
    plan.packages.iter().map(|package| (package.file.clone(), key(package))).collect()
}

/// The texts of remembered pages that hold, by the names of their files.
pub(crate) fn held(
    keys: &BTreeMap<String, u64>,
    mut pages: BTreeMap<String, Page>,
) -> BTreeMap<String, String> {
    pages.retain(|name, page| keys.get(name) == Some(&page.key));
    pages.into_iter().map(|(name, page)| (name, page.text)).collect()
}

/// Leaves in the model what the pages that have to be printed depend on.
pub(crate) fn narrow(model: &mut Model, plan: &Plan, held: &BTreeMap<String, String>) {
    let printed = plan.packages.iter().filter(|package| !held.contains_key(&package.file));
    let packages: BTreeSet<&str> = printed.map(|package| package.wire.as_str()).collect();
    let needed = model.reach(|file| packages.contains(file.package.as_str()), File::imports);
    let needed: BTreeSet<String> = needed.into_iter().map(str::to_owned).collect();
    model.files.retain(|file| needed.contains(&file.name));
    model.packages.retain(|package| packages.contains(package.name.as_str()));
}
