//! Descriptors in one form, whichever compiler made them.
//!
//! In: an encoded `FileDescriptorProto`. Out: the same without source info, the fields of every message in it in the order
//! of their numbers: buf writes custom options before others, protoc behind them. What reflection gives out is part of
//! generated code, and that must not depend on the door.

use super::raw::{Encoded, Fields};

/// The messages of `descriptor.proto` that lead to options.
#[derive(Clone, Copy)]
enum Kind {
    File,
    Message,
    Field,
    Oneof,
    Range,
    Enum,
    Value,
    Service,
    Method,
    Options,
}

/// `FileDescriptorProto.source_code_info`
const SOURCE_INFO: u32 = 9;

impl Kind {
    /// What a field of this message holds, if that matters here. The numbers are those of `descriptor.proto`.
    fn child(self, number: u32) -> Option<Self> {
        Some(match (self, number) {
            (Self::File, 4) | (Self::Message, 3) => Self::Message,
            (Self::File, 7) | (Self::Message, 2 | 6) => Self::Field,
            (Self::Message, 5) => Self::Range,
            (Self::Message, 8) => Self::Oneof,
            (Self::File, 5) | (Self::Message, 4) => Self::Enum,
            (Self::Enum, 2) => Self::Value,
            (Self::File, 6) => Self::Service,
            (Self::Service, 2) => Self::Method,
            (Self::File | Self::Field, 8)
            | (Self::Message, 7)
            | (Self::Oneof, 2)
            | (Self::Range | Self::Enum | Self::Value | Self::Service, 3)
            | (Self::Method, 4) => Self::Options,
            _ => return None,
        })
    }
}

/// The canonical form of an encoded file; one that cannot be decoded is left as it is.
pub(super) fn file(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    message(Kind::File, bytes, &mut out).map_or_else(|| bytes.to_vec(), |()| out)
}

/// Appends a message. Its fields change places only, so what says how long it is remains right.
fn message(kind: Kind, bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut fields = Fields(bytes).collect::<Option<Vec<_>>>()?;
    fields.retain(|field| !matches!((kind, field.number), (Kind::File, SOURCE_INFO)));
    // Stable: what is repeated keeps its order.
    fields.sort_by_key(|field| field.number);
    for Encoded { number, whole, payload, .. } in fields {
        match kind.child(number).zip(payload) {
            Some((child, payload)) => {
                out.extend_from_slice(&whole[..whole.len() - payload.len()]);
                message(child, payload, out)?;
            }
            None => out.extend_from_slice(whole),
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use prost::encoding::{WireType, encode_key, encode_varint};

    use super::*;

    /// A method with `idempotency_level` (34) and an extension (56780), in both orders.
    fn file_with_options(options: &[u8]) -> Vec<u8> {
        let wrap = |number: u32, payload: &[u8]| {
            let mut field = Vec::new();
            encode_key(number, WireType::LengthDelimited, &mut field);
            encode_varint(payload.len() as u64, &mut field);
            field.extend_from_slice(payload);
            field
        };
        let method = [wrap(1, b"Get"), wrap(4, options)].concat();
        let service = [wrap(1, b"S"), wrap(2, &method)].concat();
        [wrap(1, b"a.proto"), wrap(6, &service)].concat()
    }

    #[test]
    fn the_order_of_options_does_not_matter() {
        let (level, extension) = ([0x90, 0x02, 0x01], [0xe2, 0xdc, 0x1b, 0x01, 0x00]);
        let protoc = file_with_options(&[&level[..], &extension[..]].concat());
        let buf = file_with_options(&[&extension[..], &level[..]].concat());
        assert_ne!(protoc, buf);
        assert_eq!(file(&buf), protoc);
        assert_eq!(file(&protoc), protoc);
    }

    #[test]
    fn source_info_is_left_out_and_nonsense_is_left_alone() {
        let plain = file_with_options(&[]);
        let with_info = [plain.as_slice(), &[0x4a, 0x00]].concat();
        assert_eq!(file(&with_info), plain);
        assert_eq!(file(&[0x0a, 0xff]), [0x0a, 0xff]);
    }
}
