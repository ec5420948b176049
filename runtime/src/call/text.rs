//! Text in headers, in whichever encoding it came.
//!
//! In: the bytes of a header, or a text. Out: the text, or what stands for it where only letters and digits may stand. Never: a
//! failure; bytes that are no UTF-8 are Latin-1.

use std::borrow::Cow;

/// UTF-8 if it is; else Latin-1, as Dubbo for Java writes what is not ASCII.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(bytes.iter().copied().map(char::from).collect()),
    }
}

/// The bytes of a text in which some stand as `%2B`; a `%` that stands for nothing stays.
pub(crate) fn percent_decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let pair = digit(after.first()).zip(digit(after.get(1)));
        match pair.and_then(|(high, low)| u8::try_from(high * 16 + low).ok()) {
            Some(byte) if *first == b'%' => {
                decoded.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(decoded)
}

/// A text of which only letters and digits of ASCII stand for themselves.
pub(crate) fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            for half in [byte >> 4, byte & 0xf] {
                encoded.push(char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase());
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in any::<String>()) {
            let encoded = percent_encoded(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'%'));
            let decoded = percent_decoded(encoded.as_bytes());
            prop_assert_eq!(text_of(&decoded), text);
        }

        #[test]
        fn any_bytes_are_text(bytes in any::<Vec<u8>>()) {
            let text = text_of(&percent_decoded(&bytes)).into_owned();
            prop_assert!(text.chars().count() <= bytes.len());
        }
    }

    #[test]
    fn what_is_no_utf8_is_latin_1() {
        assert_eq!(text_of(b"gr\xf6\xdfe"), "größe");
        assert_eq!(text_of("größe".as_bytes()), "größe");
        assert_eq!(percent_decoded(b"100%25 %zz %4"), b"100% %zz %4".as_slice());
        assert_eq!(percent_encoded("1+1 %"), "1%2B1%20%25");
    }
}
