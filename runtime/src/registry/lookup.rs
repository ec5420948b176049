//! What is looked for in which registry, as a client writes it: `etcd://10.1.0.7:2379/shop.order.orders?layout=kratos`.
//!
//! In: the text. Out: a section, as a configuration would say it, and what is wanted there. Never: a part of the text that
//! means nothing and is ignored, or a password in what is said of a text that is wrong.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::kind::{RegistryKind, needs};
use super::layout::Nacos;
use super::open::shared;
use super::section::{LayoutSection, RegistrySection};
use super::{Registry, RegistryError, Secret, Wanted};
use crate::call::percent_decoded;
use crate::descriptor::{Service, legacy_of};
use crate::net::ClientTlsSection;

/// Where a client looks, and for what, in one text:
/// `[LAYOUT+]KIND://[USER:PASSWORD@][HOST:PORT,..]/[APP or INTERFACE][?PARAMETER=..&..]`.
///
/// ```
/// use jovian_runtime::registry::Lookup;
///
/// let lookup: Lookup = "memory:///shop.order.orders".parse()?;
/// assert_eq!(lookup.of_any().app, "shop.order.orders");
/// # Ok::<(), jovian_runtime::registry::LookupError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup {
    section: RegistrySection,
    name: String,
    group: Option<String>,
    version: Option<String>,
}

/// A target that cannot be understood: what is wrong, and what may be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LookupError(String);

/// The layouts that `dubbo` stands for.
const DUBBO: [&str; 3] = ["dubbo-tri", "dubbo-app", "dubbo-grpc"];
/// What may follow the `?`.
const PARAMETERS: &str = "`layout`, `group`, `version`, `root`, `mode`, `app`, `namespace`, `nacos_group`, `env`, \
                          `empty_protection`, `tls`, `ca`, `cert`, `key`, `server_name`";

impl Lookup {
    /// The registry, shared with all of this process that look into the same one.
    ///
    /// # Errors
    ///
    /// Fails when what it needs is not built in.
    pub fn registry(&self) -> Result<Arc<dyn Registry>, RegistryError> {
        shared(&self.section)
    }

    /// The registry, as a configuration would say it.
    #[must_use]
    pub fn section(&self) -> &RegistrySection {
        &self.section
    }

    /// What is wanted of a service there.
    #[must_use]
    pub fn wanted(&self, service: &Service) -> Wanted {
        self.narrowed(Wanted::of(service))
    }

    /// What is wanted where no service is known.
    #[must_use]
    pub fn of_any(&self) -> Wanted {
        self.narrowed(Wanted::default())
    }

    fn narrowed(&self, mut wanted: Wanted) -> Wanted {
        match self.name.as_str() {
            "" => {}
            legacy if is_interface(legacy) && legacy.contains('$') => legacy.clone_into(&mut wanted.legacy),
            java if is_interface(java) => {
                java.clone_into(&mut wanted.java);
                wanted.legacy = legacy_of(java);
            }
            app => app.clone_into(&mut wanted.app),
        }
        wanted.within(self.group.as_deref(), self.version.as_deref())
    }

    /// What is looked for, if it is named.
    pub(crate) fn name(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| !name.is_empty())
    }

    /// The same in one of the registries that are configured, if this says no address and one is of its kind.
    pub(crate) fn among(self, configured: &[&RegistrySection]) -> Self {
        let RegistrySection { kind, endpoints, layouts, options, path, .. } = &self.section;
        let says_where = !endpoints.is_empty() || path.is_some();
        let known = configured.iter().find(|known| known.kind == *kind && !says_where);
        let Some(&known) = known else { return self };
        let mut section = known.clone();
        if !layouts.is_empty() {
            section.layouts.clone_from(layouts);
        }
        section.options.extend(options.clone());
        let spoken: Vec<String> = section.names().into_iter().map(str::to_owned).collect();
        section.options.retain(|layout, _| spoken.contains(layout));
        Self { section, ..self }
    }

    /// The kinds of registries, for those who wrote none of them.
    pub(crate) fn kinds() -> String {
        RegistryKind::ALL.iter().map(|kind| format!("`{}`", kind.name())).collect::<Vec<_>>().join(", ")
    }

    /// Whether a text is meant as one, and not as an address.
    #[must_use]
    pub fn is_meant(text: &str) -> bool {
        text.split_once("://").is_some_and(|(scheme, _)| scheme.contains('+') || kind(scheme).is_ok())
    }

    fn take(&mut self, key: &str, value: String) -> Result<(), LookupError> {
        let section = &mut self.section;
        match key {
            "layout" if !section.layouts.is_empty() => {
                return wrong("its layouts are named twice, before the `+` and as `layout`");
            }
            "layout" => section.layouts = layouts(value.split(','), section.kind),
            "group" => self.group = Some(value),
            "version" => self.version = Some(value),
            "app" if !self.name.is_empty() => {
                return wrong("what is looked for is named twice, in the path and as `app`");
            }
            "app" => self.name = value,
            "root" | "mode" => return self.choose(key, &value),
            "namespace" | "nacos_group" if section.kind == RegistryKind::Nacos => {
                let nacos = section.nacos.get_or_insert_default();
                let place = if key == "namespace" { &mut nacos.namespace } else { &mut nacos.group };
                *place = Some(value);
            }
            "env" if section.kind == RegistryKind::Discovery => {
                section.discovery.get_or_insert_default().env = Some(value);
            }
            "namespace" | "nacos_group" | "env" => {
                return wrong(format_args!(
                    "`{key}` means nothing to the registry `{}`",
                    section.kind.name()
                ));
            }
            "empty_protection" => section.empty_protection = flag(key, &value)?,
            "tls" if !flag(key, &value)? => section.tls = None,
            "tls" | "ca" | "cert" | "key" | "server_name" => {
                let tls = section.tls.get_or_insert_with(ClientTlsSection::default);
                match key {
                    "ca" => tls.ca = Some(value.into()),
                    "cert" => tls.cert = Some(value.into()),
                    "key" => tls.key = Some(value.into()),
                    "server_name" => tls.server_name = Some(value),
                    _ => {}
                }
            }
            _ => return wrong(format_args!("`{key}` is no parameter; there are {PARAMETERS}")),
        }
        Ok(())
    }

    /// Chooses something of every layout that looks at it.
    fn choose(&mut self, key: &str, value: &str) -> Result<(), LookupError> {
        let kind = self.section.kind;
        let spoken = self.section.names().into_iter();
        let spoken = spoken.filter(|layout| LayoutSection::is_for(key, layout, kind));
        let spoken: Vec<String> = spoken.map(str::to_owned).collect();
        if spoken.is_empty() {
            return wrong(format_args!("`{key}` means nothing to the layouts that are spoken there"));
        }
        for layout in spoken {
            let options = self.section.options.entry(layout).or_default();
            let chosen = if key == "root" { &mut options.root } else { &mut options.mode };
            *chosen = Some(value.to_owned());
        }
        Ok(())
    }

    fn checked(self) -> Result<Self, LookupError> {
        if let Some(feature) = self.section.kind.missing_feature() {
            return wrong(needs(feature));
        }
        match self.section.check() {
            Ok(()) => Ok(self),
            Err(misfit) => wrong(misfit.why),
        }
    }
}

impl FromStr for Lookup {
    type Err = LookupError;

    fn from_str(text: &str) -> Result<Self, LookupError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return wrong("it has no `://`, as `etcd://10.1.0.7:2379/shop.order.orders` has");
        };
        let (named, kind_) =
            scheme.rsplit_once('+').map_or((None, scheme), |(named, kind)| (Some(named), kind));
        let kind = kind(kind_)?;
        let layouts = named.map(|named| layouts(named.split('+'), kind)).unwrap_or_default();
        let mut section = RegistrySection { kind, layouts, ..RegistrySection::default() };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let mut path = String::new();
        match section.kind {
            RegistryKind::File => section.path = folder(place)?,
            _ => {
                let (authority, after) = place.split_once('/').unwrap_or((place, ""));
                at(&mut section, authority)?;
                path = name(after)?;
            }
        }
        let mut lookup = Self { section, name: path, group: None, version: None };
        let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
        let mut parameters: Vec<_> =
            parameters.map(|parameter| parameter.split_once('=').unwrap_or((parameter, ""))).collect();
        // What is chosen of layouts needs to know them.
        parameters.sort_by_key(|(key, _)| *key != "layout");
        for (key, value) in parameters {
            lookup.take(key, decoded(value)?)?;
        }
        lookup.checked()
    }
}

fn wrong<T>(why: impl fmt::Display) -> Result<T, LookupError> {
    Err(LookupError(why.to_string()))
}

fn kind(scheme: &str) -> Result<RegistryKind, LookupError> {
    let known = RegistryKind::ALL.into_iter().find(|kind| kind.name() == scheme);
    known.map_or_else(|| wrong(format_args!("`{scheme}` is no registry; there are {}", Lookup::kinds())), Ok)
}

/// Names of layouts, among which `dubbo` stands for all of Dubbo's that there are.
fn layouts<'a>(named: impl Iterator<Item = &'a str>, kind: RegistryKind) -> Vec<String> {
    let is_there = |name: &&str| kind != RegistryKind::Nacos || Nacos::NAMES.contains(name);
    let each = |name| match name {
        "dubbo" => DUBBO.into_iter().filter(is_there).collect(),
        name => vec![name],
    };
    named.flat_map(each).map(str::to_owned).collect()
}

/// Who asks which members: `me:word@10.1.0.7:2379,10.1.0.8:2379`.
fn at(section: &mut RegistrySection, authority: &str) -> Result<(), LookupError> {
    let (user, members) = match authority.rsplit_once('@') {
        Some((user, members)) => (Some(user), members),
        None => (None, authority),
    };
    if section.kind == RegistryKind::Memory && !authority.is_empty() {
        return wrong("the registry `memory` is this process: write `memory:///shop.order.orders`");
    }
    if let Some(user) = user {
        let (user, password) = user.split_once(':').map_or((user, None), |(user, word)| (user, Some(word)));
        section.user = Some(decoded(user)?);
        section.password = password.map(decoded).transpose()?.map(Secret::new);
    }
    for member in members.split(',').filter(|_| !members.is_empty()) {
        let port = member.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
        if port.is_none_or(|port| port == 0) || member.contains(char::is_whitespace) {
            return wrong(format_args!("`{member}` is no `host:port`, as `10.1.0.7:2379` is"));
        }
        section.endpoints.push(member.to_owned());
    }
    Ok(())
}

/// The folder of a registry in files; none for that of the user.
fn folder(place: &str) -> Result<Option<PathBuf>, LookupError> {
    match place {
        "" => Ok(None),
        place if place.starts_with('/') => Ok(Some(decoded(place)?.into())),
        _ => wrong(format_args!(
            "a folder begins with a slash: write `file:///{place}`, or `file://` for your own"
        )),
    }
}

/// The app or the interface in a path.
fn name(path: &str) -> Result<String, LookupError> {
    let path = decoded(path)?;
    match path.contains(['/', ' ', ',']) {
        true => wrong(format_args!("`{path}` names no app and no interface, as `shop.order.orders` does")),
        false => Ok(path),
    }
}

/// Whether a name is that of an interface: the last part of it begins with a capital, which no app id has.
fn is_interface(name: &str) -> bool {
    name.rsplit('.').next().is_some_and(|last| last.starts_with(char::is_uppercase))
}

fn flag(key: &str, value: &str) -> Result<bool, LookupError> {
    value.parse().or_else(|_| wrong(format_args!("`{key}` is `true` or `false`, not `{value}`")))
}

fn decoded(text: &str) -> Result<String, LookupError> {
    let bytes = percent_decoded(text.as_bytes()).into_owned();
    String::from_utf8(bytes).or_else(|_| wrong("a part of it is not UTF-8"))
}

#[cfg(test)]
mod tests;
