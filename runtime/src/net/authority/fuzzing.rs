//! What is fuzzed of a listening port: bytes that a client sends after its preface. libFuzzer calls it with bytes of its own
//! making (`fuzz/run`), a test with those of the corpus.

use super::{Head, Invalid, Repair, State};

/// Small, so that inputs reach it.
const MOST: usize = 4096;

/// The first byte says whether blocks are written anew from the first one on, the second one into how large pieces the
/// rest is cut. However it is cut, the same comes out; and what was written anew needs no second time.
pub fn authority(input: &[u8]) {
    let Some(([choice, cut], said)) = input.split_first_chunk::<2>() else { return };
    let state = if choice % 2 == 0 { State::Sniffing } else { State::Rewriting };
    let whole = heard(said, said.len().max(1), state);
    assert_eq!(whole, heard(said, usize::from(*cut) + 1, state));
    let (bytes, state, result) = whole;
    match state {
        State::Sniffing | State::Passing => assert_eq!((bytes.as_slice(), result), (said, Ok(()))),
        // One that was empty has become longer.
        State::Rewriting => match heard(&bytes, usize::from(*cut) + 1, State::Rewriting) {
            (again, _, Ok(())) => assert_eq!(again, bytes),
            (again, _, Err(_)) => assert!(bytes.starts_with(&again)),
        },
    }
}

/// What HTTP/2 hears, what the client was found to be, and whether it came to its end.
fn heard(said: &[u8], piece: usize, state: State) -> (Vec<u8>, State, Result<(), Invalid>) {
    let mut repair = Repair::new(b"", MOST);
    repair.state = state;
    let mut heard = Vec::new();
    let mut hear = |repair: &mut Repair| {
        while let Some(bytes) = repair.next()? {
            assert!(!bytes.is_empty());
            heard.extend_from_slice(&bytes);
        }
        assert!(repair.input.len() <= 2 * MOST + Head::LENGTH, "more is held than may be");
        Ok(())
    };
    let mut result = Ok(());
    for piece in said.chunks(piece) {
        repair.input.extend_from_slice(piece);
        result = result.and_then(|()| hear(&mut repair));
    }
    let found = repair.state;
    if result.is_ok() {
        repair.end();
        result = hear(&mut repair);
    }
    (heard, found, result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_input_of_the_corpus_is_survived() {
        crate::corpus::corpus("authority").iter().for_each(|input| authority(input));
    }
}
