//! What is looked for in which registry, as a client writes it: `etcd://10.1.0.7:2379/shop.order.orders?layout=kratos`.
//!
//! In: the text. Out: a section, as a configuration would say it, and what is wanted there. Never: a part of the text that
//! means nothing and is ignored, or a password in what is said of a text that is wrong.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;

use super::open::shared;
use super::section::{LayoutSection, RegistryKind, RegistrySection, needs};
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
const PARAMETERS: &str = "`layout`, `group`, `version`, `root`, `mode`, `app`, `empty_protection`, `tls`, `ca`, `cert`, \
                          `key`, `server_name`";

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
        if let Some(group) = &self.group {
            group.clone_into(&mut wanted.group);
        }
        if let Some(version) = &self.version {
            version.clone_into(&mut wanted.version);
        }
        wanted
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
            "layout" => section.layouts = layouts(value.split(',')),
            "group" => self.group = Some(value),
            "version" => self.version = Some(value),
            "app" if !self.name.is_empty() => {
                return wrong("what is looked for is named twice, in the path and as `app`");
            }
            "app" => self.name = value,
            "root" | "mode" => return self.choose(key, &value),
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
        let spoken = self.section.names().into_iter().filter(|layout| LayoutSection::is_for(key, layout));
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
        let layouts = named.map(|named| layouts(named.split('+'))).unwrap_or_default();
        let mut section = RegistrySection { kind: kind(kind_)?, layouts, ..RegistrySection::default() };
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

/// Names of layouts, among which `dubbo` stands for all of Dubbo's.
fn layouts<'a>(named: impl Iterator<Item = &'a str>) -> Vec<String> {
    let each = |name| if name == "dubbo" { DUBBO.to_vec() } else { vec![name] };
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
mod tests {
    use super::*;

    static ORDERS: Service =
        Service::new("shop.orders.v1.Orders", &[]).app("shop.order.orders").java("com.example.shop.Orders");

    fn lookup(text: &str) -> Lookup {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_text_is_a_section_and_what_is_wanted() {
        let here = lookup("memory://");
        assert_eq!(here.section(), &RegistrySection::default());
        assert_eq!(here.wanted(&ORDERS), Wanted::of(&ORDERS));
        let other = lookup("memory:///shop.other?group=blue&version=1.0%2B1");
        let wanted = other.wanted(&ORDERS);
        assert_eq!((wanted.app.as_str(), wanted.name.as_str()), ("shop.other", "shop.orders.v1.Orders"));
        assert_eq!((wanted.group.as_str(), wanted.version.as_str()), ("blue", "1.0+1"));
        let files = lookup("file:///run/my%20fleet?app=shop.other");
        assert_eq!(files.section().path.as_deref(), Some("/run/my fleet".as_ref()));
        assert_eq!(files.of_any().app, "shop.other");
        assert_eq!(lookup("file://").section().path, None);
    }

    #[cfg(feature = "etcd")]
    #[test]
    fn members_layouts_and_options_are_read() {
        let text =
            "kratos+dubbo+etcd://me:w%40rd@10.1.0.7:2379,10.1.0.8:2379/com.other.Orders?root=fleet&tls=true";
        let all = lookup(text);
        let section = all.section();
        assert_eq!(section.endpoints, ["10.1.0.7:2379", "10.1.0.8:2379"]);
        assert_eq!(section.layouts, ["kratos", "dubbo-tri", "dubbo-app", "dubbo-grpc"]);
        assert!(
            section.options.len() == 4
                && section.options.values().all(|of| of.root.as_deref() == Some("fleet"))
        );
        assert_eq!(section.user.as_deref(), Some("me"));
        assert_eq!(section.password, Some(Secret::new("w@rd")));
        assert_eq!(section.tls, Some(ClientTlsSection::default()));
        let wanted = all.wanted(&ORDERS);
        assert_eq!((wanted.app.as_str(), wanted.java.as_str()), ("shop.order.orders", "com.other.Orders"));
        assert_eq!(wanted.legacy, "com.other.DubboOrdersGrpc$IOrders");
        let usual = lookup("etcd:///shop.order.orders?mode=live&layout=jupiter");
        assert_eq!(usual.section().members(), ["127.0.0.1:2379"]);
        assert_eq!(usual.section().options["jupiter"].mode.as_deref(), Some("live"));
        assert_eq!(
            lookup("etcd:///com.x.DubboOrdersGrpc$IOrders").of_any().legacy,
            "com.x.DubboOrdersGrpc$IOrders"
        );
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_right() {
        let mut mistakes = vec![
            ("etdc:///a", "`etdc` is no registry; there are `memory`, `file`, `etcd`"),
            ("memory://here/a", "the registry `memory` is this process: write `memory:///shop.order.orders`"),
            (
                "file://run/a",
                "a folder begins with a slash: write `file:///run/a`, or `file://` for your own",
            ),
            ("memory:///a/b", "`a/b` names no app and no interface, as `shop.order.orders` does"),
            ("memory:///a?app=b", "what is looked for is named twice, in the path and as `app`"),
            ("memory:///a?gruop=b", "`gruop` is no parameter; there are `layout`, `group`"),
            ("memory:///a?tls=yes", "`tls` is `true` or `false`, not `yes`"),
            ("memory:///%ff", "a part of it is not UTF-8"),
            ("memory:///a?mode=live", "`mode` means nothing to the layouts that are spoken there"),
        ];
        if cfg!(feature = "etcd") {
            mistakes.extend([
                ("etcd://me:word@10.1.0.7/a", "`10.1.0.7` is no `host:port`, as `10.1.0.7:2379` is"),
                ("etcd://a:1,/a", "`` is no `host:port`, as `10.1.0.7:2379` is"),
                ("jupitr+etcd:///a", "there is no layout `jupitr`; there are jupiter, dubbo-tri"),
                (
                    "kratos+etcd:///a?layout=kratos",
                    "its layouts are named twice, before the `+` and as `layout`",
                ),
            ]);
        } else {
            mistakes.push(("etcd:///a", "`etcd` needs the feature `etcd` of the crate `jovian-runtime`"));
        }
        for (text, why) in mistakes {
            let error = text.parse::<Lookup>().expect_err(text).to_string();
            assert!(error.starts_with(why) && !error.contains("word"), "{text}: {error}");
        }
    }

    #[test]
    fn addresses_are_none() {
        for address in ["http://orders:80", "10.1.0.7:9000", "unix:/run/a", "static://a,b", "https://a"] {
            assert!(!Lookup::is_meant(address), "{address}");
        }
        for lookup in ["etcd:///a", "file:///a", "dubbo+zookeper://a"] {
            assert!(Lookup::is_meant(lookup), "{lookup}");
        }
    }
}
