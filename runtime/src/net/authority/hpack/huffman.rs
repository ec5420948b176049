//! The Huffman code of strings (RFC 7541, section 5.2 and appendix B).

use crate::net::authority::Invalid;

/// How many bits the code of each byte has, and that of the end of a string, which is the last one.
///
/// The code is canonical: codes of one length are numbers that follow each other in the order of their symbols, and
/// shorter ones come first. So the lengths say all of it.
#[rustfmt::skip]
const LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

const SHORTEST: usize = 5;
const LONGEST: usize = 30;

/// The codes, by length.
struct Codes {
    /// All symbols in the order of their codes.
    symbols: [u16; 257],
    /// Of each length the first code, and where in `symbols` it is.
    first: [(u32, usize); LONGEST + 1],
    /// Of each length the last 32 bits that begin with a code of it, or of a shorter one.
    last: [u32; LONGEST + 1],
}

static CODES: Codes = codes();

const fn codes() -> Codes {
    let mut codes = Codes { symbols: [0; 257], first: [(0, 0); LONGEST + 1], last: [0; LONGEST + 1] };
    let (mut code, mut count, mut length) = (0_u64, 0, SHORTEST);
    while length <= LONGEST {
        code <<= 1;
        codes.first[length] = (code as u32, count);
        let mut symbol = 0;
        while symbol < LENGTHS.len() {
            if LENGTHS[symbol] as usize == length {
                codes.symbols[count] = symbol as u16;
                count += 1;
                code += 1;
            }
            symbol += 1;
        }
        codes.last[length] = ((code << (32 - length)) - 1) as u32;
        length += 1;
    }
    codes
}

/// Adds to `text` what `coded` says.
///
/// # Errors
///
/// Fails when it ends within a code, has more padding than it needs, or padding that is none.
pub(super) fn decode(coded: &[u8], text: &mut Vec<u8>) -> Result<(), Invalid> {
    let mut rest = coded.iter();
    // The first `count` of them are those that were read and not decoded.
    let (mut bits, mut count) = (0_u64, 0_usize);
    loop {
        while count < 32
            && let Some(byte) = rest.next()
        {
            bits |= u64::from(*byte) << (56 - count);
            count += 8;
        }
        // Behind the end are ones, as in the padding.
        let word = ((bits | u64::MAX >> count) >> 32) as u32;
        let mut length = SHORTEST;
        // The last one of all is larger than any word.
        while word > CODES.last[length] {
            length += 1;
        }
        if length > count {
            let padding = count < 8 && word == u32::MAX;
            return if padding { Ok(()) } else { Err(Invalid("a string ends within a character")) };
        }
        let (first, at) = CODES.first[length];
        let code = word >> (32 - length);
        match u8::try_from(CODES.symbols[at + (code - first) as usize]) {
            Ok(byte) => text.push(byte),
            Err(_) => return Err(Invalid("a string has an end within")),
        }
        bits <<= length;
        count -= length;
    }
}

/// The code of `text`, for tests.
#[cfg(test)]
pub(super) fn encode(text: &[u8]) -> Vec<u8> {
    let code = |byte: u8| {
        let length = usize::from(LENGTHS[usize::from(byte)]);
        let (first, at) = CODES.first[length];
        let place = CODES.symbols[at..].iter().position(|symbol| *symbol == u16::from(byte)).unwrap();
        (first + u32::try_from(place).unwrap(), length)
    };
    let mut bits: Vec<bool> = Vec::new();
    for byte in text {
        let (code, length) = code(*byte);
        bits.extend((0..length).rev().map(|bit| code >> bit & 1 == 1));
    }
    bits.resize(bits.len().next_multiple_of(8), true);
    bits.chunks(8).map(|bits| bits.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect()
}
