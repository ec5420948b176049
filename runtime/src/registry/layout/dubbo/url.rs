//! Dubbo's URL: `tri://host:port/path?k=v&k=v`, as one segment of a key.
//!
//! In: a URL, or the segment that somebody wrote. Out: the other one. Rules: `java.net.URLEncoder` and
//! `dubbo-common/.../URLStrParser.java`.

use std::collections::BTreeMap;

use crate::call::percent_decoded;

/// A URL as Dubbo has it: the values of its parameters are not encoded one by one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Url {
    /// Its protocol: `tri`.
    pub scheme: String,
    /// `host:port`
    pub address: String,
    /// What stands before the method when it is called, without a slash at its beginning: `shop.orders.v1.Orders`. May be empty.
    pub path: String,
    /// What stands behind the `?`, not decoded a second time.
    pub parameters: BTreeMap<String, String>,
}

impl Url {
    /// The URL as a person reads it, its parameters sorted.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { scheme, address, path, parameters } = self;
        let parameters: Vec<String> =
            parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("{scheme}://{address}/{path}?{}", parameters.join("&"))
    }

    /// The URL that stands in one segment of a key, encoded as [`java.net.URLEncoder`] or others do it.
    ///
    /// # Errors
    ///
    /// Fails, with what is wrong, when it is no URL.
    ///
    /// [`java.net.URLEncoder`]: https://docs.oracle.com/javase/8/docs/api/java/net/URLEncoder.html
    pub fn read(segment: &str) -> Result<Self, String> {
        let text = decode(segment)?;
        let (rest, query) = text.split_once('?').unwrap_or((&text, ""));
        let (scheme, rest) = rest.split_once("://").ok_or("it is no URL")?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Who may register stands before an `@`, if anywhere.
        let address = authority.rsplit_once('@').map_or(authority, |(_, address)| address);
        let mut parameters = BTreeMap::new();
        let mut defaults = BTreeMap::new();
        for pair in query.split(['&', ';']).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (map, name) = match name.strip_prefix("default.") {
                Some(name) => (&mut defaults, name),
                None => (&mut parameters, name),
            };
            map.insert(name.to_owned(), value.to_owned());
        }
        for (name, value) in defaults {
            parameters.entry(name).or_insert(value);
        }
        let path = path.trim_start_matches('/').to_owned();
        Ok(Self { scheme: scheme.to_owned(), address: address.to_owned(), path, parameters })
    }

    /// The value of a parameter; empty if there is none.
    #[must_use]
    pub fn parameter(&self, name: &str) -> &str {
        self.parameters.get(name).map_or("", String::as_str)
    }
}

/// Whether a parameter comes back whole from every reader. Java cuts `pid=` and `timestamp=` out of the text wherever they
/// stand, together with what follows, so no other name may end like that; `;` separates parameters like `&`.
pub(super) fn is_parameter(name: &str, value: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty()
            && !name.starts_with("default.")
            && !name.ends_with("pid")
            && !name.ends_with("timestamp")
            && !name.contains(['='])
    };
    let is_text = |text: &str| !text.contains(['&', ';', '?', '#']);
    is_name(name) && is_text(name) && is_text(value) && !value.is_empty()
}

/// `java.net.URLEncoder`: upper-case digits, a space is `+`, and `.`, `-`, `*`, `_` stay. Java looks for `%3A%2F%2F` and `%3F`
/// in this spelling.
pub(super) fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 3 / 2);
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => {
                encoded.push(char::from(byte));
            }
            b' ' => encoded.push('+'),
            other => encoded.push_str(&format!("%{other:02X}")),
        }
    }
    encoded
}

/// What was encoded by whomever, with digits in either case. A `%` that begins nothing stands for itself.
pub(super) fn decode(text: &str) -> Result<String, String> {
    let text = text.replace('+', " ");
    let decoded = percent_decoded(text.as_bytes()).into_owned();
    String::from_utf8(decoded).map_err(|_| "it is not UTF-8".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_encoded_as_java_does() {
        assert_eq!(encode("a-Z_0.9* ~$,:/é"), "a-Z_0.9*+%7E%24%2C%3A%2F%C3%A9");
        assert_eq!(decode("%3a%2F%2f+%24%C3%a9%%4").unwrap(), ":// $é%%4");
        assert_eq!(decode("%ff"), Err("it is not UTF-8".to_owned()));
    }

    #[test]
    fn parts_that_are_missing_are_empty() {
        let read = |text: &str| Url::read(&encode(text)).unwrap();
        let url = read("grpc://me:secret@[::1]:1?default.a=1&b=2&default.b=3&c");
        assert_eq!((url.scheme.as_str(), url.address.as_str(), url.path.as_str()), ("grpc", "[::1]:1", ""));
        let (a, b, c) = (url.parameter("a"), url.parameter("b"), url.parameter("c"));
        assert_eq!((a, b, c, url.parameter("d")), ("1", "2", "", ""));
        assert_eq!(read("tri://h:1/a.B").text(), "tri://h:1/a.B?");
        assert!(Url::read("providers").is_err());
    }

    #[test]
    fn what_java_would_cut_is_no_parameter() {
        for (name, value) in [("apppid", "1"), ("atimestamp", "1"), ("a", "b&c"), ("a", "b;c"), ("a", "")] {
            assert!(!is_parameter(name, value), "{name}={value}");
        }
        assert!(is_parameter("dubbo.tag", "a=b,c"));
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in any::<String>()) {
            let encoded = encode(&text);
            prop_assert!(!encoded.contains('/'));
            let lower = encoded.split('%').map(|part| {
                let (digits, rest) = part.split_at(part.len().min(2));
                digits.to_lowercase() + rest
            });
            // What stands before the first `%` is no digits.
            if encoded.starts_with('%') {
                prop_assert_eq!(decode(&lower.collect::<Vec<_>>().join("%")).unwrap(), text.clone());
            }
            prop_assert_eq!(decode(&encoded).unwrap(), text);
        }
    }
}
