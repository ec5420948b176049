//! Header blocks as clients may write them (RFC 7541): every field in a way that the test chooses.

use std::collections::VecDeque;

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// By its index if the table has it, else so that it will be there.
    Remembered,
    /// A literal.
    Plain,
    /// A literal that nobody may remember.
    Never,
}

/// Some of what everybody knows (appendix A).
const KNOWN: [(usize, &str, &str); 9] = [
    (1, ":authority", ""),
    (3, ":method", "POST"),
    (4, ":path", "/"),
    (6, ":scheme", "http"),
    (15, "accept-charset", ""),
    (16, "accept-encoding", "gzip, deflate"),
    (31, "content-type", ""),
    (32, "cookie", ""),
    (61, "www-authenticate", ""),
];

/// A code of strings.
pub type Code = fn(&[u8]) -> Vec<u8>;

/// One side of a connection: it knows what the other one remembers.
pub struct Encoder {
    table: VecDeque<(Vec<u8>, Vec<u8>)>,
    max: usize,
    /// Codes strings, if it is there; else they are plain.
    pub huffman: Option<Code>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self { table: VecDeque::new(), max: 4096, huffman: None }
    }
}

impl Encoder {
    /// Changes the size of the table, at the beginning of a block.
    pub fn resize(&mut self, max: usize, block: &mut Vec<u8>) {
        integer(0x20, 5, max, block);
        self.max = max;
        self.evict();
    }

    pub fn field(&mut self, name: &[u8], value: &[u8], how: How, block: &mut Vec<u8>) {
        let known = |whole: bool| {
            let known = KNOWN.iter().map(|(index, name, value)| (*index, name.as_bytes(), value.as_bytes()));
            let said = self.table.iter().enumerate();
            let said = said.map(|(place, (name, value))| (62 + place, name.as_slice(), value.as_slice()));
            known
                .chain(said)
                .find(|known| known.1 == name && (!whole || known.2 == value))
                .map(|known| known.0)
        };
        let (first, prefix) = match (how, known(true)) {
            (How::Remembered, Some(index)) => return integer(0x80, 7, index, block),
            (How::Remembered, None) => (0x40, 6),
            (How::Plain, _) => (0, 4),
            (How::Never, _) => (0x10, 4),
        };
        let name_index = known(false).unwrap_or(0);
        integer(first, prefix, name_index, block);
        if name_index == 0 {
            self.string(name, block);
        }
        self.string(value, block);
        if how == How::Remembered {
            self.table.push_front((name.to_vec(), value.to_vec()));
            self.evict();
        }
    }

    fn string(&self, text: &[u8], block: &mut Vec<u8>) {
        match self.huffman {
            Some(huffman) => {
                let coded = huffman(text);
                integer(0x80, 7, coded.len(), block);
                block.extend(coded);
            }
            None => {
                integer(0, 7, text.len(), block);
                block.extend(text);
            }
        }
    }

    fn evict(&mut self) {
        let size = |table: &VecDeque<(Vec<u8>, Vec<u8>)>| {
            table.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>()
        };
        while size(&self.table) > self.max {
            self.table.pop_back();
        }
    }
}

/// A number behind the bits of `first` (section 5.1).
pub fn integer(first: u8, prefix: u32, number: usize, block: &mut Vec<u8>) {
    let most = (1 << prefix) - 1;
    if number < most {
        block.push(first | u8::try_from(number).unwrap());
        return;
    }
    block.push(first | u8::try_from(most).unwrap());
    let mut rest = number - most;
    while rest >= 128 {
        block.push(u8::try_from(rest % 128 + 128).unwrap());
        rest /= 128;
    }
    block.push(u8::try_from(rest).unwrap());
}
