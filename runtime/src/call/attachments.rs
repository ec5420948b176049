//! Dubbo's attachments: texts that travel beside a request.
//!
//! In: the headers of a call. Out: attachments by name. Dubbo 3 sends them as headers of their own, in lower case, and says
//! in `tri-header-convert` how they were spelled (`TripleHeaderEnum`); Dubbo 2.7 puts `d-` before their names. What is not
//! ASCII comes in Latin-1. Never: a failure, whatever came.

use std::borrow::Cow;
use std::collections::BTreeMap;

use http::{HeaderMap, HeaderValue};

use super::reserved::is_reserved;
use super::text::{percent_decoded, text_of};

/// How attachments were spelled: JSON, percent-encoded: `{"upper-mark":"Upper-Mark"}`.
const SPELLING: &str = "tri-header-convert";
/// What Dubbo 2.7 puts before a name.
const OLD: &str = "d-";
/// Names that Dubbo and libraries of gRPC use for themselves; those of the protocol are known elsewhere.
const NOT_ATTACHMENTS: [&str; 5] = ["accept-encoding", "timeout", "interface", "retries", "user-agent"];

/// The headers of Dubbo that say which group and version of a service are asked for (`TripleHeaderEnum`).
pub(crate) const GROUP: &str = "tri-service-group";
pub(crate) const VERSION: &str = "tri-service-version";

/// The text of one attachment.
pub(super) fn attachment<'h>(headers: &'h HeaderMap, name: &str) -> Option<Cow<'h, str>> {
    let name = name.to_ascii_lowercase();
    let value = headers.get(&name).or_else(|| headers.get(format!("{OLD}{name}")))?;
    Some(text_of(value.as_bytes()))
}

/// All of them; of several with one name the first.
pub(super) fn attachments(headers: &HeaderMap) -> BTreeMap<String, String> {
    let spelling = headers.get(SPELLING).map(spelling).unwrap_or_default();
    let mut attachments = BTreeMap::new();
    for name in headers.keys().map(http::HeaderName::as_str) {
        let is_text = !name.ends_with("-bin") && !name.starts_with("tri-");
        if is_text && !is_reserved(name) && !NOT_ATTACHMENTS.contains(&name) {
            let plain = name.strip_prefix(OLD).unwrap_or(name);
            let spelled = spelling.get(name).map_or(plain, String::as_str).to_owned();
            if let Some(value) = headers.get(name) {
                attachments.insert(spelled, text_of(value.as_bytes()).into_owned());
            }
        }
    }
    attachments
}

/// What cannot be read says nothing: then names stay in lower case.
fn spelling(said: &HeaderValue) -> BTreeMap<String, String> {
    serde_json::from_slice(&percent_decoded(said.as_bytes())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use proptest::prelude::*;

    use super::*;

    fn headers(entries: &[(&'static str, &[u8])]) -> HeaderMap {
        let entry = |(name, value): &(&'static str, &[u8])| {
            (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap())
        };
        entries.iter().map(entry).collect()
    }

    #[test]
    fn names_get_their_capitals_back() {
        let headers = headers(&[
            ("content-type", b"application/grpc+proto"),
            ("grpc-timeout", b"3000000u"),
            ("timeout", b"3000"),
            ("tri-consumer-appname", b"java-consumer"),
            ("upper-mark", b"three"),
            ("tri-header-convert", b"%7B%22upper-mark%22%3A%22Upper-Mark%22%7D"),
            ("text", b"gr\xf6\xdfe"),
            ("d-remote.application", b"java27-consumer"),
            ("x-bytes-bin", b"AAEC"),
        ]);
        let all = attachments(&headers);
        let expected =
            [("Upper-Mark", "three"), ("remote.application", "java27-consumer"), ("text", "größe")];
        assert_eq!(all, expected.map(|(name, text)| (name.to_owned(), text.to_owned())).into());
        for (name, text) in expected {
            assert_eq!(attachment(&headers, name).as_deref(), Some(text));
        }
        assert_eq!(attachment(&headers, "other"), None);
        assert_eq!(attachment(&headers, "no name\n"), None);
    }

    #[test]
    fn a_spelling_that_cannot_be_read_changes_nothing() {
        for wrong in ["%7B", "[]", "{\"upper-mark\":3}", "null", "%"] {
            let headers = headers(&[("upper-mark", b"three"), (SPELLING, wrong.as_bytes())]);
            assert_eq!(attachments(&headers), [("upper-mark".to_owned(), "three".to_owned())].into());
        }
    }

    proptest! {
        #[test]
        fn nothing_that_comes_can_break_it(name in "[a-z][a-z.-]{0,8}", value: Vec<u8>, said: Vec<u8>) {
            let mut headers = HeaderMap::new();
            let entries = [(name.as_str(), &value), (SPELLING, &said)];
            for (name, value) in entries {
                if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_bytes(value)) {
                    headers.insert(name, value);
                }
            }
            let all = attachments(&headers);
            prop_assert!(all.len() <= 1);
            prop_assert!(all.values().all(|text| attachment(&headers, &name).as_deref() == Some(text.as_str())));
        }
    }
}
