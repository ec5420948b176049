//! `SourceCodeInfo` of descriptor.proto, as bytes: which of its locations are asked for, and what they say.
//!
//! In: encoded files. Out: the same without the places that nobody asks for, which are more than half of them; and the
//! [`Locations`] of a file.

use prost::bytes::Bytes;
use prost::encoding::{WireType, decode_varint, encode_key, encode_varint};

use super::raw::{Encoded, Fields};
use crate::model::Locations;

/// `FileDescriptorProto.source_code_info`
const SOURCE_CODE_INFO: u32 = 9;
/// `SourceCodeInfo.location`
const LOCATION: u32 = 1;
/// The fields of `SourceCodeInfo.Location`.
const PATH: u32 = 1;
const SPAN: u32 = 2;
const LEADING_COMMENTS: u32 = 3;
const TRAILING_COMMENTS: u32 = 4;

/// An encoded `FileDescriptorProto` with the places of things and of their names alone; as it is, if it cannot be read.
pub(super) fn slim(file: Bytes) -> Bytes {
    slimmed(&file).map_or(file, Bytes::from)
}

fn slimmed(file: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(file.len());
    for field in Fields(file) {
        let field = field?;
        match field.payload.filter(|_| field.number == SOURCE_CODE_INFO) {
            Some(info) => {
                let places = places(info)?;
                encode_key(SOURCE_CODE_INFO, WireType::LengthDelimited, &mut out);
                encode_varint(places.len() as u64, &mut out);
                out.extend_from_slice(&places);
            }
            None => out.extend_from_slice(field.whole),
        }
    }
    out.shrink_to_fit();
    Some(out)
}

/// A `SourceCodeInfo` with the locations that are asked for.
fn places(info: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(info.len());
    let mut path = Vec::new();
    for field in Fields(info) {
        let field = field?;
        if let Some(location) = field.payload.filter(|_| field.number == LOCATION) {
            path.clear();
            for field in Fields(location) {
                let field = field?;
                if field.number == PATH {
                    numbers(&field, &mut path)?;
                }
            }
            if !is_asked_for(&path) {
                continue;
            }
        }
        out.extend_from_slice(field.whole);
    }
    Some(out)
}

/// The path of a thing is pairs, of a field's number and an index in it; of its name, a 1 follows. The shortest are of the file.
fn is_asked_for(path: &[i32]) -> bool {
    path.len() < 2 || path.len().is_multiple_of(2) || path.last() == Some(&1)
}

/// What an encoded file says of its places; nothing of what cannot be read. `shown` is the file as a person would open it.
pub(super) fn locations(file: &[u8], shown: &str) -> Locations {
    let mut locations = Locations::new(shown);
    let (mut path, mut span) = (Vec::new(), Vec::new());
    let payloads = |message, number| {
        let fields = Fields(message).flatten().filter(move |field: &Encoded<'_>| field.number == number);
        fields.filter_map(|field| field.payload)
    };
    for location in payloads(file, SOURCE_CODE_INFO).flat_map(|info| payloads(info, LOCATION)) {
        path.clear();
        span.clear();
        let (mut leading, mut trailing) = ("", "");
        for field in Fields(location).flatten() {
            let text = || field.payload.and_then(|payload| str::from_utf8(payload).ok()).unwrap_or_default();
            match field.number {
                PATH => numbers(&field, &mut path).unwrap_or_default(),
                SPAN => numbers(&field, &mut span).unwrap_or_default(),
                LEADING_COMMENTS => leading = text(),
                TRAILING_COMMENTS => trailing = text(),
                _ => {}
            }
        }
        locations.add(&path, &span, if leading.trim().is_empty() { trailing } else { leading });
    }
    locations.sorted()
}

/// The numbers of a repeated field: packed, as every compiler writes them, or one at a time.
fn numbers(field: &Encoded<'_>, to: &mut Vec<i32>) -> Option<()> {
    let mut encoded = field.payload.unwrap_or(field.value);
    while !encoded.is_empty() {
        // An `int32` is encoded as the 64 bits it would have as an `int64`.
        to.push(decode_varint(&mut encoded).ok()? as i32);
    }
    Some(())
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
