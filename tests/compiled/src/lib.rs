//! The output of every case, as a user compiles it: no warning of rustc, clippy or rustdoc, and no dependency but the runtime.

#![deny(warnings, missing_docs, unused, rust_2018_idioms, clippy::all, rustdoc::all)]
#![allow(rustdoc::missing_crate_level_docs, reason = "the cases are modules")]

include!(concat!(env!("OUT_DIR"), "/cases.rs"));

include!("by_hand.rs");

#[cfg(test)]
#[allow(deprecated, reason = "the case has a deprecated message")]
mod tests {
    use super::secrets::secrets::account::{Card, Contact};
    use super::secrets::secrets::{Account, Kind, Old};

    #[test]
    fn debug_keeps_secrets() {
        let card = Contact::Card(Card { numbers: vec!["4000".into()], r#type: 1 });
        let account = |contact| Account {
            name: "a".into(),
            password: "hidden".into(),
            kind: Kind::Unspecified.into(),
            contact: Some(contact),
        };
        let text = format!("{:?} {:?}", account(card), account(Contact::Mail("a@example.com".into())));
        assert!(text.contains("name: \"a\"") && text.contains("type: 1"), "{text}");
        assert!(text.contains("password: [redacted]") && text.contains("Mail([redacted])"), "{text}");
        assert!(!["hidden", "4000", "example"].iter().any(|secret| text.contains(secret)), "{text}");
        let old = Old { key: Some(b"key".to_vec()) };
        assert_eq!(format!("{old:?}"), "Old { key: [redacted] }");
    }
}
