//! Texts that are never shown.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What stands for a value that is not shown.
const HIDDEN: &str = "(hidden)";

/// A name with one of these in it is that of a secret.
const SECRET: &[&str] =
    &["secret", "passw", "token", "credential", "private", "apikey", "accesskey", "signature"];

/// A text that neither logs nor pages show: a password.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// A secret with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for whoever has to send it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN)
    }
}

/// Whether a name is that of a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let name: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let name = name.to_ascii_lowercase();
    SECRET.iter().any(|word| name.contains(word))
}

/// A text without what stands for a password in the URLs in it: `redis://me:(hidden)@host/?token=(hidden)`.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        let end = after.find(|c: char| c.is_whitespace() || "\"'<>,;".contains(c)).unwrap_or(after.len());
        let (url, behind) = after.split_at(end);
        shown.push_str(before);
        shown.push_str("://");
        shown.push_str(&url_without_password(url));
        rest = behind;
    }
    shown + rest
}

/// `me:word@host/path?name=value`, without what is secret.
fn url_without_password(url: &str) -> String {
    let (place, query) = url.split_once('?').map_or((url, None), |(place, query)| (place, Some(query)));
    let place = match place.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split(':').next().unwrap_or_default();
            format!("{user}:{HIDDEN}@{host}")
        }
        None => place.to_owned(),
    };
    let Some(query) = query else { return place };
    let parameter = |parameter: &str| match parameter.split_once('=') {
        Some((name, _)) if is_secret(name) => format!("{name}={HIDDEN}"),
        _ => parameter.to_owned(),
    };
    format!("{place}?{}", query.split('&').map(parameter).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for secret in ["custom.db.password", "API_KEY", "access-key", "clientSecret", "auth_token", "passwd"]
        {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["server.address", "custom.warehouse", "log.level", "registry.kind"] {
            assert!(!is_secret(open), "{open}");
        }
    }

    #[test]
    fn passwords_in_urls_are_taken_out() {
        for (text, shown) in [
            ("redis://me:word@host:1/0", "redis://me:(hidden)@host:1/0"),
            ("a://u:p@ss/w@h,b://:x@y", "a://u:(hidden)@h,b://:(hidden)@y"),
            ("https://host/?q=1&token=abc", "https://host/?q=1&token=(hidden)"),
            ("https://word@host", "https://word:(hidden)@host"),
            ("127.0.0.1:9000", "127.0.0.1:9000"),
            ("me@host", "me@host"),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
