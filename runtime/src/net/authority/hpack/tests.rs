//! Blocks as the RFC has them, as a writer may write them, and as nobody should.

use proptest::prelude::*;

use super::huffman;
use super::table::size;
use super::{Decoder, Invalid, integer, write_literal};

// The writer shares nothing with the reader but the code of strings, which is held against that of h2 elsewhere.
#[path = "../../../../tests/support/hpack.rs"]
#[allow(unreachable_pub, missing_docs, reason = "tests of the whole use it, too")]
mod writer;
use writer::{Encoder, How};

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Fields, Invalid> {
    let mut fields = Fields::new();
    decoder.decode(block, |name, value| fields.push((name.to_vec(), value.to_vec())))?;
    Ok(fields)
}

fn fields(text: &str) -> Fields {
    let field = |line: &str| {
        let (name, value) = line.trim().split_once(": ").unwrap();
        (name.into(), value.into())
    };
    text.lines().map(field).collect()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<_> = hex.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&String::from_iter(pair), 16).unwrap()).collect()
}

fn reads(decoder: &mut Decoder, hex: &str, expected: &str, table: usize) {
    assert_eq!(decode(decoder, &bytes(hex)).unwrap(), fields(expected));
    assert_eq!(decoder.table.size, table, "{expected}");
}

/// Appendices C.3 and C.4: the same three requests, plain and in the Huffman code.
#[test]
fn requests_of_the_rfc() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let coded = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new(4096, 4096);
        let first = ":method: GET\n:scheme: http\n:path: /\n:authority: www.example.com";
        reads(&mut decoder, blocks[0], first, 57);
        reads(&mut decoder, blocks[1], &format!("{first}\ncache-control: no-cache"), 110);
        let third = ":method: GET\n:scheme: https\n:path: /index.html\n:authority: www.example.com\ncustom-key: custom-value";
        reads(&mut decoder, blocks[2], third, 164);
    }
}

/// Appendices C.5 and C.6: responses with a table of 256 bytes, which has to forget.
#[test]
fn responses_of_the_rfc() {
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
         546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
         6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
         2076 6572 7369 6f6e 3d31",
    ];
    let coded = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
         8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
         dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new(256, 4096);
        let rest =
            "cache-control: private\ndate: Mon, 21 Oct 2013 20:13:21 GMT\nlocation: https://www.example.com";
        reads(&mut decoder, blocks[0], &format!(":status: 302\n{rest}"), 222);
        reads(&mut decoder, blocks[1], &format!(":status: 307\n{rest}"), 222);
        let third = ":status: 200\ncache-control: private\ndate: Mon, 21 Oct 2013 20:13:22 GMT
            location: https://www.example.com\ncontent-encoding: gzip
            set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";
        reads(&mut decoder, blocks[2], third, 215);
    }
}

/// Appendix C.1, and the largest and smallest of each kind.
#[test]
fn numbers() {
    let read = |hex: &str, prefix| {
        let bytes = bytes(hex);
        let mut rest = bytes.as_slice();
        integer(&mut rest, prefix).map(|number| (number, rest.len()))
    };
    assert_eq!(read("0a", 5), Ok((10, 0)));
    assert_eq!(read("1f9a0a", 5), Ok((1337, 0)));
    assert_eq!(read("2a", 7), Ok((42, 0)));
    assert_eq!(read("ff80808080 00 11", 7), Ok((127, 1)), "as many bytes as there may be");
    assert_eq!(read("7f80ffffff0f", 7), Ok((u32::MAX as usize, 0)));
    for wrong in ["", "7f", "7f80", "7f81ffffff0f", "7fffffffff7f", "7f808080808000"] {
        assert!(read(wrong, 7).is_err(), "{wrong}");
    }
}

#[test]
fn strings_have_the_padding_that_they_need() {
    let read = |hex: &str| {
        let mut text = Vec::new();
        huffman::decode(&bytes(hex), &mut text).map(|()| String::from_utf8(text).unwrap())
    };
    assert_eq!(read("").unwrap(), "");
    assert_eq!(read("1f").unwrap(), "a", "three ones");
    // 0 is five zeros: eight of them fill five bytes.
    assert_eq!(read("0000000000").unwrap(), "00000000");
    assert!(read("1e").is_err() && read("18").is_err(), "a zero in it");
    assert!(read("ff").is_err() && read("1fff").is_err(), "a whole byte of it");
    assert!(read("fffffffc").is_err() && read("1fffffffff").is_err(), "the end of a string in it");
    let all: Vec<u8> = (0..=255).collect();
    let mut text = Vec::new();
    huffman::decode(&huffman::encode(&all), &mut text).unwrap();
    assert_eq!(text, all);
}

#[test]
fn what_cannot_be_is_refused() {
    let wrong = [
        ("80", "the index 0"),
        ("be", "what was not said"),
        ("7e 01 61", "a name that was not said"),
        ("40 01", "a cut name"),
        ("40 01 61 05 61", "a cut value"),
        ("40", "no name"),
        ("3f", "a cut size"),
        ("3f e2 1f", "a table of 4097"),
        ("82 20", "a size behind a field"),
    ];
    for (hex, what) in wrong {
        assert!(decode(&mut Decoder::new(4096, 4096), &bytes(hex)).is_err(), "{what}");
    }
    // Two sizes, as section 4.2 asks for, and the largest one.
    assert_eq!(decode(&mut Decoder::new(4096, 4096), &bytes("20 3f e1 1f 82")).unwrap().len(), 1);
}

/// A byte may stand for four thousand: they are counted as they are found.
#[test]
fn a_list_is_as_large_as_it_may_be() {
    let mut encoder = Encoder::default();
    let mut block = Vec::new();
    encoder.field(b"x", &[b'y'; 1000], How::Remembered, &mut block);
    let each = size(b"x", &[b'y'; 1000]);
    block.extend([0xbe; 9]);
    assert_eq!(decode(&mut Decoder::new(4096, 10 * each), &block).unwrap().len(), 10);
    let mut seen = 0;
    block.extend([0xbe; 1000]);
    Decoder::new(4096, 10 * each).decode(&block, |_, _| seen += 1).unwrap_err();
    assert_eq!(seen, 10);
}

fn how() -> impl Strategy<Value = How> {
    prop_oneof![4 => Just(How::Remembered), 1 => Just(How::Plain), 1 => Just(How::Never)]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    let some = ["a", ":authority", "cookie", ":path", "/", "x-lane", "gzip, deflate"].map(|text| text.into());
    prop_oneof![
        3 => prop::sample::select(some.to_vec()),
        2 => prop::collection::vec(any::<u8>(), 0..300),
    ]
}

type Block = (Vec<usize>, bool, Vec<(Vec<u8>, Vec<u8>, How)>);

/// A block: changes of the table, whether strings are coded, and fields.
fn block() -> impl Strategy<Value = Block> {
    let fields = prop::collection::vec((text(), text(), how()), 0..12);
    (prop::collection::vec(0..=4096_usize, 0..2), any::<bool>(), fields)
}

proptest! {
    #[test]
    fn what_was_written_is_read(blocks in prop::collection::vec(block(), 1..20)) {
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::new(4096, 16 << 10));
        for (sizes, coded, said) in blocks {
            let mut block = Vec::new();
            encoder.huffman = if coded { Some(huffman::encode) } else { None };
            sizes.into_iter().for_each(|size| encoder.resize(size, &mut block));
            for (name, value, how) in &said {
                encoder.field(name, value, *how, &mut block);
            }
            let said: Fields = said.into_iter().map(|(name, value, _)| (name, value)).collect();
            prop_assert_eq!(decode(&mut decoder, &block).unwrap(), said);
            prop_assert!(decoder.table.size <= decoder.table.max);
        }
    }

    #[test]
    fn what_is_written_anew_is_read(said in prop::collection::vec((text(), text()), 0..12)) {
        let mut block = Vec::new();
        said.iter().for_each(|(name, value)| write_literal(name, value, &mut block));
        let mut decoder = Decoder::new(4096, 16 << 10);
        prop_assert_eq!(decode(&mut decoder, &block).unwrap(), said);
        prop_assert_eq!(decoder.table.size, 0);
    }

    /// Whatever comes, it ends, and within the limits.
    #[test]
    fn noise_is_survived(blocks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..8)) {
        let mut decoder = Decoder::new(4096, 4096);
        for block in blocks {
            let mut list = 0;
            let _refused = decoder.decode(&block, |name, value| list += size(name, value));
            prop_assert!(list <= 4096 && decoder.table.size <= 4096);
        }
    }
}
