//! How messages are compressed.
//!
//! In: the bytes of one message. Out: the same, packed or unpacked. Unpacking stops at a limit, so that a small message cannot
//! become a large one. The names are those of gRPC's `grpc-encoding` (its document `compression.md`).

use std::cell::RefCell;
use std::io::{self, Read as _};

use flate2::read::MultiGzDecoder;
use flate2::{Compress, Compression, Crc, FlushCompress, Status as Deflated};
use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use serde::{Deserialize, Serialize};

/// Says how the messages of a call are compressed, if they are.
pub(crate) const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");

/// Says what its sender can read.
pub(crate) const ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// A way to compress messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Encoding {
    /// `gzip`: what every implementation of gRPC understands.
    Gzip,
    /// `zstd`: faster and smaller, and understood by fewer. It takes the feature `zstd`.
    #[cfg(feature = "zstd")]
    Zstd,
}

impl Encoding {
    /// All that this build understands.
    pub const ALL: &'static [Self] = &[
        Self::Gzip,
        #[cfg(feature = "zstd")]
        Self::Zstd,
    ];

    /// Its name in `grpc-encoding`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            #[cfg(feature = "zstd")]
            Self::Zstd => "zstd",
        }
    }

    /// The encoding of that name, if this build understands it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|encoding| encoding.name() == name)
    }

    /// What `grpc-encoding` says of a call: nothing, or an encoding; one that nobody here understands is the error.
    pub(crate) fn of(headers: &HeaderMap) -> Result<Option<Self>, &HeaderValue> {
        match headers.get(ENCODING) {
            None => Ok(None),
            Some(name) if name == "identity" => Ok(None),
            Some(name) => name.to_str().ok().and_then(Self::from_name).map(Some).ok_or(name),
        }
    }

    pub(crate) const fn header(self) -> HeaderValue {
        HeaderValue::from_static(self.name())
    }

    /// Packs what `buffer` holds from `start` on, in its place, unless that would not make it smaller. Says whether it did.
    pub(crate) fn pack(self, buffer: &mut Vec<u8>, start: usize) -> bool {
        PACKER.with_borrow_mut(|packer| {
            let plain = buffer.get(start..).unwrap_or_default();
            packer.room.clear();
            packer.room.reserve(plain.len());
            let smaller = self.packed(packer, plain) && packer.room.len() < plain.len();
            if smaller {
                buffer.truncate(start);
                buffer.extend_from_slice(&packer.room);
            }
            packer.room.shrink_to(KEPT);
            smaller
        })
    }

    /// Whether it fits into the room that there is.
    fn packed(self, packer: &mut Packer, plain: &[u8]) -> bool {
        match self {
            Self::Gzip => gzip(&mut packer.deflate, plain, &mut packer.room),
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let zstd = packer.zstd.get_or_insert_with(zstd::bulk::Compressor::default);
                zstd.compress_to_buffer(plain, &mut packer.room).is_ok()
            }
        }
    }

    /// Unpacks a message; `None` when there is more of it than `limit` bytes.
    pub(crate) fn unpack(self, packed: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
        let mut plain = Vec::new();
        let more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
        match self {
            Self::Gzip => MultiGzDecoder::new(packed).take(more).read_to_end(&mut plain)?,
            #[cfg(feature = "zstd")]
            Self::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
                decoder.window_log_max(WINDOW_LOG)?;
                decoder.take(more).read_to_end(&mut plain)?
            }
        };
        Ok((plain.len() <= limit).then_some(plain))
    }
}

/// The largest window that a zstd frame may ask for: the 8 MiB that RFC 8878 recommends, and not the 128 of the library.
#[cfg(feature = "zstd")]
const WINDOW_LOG: u32 = 23;

/// What a thread keeps to pack the next message with. A compressor is some hundred KiB, and made for each message it would
/// cost as much as the message.
struct Packer {
    deflate: Compress,
    #[cfg(feature = "zstd")]
    zstd: Option<zstd::bulk::Compressor<'static>>,
    room: Vec<u8>,
}

/// The room that a thread keeps; what a large message took more is given back.
const KEPT: usize = 64 * 1024;

thread_local! {
    static PACKER: RefCell<Packer> = RefCell::new(Packer {
        deflate: Compress::new(Compression::default(), false),
        #[cfg(feature = "zstd")]
        zstd: None,
        room: Vec::new(),
    });
}

/// A gzip member (RFC 1952) without a name and a time, of an unknown system.
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

fn gzip(deflate: &mut Compress, plain: &[u8], room: &mut Vec<u8>) -> bool {
    room.extend_from_slice(&GZIP_HEADER);
    deflate.reset();
    // Without a reallocation: it stops where the room ends, and then it is no smaller than it was.
    if !matches!(deflate.compress_vec(plain, room, FlushCompress::Finish), Ok(Deflated::StreamEnd)) {
        return false;
    }
    let mut crc = Crc::new();
    crc.update(plain);
    room.extend_from_slice(&crc.sum().to_le_bytes());
    room.extend_from_slice(&crc.amount().to_le_bytes());
    true
}

/// What a peer can read, by its `grpc-accept-encoding`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted(u8);

impl Accepted {
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut accepted = Self::default();
        for value in headers.get_all(ACCEPT_ENCODING) {
            for name in value.to_str().unwrap_or_default().split(',') {
                accepted.0 |= Encoding::from_name(name.trim()).map_or(0, |encoding| 1 << encoding as u8);
            }
        }
        accepted
    }

    pub(crate) fn contains(self, encoding: Encoding) -> bool {
        self.0 & (1 << encoding as u8) != 0
    }

    /// What this side reads, for the header.
    pub(crate) const fn ours() -> HeaderValue {
        if cfg!(feature = "zstd") {
            HeaderValue::from_static("identity,gzip,zstd")
        } else {
            HeaderValue::from_static("identity,gzip")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(encoding: Encoding, plain: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = b"head".to_vec();
        buffer.extend_from_slice(plain);
        let smaller = encoding.pack(&mut buffer, 4);
        assert_eq!(&buffer[..4], b"head");
        assert!(smaller || buffer[4..] == *plain, "it is left as it was");
        smaller.then(|| buffer[4..].to_vec())
    }

    #[test]
    fn what_is_packed_is_smaller_and_comes_back() {
        for encoding in Encoding::ALL.iter().copied() {
            for size in [64, 1000, 40_000, 1 << 20] {
                let plain: Vec<u8> = (0..size).map(|n: usize| u8::try_from(n / 7 % 50).unwrap()).collect();
                let packed = packed(encoding, &plain).unwrap_or_else(|| panic!("{encoding:?} of {size}"));
                assert!(packed.len() < plain.len(), "{encoding:?} of {size}");
                assert_eq!(encoding.unpack(&packed, size).unwrap().as_deref(), Some(&*plain));
                assert_eq!(encoding.unpack(&packed, size - 1).unwrap(), None, "over the limit");
                for cut in [0, 1, packed.len() / 2, packed.len() - 1] {
                    assert!(encoding.unpack(&packed[..cut], size).is_err(), "{encoding:?} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_smaller_is_left_alone() {
        // A generator of numbers, as packed as can be.
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            state.to_be_bytes()[0]
        })
        .take(5000)
        .collect();
        for encoding in Encoding::ALL.iter().copied() {
            assert_eq!(packed(encoding, &noise), None, "{encoding:?}");
            assert_eq!(packed(encoding, b""), None, "{encoding:?}");
        }
    }

    #[test]
    fn a_peer_says_what_it_reads() {
        let accepted = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            Accepted::of(&headers).contains(Encoding::Gzip)
        };
        assert!(accepted(&["identity, deflate, gzip"]) && accepted(&["gzip"]) && accepted(&["br", "gzip"]));
        assert!(!accepted(&[]) && !accepted(&["identity"]) && !accepted(&["xgzip,gzipx"]));
    }

    #[test]
    fn an_encoding_is_named_or_refused() {
        let of = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(ENCODING, HeaderValue::from_static(value));
            Encoding::of(&headers).map_err(|unknown| unknown.to_str().unwrap().to_owned())
        };
        assert_eq!(of("gzip"), Ok(Some(Encoding::Gzip)));
        assert_eq!(of("identity"), Ok(None));
        assert_eq!(of("snappy"), Err("snappy".to_owned()));
        assert_eq!(Encoding::of(&HeaderMap::new()), Ok(None));
        for encoding in Encoding::ALL {
            assert!(Accepted::ours().to_str().unwrap().split(',').any(|name| name == encoding.name()));
        }
    }
}
