//! Metadata of bytes: names that end with `-bin`, values in base64.
//!
//! In: bytes, or headers that came. Out: the other one. What comes may be padded or not, and several values may stand in one
//! header with commas between them, as the specification of gRPC over HTTP/2 allows.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use bytes::Bytes;
use http::HeaderMap;
use tonic::metadata::{Binary, MetadataKey, MetadataMap, MetadataValue};

use super::reserved::is_reserved;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Adds an entry; a name that cannot be sent is a mistake of the program that must not fail the call.
pub(super) fn append_bin(map: &mut MetadataMap, key: &str, value: &[u8]) {
    match MetadataKey::<Binary>::from_bytes(key.as_bytes()) {
        Ok(name) if !is_reserved(key) => {
            map.append_bin(name, MetadataValue::<Binary>::from_bytes(value));
        }
        _ => tracing::warn!(
            key,
            "metadata left out: a name of the protocol, or one that does not end with `-bin`"
        ),
    }
}

/// All values under a name, in their order.
pub(crate) fn values_bin(headers: &HeaderMap, key: &str) -> Vec<Bytes> {
    let values = headers.get_all(key).into_iter();
    let texts = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let decoded = texts.map(|text| BASE64.decode(text.trim_ascii()).map(Bytes::from));
    decoded
        .filter_map(|bytes| bytes.inspect_err(|_| tracing::debug!(key, "metadata that is no base64")).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_in_whichever_way_they_are_written() {
        let mut map = MetadataMap::new();
        append_bin(&mut map, "x-token-bin", b"\0\xff\xfe\n=");
        append_bin(&mut map, "x-token-bin", b"");
        for written in ["AP8=", "AP8", "AQ==, Ag,,Aw==", "no base64!"] {
            map.as_mut().append("x-token-bin", written.parse().unwrap());
        }
        let expected: [&[u8]; 8] = [b"\0\xff\xfe\n=", b"", b"\0\xff", b"\0\xff", &[1], &[2], b"", &[3]];
        assert_eq!(values_bin(map.as_ref(), "x-token-bin"), expected);
        assert!(
            values_bin(map.as_ref(), "x-other-bin").is_empty()
                && values_bin(map.as_ref(), "no name").is_empty()
        );
    }

    #[test]
    fn a_name_that_is_none_is_left_out() {
        let mut map = MetadataMap::new();
        for wrong in ["x-token", "grpc-trace-bin", "no name-bin", "", "-bin\n"] {
            append_bin(&mut map, wrong, b"value");
        }
        assert!(map.is_empty(), "{map:?}");
    }
}
