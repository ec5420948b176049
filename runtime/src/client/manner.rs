//! How an instance wants to be called, where that is not how its IDL says.
//!
//! In: what its record says of a service. Out: the path and the headers of calls, as Dubbo asks for a service by another
//! name, of a group, of a version, and for the token that it told its registry.

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::registry::Instance;

const GROUP: HeaderName = HeaderName::from_static("tri-service-group");
const VERSION: HeaderName = HeaderName::from_static("tri-service-version");
/// A parameter of providers on Dubbo that they want to see again, and the header in which they do.
const TOKEN: HeaderName = HeaderName::from_static("token");

/// How calls of a service are made to one instance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manner {
    /// What stands before the method, if it is another name.
    name: Option<String>,
    group: Option<HeaderValue>,
    version: Option<HeaderValue>,
    token: Option<HeaderValue>,
}

impl Manner {
    /// The manner that the record of an instance says, if it speaks of the service.
    pub(super) fn of(instance: &Instance, service: &str) -> Self {
        let Some(said) = instance.services.iter().find(|provided| provided.name == service) else {
            return Self::default();
        };
        let value = |text: &str| HeaderValue::try_from(text).ok().filter(|value| !value.is_empty());
        Self {
            name: Some(said.path.clone()).filter(|path| !path.is_empty() && path != service),
            group: value(&said.group),
            version: value(&said.version),
            token: instance.metadata.get(TOKEN.as_str()).and_then(|token| value(token)),
        }
    }

    /// The path that a call has here.
    pub(super) fn path(&self, path: &PathAndQuery) -> PathAndQuery {
        let renamed = self.name.as_ref().and_then(|name| {
            let (_, method) = path.path().rsplit_once('/')?;
            format!("/{name}/{method}").parse().ok()
        });
        renamed.unwrap_or_else(|| path.clone())
    }

    /// Asks for the group and the version, and shows the token, unless the caller says others.
    pub(super) fn ask(&self, headers: &mut HeaderMap) {
        for (name, value) in [(GROUP, &self.group), (VERSION, &self.version), (TOKEN, &self.token)] {
            if let Some(value) = value {
                headers.entry(name).or_insert_with(|| value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Provided;

    #[test]
    fn a_record_says_path_group_and_version() {
        let provided = |name: &str, path: &str, group: &str, version: &str| Provided {
            path: path.to_owned(),
            group: group.to_owned(),
            version: version.to_owned(),
            ..Provided::named(name)
        };
        let mut instance = Instance::new("a.b.c", "10.1.0.7:9000");
        let path = PathAndQuery::from_static("/split.v1.Greeter/SayHello");
        let manner = |instance: &Instance| Manner::of(instance, "split.v1.Greeter");
        assert_eq!(manner(&instance), Manner::default());
        instance.services = vec![provided("other.v1.Greeter", "x", "x", "x")];
        assert_eq!(manner(&instance), Manner::default());
        instance.services.push(provided("split.v1.Greeter", "com.split.Greeter", "blue", "1.0.0"));
        assert_eq!(manner(&instance).path(&path), "/com.split.Greeter/SayHello");
        let mut headers = HeaderMap::new();
        headers.insert(VERSION, HeaderValue::from_static("2.0.0"));
        manner(&instance).ask(&mut headers);
        assert_eq!(
            (&headers[GROUP], &headers[VERSION]),
            (&"blue".parse().unwrap(), &"2.0.0".parse().unwrap())
        );
        // A name that is no path, a group that is no header: the call goes as the IDL says.
        instance.services[1] = provided("split.v1.Greeter", "a b", "\n", "");
        let mut headers = HeaderMap::new();
        manner(&instance).ask(&mut headers);
        assert!(headers.is_empty());
        assert_eq!(manner(&instance).path(&path), path);
    }
}
