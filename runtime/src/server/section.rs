//! The group and the version that a service is served in, as programs on Dubbo ask for them.
//!
//! In: what a program or a configuration says, the headers of a request. Out: whether the request is for this service.
//! Never: a refusal where nothing was said; health, reflection and Dubbo's metadata service are called with whatever group
//! their caller has.

use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};
use tonic::Status;

use crate::call::{GROUP, VERSION};
use crate::descriptor::Service;
use crate::registry::Provided;

/// `[server.services."shop.orders.v1.Orders"]`: in which group and version a service is served.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub struct ServiceSection {
    /// `group`: which of several groups, `blue`. Default: none, and calls for any group are served.
    pub group: Option<String>,
    /// `version`: which of several versions, `1.0.0`. Default: none, and calls for any version are served.
    pub version: Option<String>,
}

impl ServiceSection {
    /// Both, where this says nothing what `weaker` says.
    pub(super) fn over(&self, weaker: &Self) -> Self {
        let or = |own: &Option<String>, other: &Option<String>| own.clone().or_else(|| other.clone());
        Self { group: or(&self.group, &weaker.group), version: or(&self.version, &weaker.version) }
    }

    /// Whether a request with these headers is for `service`, which is served so.
    pub(super) fn serves(&self, service: &str, headers: &HeaderMap) -> Result<(), Status> {
        let refused = [("group", GROUP, &self.group), ("version", VERSION, &self.version)]
            .into_iter()
            .find_map(|(what, header, own)| {
                let own = own.as_deref().filter(|own| !own.is_empty())?;
                let asked = headers.get(header).map(HeaderValue::as_bytes)?;
                // Some callers send the header without a value where they have none.
                let other = !asked.is_empty() && asked != own.as_bytes();
                other.then(|| (what, own, String::from_utf8_lossy(asked)))
            });
        match refused {
            None => Ok(()),
            Some((what, own, asked)) => Err(Status::unimplemented(format!(
                "`{service}` is served in the {what} `{own}`, not in `{asked}`"
            ))),
        }
    }

    /// A service that is served so, as registries tell of it.
    pub(crate) fn provided(&self, service: &Service) -> Provided {
        let said = |text: &Option<String>| text.clone().unwrap_or_default();
        Provided { group: said(&self.group), version: said(&self.version), ..Provided::of(service) }
    }

    /// The names beside its own under which a service is asked for: its Java interface, and Dubbo's key of either.
    pub(crate) fn other_names(&self, service: &Service) -> Vec<String> {
        let mut names = vec![self.key(service.name), service.java.to_owned(), self.key(service.java)];
        names.retain(|name| name != service.name);
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Dubbo's key of a service: `{group}/{interface}:{version}`, without what there is not.
    pub(crate) fn key(&self, interface: &str) -> String {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let group = said(&self.group).map(|group| format!("{group}/"));
        let version = said(&self.version).map(|version| format!(":{version}"));
        [group, Some(interface.to_owned()), version].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_what_there_is() {
        let section = |group: Option<&str>, version: Option<&str>| ServiceSection {
            group: group.map(str::to_owned),
            version: version.map(str::to_owned),
        };
        let keys = [
            section(None, None).key("a.B"),
            section(Some("blue"), None).key("a.B"),
            section(None, Some("1.0.0")).key("a.B"),
            section(Some("blue"), Some("1.0.0")).key("a.B"),
        ];
        assert_eq!(keys, ["a.B", "blue/a.B", "a.B:1.0.0", "blue/a.B:1.0.0"]);
        static SPLIT: Service = Service::new("split.v1.Greeter", &[]).java("com.split.Greeter");
        static PLAIN: Service = Service::new("plain.v1.Greeter", &[]);
        assert_eq!(section(None, None).other_names(&SPLIT), ["com.split.Greeter"]);
        assert!(section(None, None).other_names(&PLAIN).is_empty());
        let named = section(Some("blue"), None).other_names(&SPLIT);
        assert_eq!(named, ["blue/com.split.Greeter", "blue/split.v1.Greeter", "com.split.Greeter"]);
    }
}
