//! The compression of headers, read (RFC 7541).
//!
//! In: header blocks of one connection, in their order. Out: their fields. Never: a panic, or more than the limits
//! allow, whatever is sent.

mod huffman;
mod table;
#[cfg(test)]
mod tests;

use super::Invalid;
use table::Table;

// How a field begins (section 6); below them are literals that nobody remembers.
const INDEXED: u8 = 0x80;
const REMEMBERED: u8 = 0x40;
const RESIZE: u8 = 0x20;

const CUT: Invalid = Invalid("its headers end within a field");

/// Reads the header blocks of one connection. After an error it is out of step with whoever wrote them.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    /// The largest table that there may be.
    max_table: usize,
    /// The largest list of fields, each counted with 32 bytes beside its own.
    max_list: usize,
    // Literals, for as long as they are looked at.
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    pub(super) fn new(max_table: usize, max_list: usize) -> Self {
        Self { table: Table::new(max_table), max_table, max_list, name: Vec::new(), value: Vec::new() }
    }

    /// Shows each field of a block to `see`.
    pub(super) fn decode(&mut self, block: &[u8], mut see: impl FnMut(&[u8], &[u8])) -> Result<(), Invalid> {
        let (mut rest, mut list, max_list) = (block, 0, self.max_list);
        while let Some(first) = rest.first().copied() {
            let (name, value) = match first {
                INDEXED.. => self.table.get(integer(&mut rest, 7)?)?,
                REMEMBERED.. => self.literal(&mut rest, 6)?,
                RESIZE.. => {
                    let size = integer(&mut rest, 5)?;
                    // It stands before all fields (section 4.2), and no field counts nothing.
                    if size > self.max_table || list > 0 {
                        return Err(Invalid("its headers change their table as they may not"));
                    }
                    self.table.resize(size);
                    continue;
                }
                _ => self.literal(&mut rest, 4)?,
            };
            list += table::size(name, value);
            if list > max_list {
                return Err(Invalid("its headers are too large"));
            }
            see(name, value);
            if (REMEMBERED..INDEXED).contains(&first) {
                self.table.insert(&self.name, &self.value);
            }
        }
        Ok(())
    }

    /// A field whose value, at least, is written out.
    fn literal(&mut self, rest: &mut &[u8], prefix: u32) -> Result<(&[u8], &[u8]), Invalid> {
        match integer(rest, prefix)? {
            0 => string(rest, &mut self.name)?,
            index => {
                let (name, _) = self.table.get(index)?;
                self.name.clear();
                self.name.extend_from_slice(name);
            }
        }
        string(rest, &mut self.value)?;
        Ok((&self.name, &self.value))
    }
}

/// A number, of which as much as fits is in the last `prefix` bits of the first byte (section 5.1).
fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, Invalid> {
    const LARGE: Invalid = Invalid("its headers have a number that is too large");
    let most = (1 << prefix) - 1;
    let mut number = u32::from(next(rest)?) & most;
    if number == most {
        // As many bytes as 32 bits can need.
        for shift in (0..).step_by(7).take(5) {
            let byte = next(rest)?;
            let part = u64::from(byte & 0x7f) << shift;
            number = u32::try_from(u64::from(number) + part).map_err(|_| LARGE)?;
            if byte & 0x80 == 0 {
                return usize::try_from(number).map_err(|_| LARGE);
            }
        }
        return Err(LARGE);
    }
    usize::try_from(number).map_err(|_| LARGE)
}

/// A string, plain or in the Huffman code (section 5.2).
fn string(rest: &mut &[u8], text: &mut Vec<u8>) -> Result<(), Invalid> {
    text.clear();
    let is_coded = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (said, later) = rest.split_at_checked(length).ok_or(CUT)?;
    *rest = later;
    if is_coded {
        return huffman::decode(said, text);
    }
    text.extend_from_slice(said);
    Ok(())
}

fn next(rest: &mut &[u8]) -> Result<u8, Invalid> {
    let (first, later) = rest.split_first().ok_or(CUT)?;
    *rest = later;
    Ok(*first)
}

/// Writes a field that is remembered nowhere, in plain bytes (section 6.2.2).
pub(super) fn write_literal(name: &[u8], value: &[u8], block: &mut Vec<u8>) {
    block.push(0);
    for text in [name, value] {
        write_length(text.len(), block);
        block.extend_from_slice(text);
    }
}

fn write_length(length: usize, block: &mut Vec<u8>) {
    const MOST: usize = 0x7f;
    if length < MOST {
        block.push(length as u8);
        return;
    }
    block.push(MOST as u8);
    let mut rest = length - MOST;
    while rest >= 0x80 {
        block.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    block.push(rest as u8);
}
