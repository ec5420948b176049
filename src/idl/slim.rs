//! Descriptors without the places that nobody asks for: more than half of what a compiler writes is where the type, the number
//! and the label of every field stand.

use prost::bytes::Bytes;
use prost::encoding::{
    DecodeContext, WireType, decode_key, decode_varint, encode_key, encode_varint, skip_field,
};

/// `FileDescriptorProto.source_code_info`
const SOURCE_CODE_INFO: u32 = 9;
/// `SourceCodeInfo.location`
const LOCATION: u32 = 1;
/// `SourceCodeInfo.Location.path`
const PATH: u32 = 1;

/// An encoded `FileDescriptorProto` with the places of things and of their names alone; as it is, if it cannot be read.
pub(super) fn slim(file: Bytes) -> Bytes {
    let Some(fields) = fields(&file) else { return file };
    let mut out = Vec::with_capacity(file.len());
    for field in fields {
        match (field.number, field.payload) {
            (SOURCE_CODE_INFO, Some(info)) => match places(info) {
                Some(places) => put(&mut out, SOURCE_CODE_INFO, &places),
                None => return file,
            },
            _ => out.extend_from_slice(field.whole),
        }
    }
    out.shrink_to_fit();
    out.into()
}

/// A `SourceCodeInfo` with the locations that are asked for.
fn places(info: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(info.len());
    for field in fields(info)? {
        match field.payload.filter(|_| field.number == LOCATION) {
            Some(location) if !is_asked_for(&path(location)?) => {}
            _ => out.extend_from_slice(field.whole),
        }
    }
    Some(out)
}

/// The path of a thing is pairs, of a field's number and an index in it; of its name, a 1 follows. The shortest are of the file.
fn is_asked_for(path: &[u64]) -> bool {
    path.len() < 2 || path.len() % 2 == 0 || path.last() == Some(&1)
}

fn path(location: &[u8]) -> Option<Vec<u64>> {
    let mut path = Vec::new();
    for field in fields(location)?.into_iter().filter(|field| field.number == PATH) {
        // Packed, as every compiler writes it, or one at a time.
        let mut numbers = field.payload.unwrap_or(field.value);
        while !numbers.is_empty() {
            path.push(decode_varint(&mut numbers).ok()?);
        }
    }
    Some(path)
}

/// One field of an encoded message.
struct Field<'a> {
    number: u32,
    /// Its key and its value.
    whole: &'a [u8],
    /// What follows the key.
    value: &'a [u8],
    /// What follows the length, if it has one.
    payload: Option<&'a [u8]>,
}

fn fields(message: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut fields = Vec::new();
    let mut rest = message;
    while !rest.is_empty() {
        let start = rest;
        let (number, wire) = decode_key(&mut rest).ok()?;
        let behind_key = rest;
        let mut payload = None;
        if wire == WireType::LengthDelimited {
            let length = usize::try_from(decode_varint(&mut rest).ok()?).ok()?;
            let (inner, behind) = rest.split_at_checked(length)?;
            (payload, rest) = (Some(inner), behind);
        } else {
            skip_field(wire, number, &mut rest, DecodeContext::default()).ok()?;
        }
        let (whole, value) =
            (&start[..start.len() - rest.len()], &behind_key[..behind_key.len() - rest.len()]);
        fields.push(Field { number, whole, value, payload });
    }
    Some(fields)
}

fn put(out: &mut Vec<u8>, number: u32, payload: &[u8]) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::source_code_info::Location;
    use prost_types::{FileDescriptorProto, SourceCodeInfo};

    use super::*;

    #[test]
    fn things_and_their_names_stay() {
        let at = |path: &[i32]| Location { path: path.to_vec(), span: vec![1, 2, 3], ..Location::default() };
        let file = |paths: &[&[i32]]| FileDescriptorProto {
            name: Some("a.proto".into()),
            package: Some("a".into()),
            source_code_info: Some(SourceCodeInfo { location: paths.iter().map(|path| at(path)).collect() }),
            syntax: Some("proto3".into()),
            ..FileDescriptorProto::default()
        };
        let all = file(&[&[], &[2], &[4, 0], &[4, 0, 1], &[4, 0, 2, 0], &[4, 0, 2, 0, 5], &[4, 0, 2, 0, 1]]);
        let few = file(&[&[], &[2], &[4, 0], &[4, 0, 1], &[4, 0, 2, 0], &[4, 0, 2, 0, 1]]);
        assert_eq!(FileDescriptorProto::decode(slim(all.encode_to_vec().into())), Ok(few));
    }

    #[test]
    fn what_cannot_be_read_stays_as_it_is() {
        let whole = FileDescriptorProto {
            name: Some("a.proto".into()),
            source_code_info: Some(SourceCodeInfo {
                location: vec![Location { path: vec![4, 0, 3], ..Location::default() }],
            }),
            ..FileDescriptorProto::default()
        };
        let whole = Bytes::from(whole.encode_to_vec());
        for length in 0..whole.len() {
            let cut = whole.slice(..length);
            assert!(slim(cut.clone()).len() <= cut.len());
        }
        assert_eq!(slim(Bytes::from_static(&[0x4a, 0x7f, 1])), [0x4a, 0x7f, 1].as_slice());
    }
}
