//! Whom a certificate names.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use webpki::EndEntityCert;

/// The first URI among its alternative names, else the first DNS name, else the common name of its subject.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Arc<str>> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    let name = certificate.valid_uri_names().next().or_else(|| certificate.valid_dns_names().next());
    name.or_else(|| common_name(certificate.subject())).map(Arc::from)
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// UTF8String, PrintableString, IA5String: the strings that are UTF-8.
const STRINGS: [u8; 3] = [0x0c, 0x13, 0x16];
/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 4, 3];

/// The common name in a subject, which is a sequence of sets of pairs (RFC 5280, section 4.1.2.4).
fn common_name(mut subject: &[u8]) -> Option<&str> {
    while let Some((SET, mut set, rest)) = element(subject) {
        subject = rest;
        while let Some((SEQUENCE, pair, rest)) = element(set) {
            set = rest;
            let (tag, kind, value) = element(pair)?;
            if (tag, kind) == (OBJECT_IDENTIFIER, &COMMON_NAME) {
                let (tag, text, _) = element(value)?;
                return STRINGS.contains(&tag).then(|| str::from_utf8(text).ok())?;
            }
        }
    }
    None
}

/// Splits DER into the tag and the content of its first element, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, der) = der.split_first()?;
    let (&length, der) = der.split_first()?;
    let (length, der) = match length {
        0..=0x7f => (usize::from(length), der),
        0x81 => der.split_first().map(|(&length, der)| (usize::from(length), der))?,
        0x82 => der.split_first_chunk().map(|(&length, der)| (u16::from_be_bytes(length).into(), der))?,
        // Nobody's name is longer than 64 KiB.
        _ => return None,
    };
    let (content, rest) = der.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::common_name;

    #[test]
    fn a_common_name_is_found_where_it_belongs() {
        let organisation = [0x31, 11, 0x30, 9, 6, 3, 0x55, 4, 10, 0x0c, 2, b'h', b'i'];
        let name = [0x31, 12, 0x30, 10, 6, 3, 0x55, 4, 3, 0x0c, 3, b'b', b'o', b'b'];
        assert_eq!(common_name(&name), Some("bob"));
        assert_eq!(common_name(&[organisation.as_slice(), &name].concat()), Some("bob"));
        assert_eq!(common_name(&organisation), None);
        // An organisation that calls itself what a common name looks like.
        let mut liar = vec![0x31, 21, 0x30, 19, 6, 3, 0x55, 4, 10, 0x0c, 12];
        liar.extend(&name[2..]);
        assert_eq!(common_name(&liar), None);
        for length in 0..name.len() {
            assert_eq!(common_name(&name[..length]), None, "cut after {length}");
        }
    }
}
