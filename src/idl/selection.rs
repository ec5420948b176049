//! What of the IDL is printed, when settings choose: some packages, some services, nothing that another crate has.

use std::collections::{BTreeMap, BTreeSet};

use super::raw;
use crate::diag::{Code, Diagnostic, Diagnostics, Span};
use crate::model::Package;
use crate::names;
use crate::settings::{Details, covers};

/// Keeps the files that the settings choose. A choice that chooses nothing is a mistake.
pub(super) fn files<'a>(
    targets: BTreeSet<String>,
    files: impl Iterator<Item = &'a raw::File>,
    details: &Details,
    diags: &mut Diagnostics,
) -> BTreeSet<String> {
    let files: BTreeMap<&str, &raw::File> = files.map(|file| (file.name.as_str(), file)).collect();
    let mut unused: BTreeSet<&String> = details.packages.iter().chain(&details.services).collect();
    let mut chosen = targets;
    chosen.retain(|name| {
        let Some(file) = files.get(name.as_str()) else { return true };
        let packages: Vec<_> = details.packages.iter().filter(|name| covers(name, &file.package)).collect();
        let services: Vec<_> = details.services.iter().filter(|name| declares(file, name)).collect();
        unused.retain(|name| !packages.contains(name) && !services.contains(name));
        (details.packages.is_empty() || !packages.is_empty())
            && (details.services.is_empty() || !services.is_empty())
            && !is_elsewhere(details, &file.package)
    });
    for name in unused {
        let kind = if details.packages.contains(name) { "package" } else { "service" };
        diags.push(
            Diagnostic::error(Code::Setting, format!("there is no {kind} `{name}` in the input")).help(
                format!("give the full name of a {kind} as in the IDL: {}", example(kind, files.values())),
            ),
        );
    }
    chosen
}

/// Drops the services that were not chosen.
pub(super) fn services(packages: &mut BTreeMap<String, Package>, details: &Details) {
    packages.values_mut().for_each(|it| it.services.retain(|it| has_service(details, &it.full_name)));
}

/// Whether the service with this full name is chosen.
pub(super) fn has_service(details: &Details, full_name: &str) -> bool {
    details.services.is_empty() || details.services.iter().any(|service| is_named(service, full_name))
}

/// Whether another crate has the package or type with this full name.
pub(super) fn is_elsewhere(details: &Details, full_name: &str) -> bool {
    details.extern_path.keys().any(|key| covers(key, full_name))
}

/// A package is one file of Rust, so a run without the tree of modules has to see all of it.
pub(super) fn refuse_parts<'a>(
    files: impl Iterator<Item = &'a raw::File>,
    targets: &BTreeSet<String>,
    paths: &BTreeMap<String, String>,
    diags: &mut Diagnostics,
) {
    let span = |name: &String| Span::file(paths.get(name).unwrap_or(name));
    let (given, others): (Vec<_>, Vec<_>) = files.partition(|file| targets.contains(&file.name));
    for file in given {
        let Some(other) = others.iter().find(|other| other.package == file.package) else { continue };
        diags.push(
            Diagnostic::error(
                Code::PartialPackage,
                format!(
                    "`{}` is a part of package `{}`, and `{}` is another",
                    file.name, file.package, other.name
                ),
            )
            .at(span(&file.name))
            .label(Some(&span(&other.name)), "not among the files to generate")
            .help("give all files of a package to one run: with buf, `strategy: all` and no `modules=false`"),
        );
    }
}

fn declares(file: &raw::File, service: &str) -> bool {
    file.services.iter().any(|it| is_named(service, &names::full(&file.package, &it.name)))
}

fn is_named(wanted: &str, full_name: &str) -> bool {
    wanted.trim_start_matches('.') == full_name
}

fn example<'a>(kind: &str, mut files: impl Iterator<Item = &'a &'a raw::File>) -> String {
    let name = match kind {
        "package" => files.map(|file| file.package.clone()).find(|name| !name.is_empty()),
        _ => files
            .find_map(|file| file.services.first().map(|service| names::full(&file.package, &service.name))),
    };
    name.map_or_else(|| format!("there is no {kind} at all"), |name| format!("`{name}`"))
}
