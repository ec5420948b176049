//! What of a call decides which endpoint it goes to.
//!
//! In: a key that its caller gives, the endpoints that it went to before. Out: both, for whoever chooses the next one. Never:
//! what an endpoint is; here it is a number.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::chance::scatter;

/// A number for bytes: the same in every process and every release, and evenly spread (FNV-1a, then splitmix64).
pub(crate) fn hash_of(bytes: &[u8]) -> u64 {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    scatter(bytes.iter().fold(0xCBF2_9CE4_8422_2325, fold))
}

/// The endpoints that a call went to, by their numbers, of which none is 0. It knows the first few: who went to more of them
/// has seen that it is not the endpoint.
#[derive(Debug, Default)]
pub(crate) struct Visited([AtomicU32; 4]);

impl Visited {
    /// Notes that the call goes to an endpoint.
    pub(crate) fn add(&self, number: u32) {
        if let Some(free) = self.0.iter().find(|slot| slot.load(Relaxed) == 0) {
            free.store(number, Relaxed);
        }
    }

    /// Whether the call went there.
    pub(crate) fn has(&self, number: u32) -> bool {
        self.0.iter().map(|slot| slot.load(Relaxed)).take_while(|slot| *slot != 0).any(|slot| slot == number)
    }
}

impl Clone for Visited {
    fn clone(&self) -> Self {
        Self(self.0.each_ref().map(|slot| AtomicU32::new(slot.load(Relaxed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_stay_what_they_are() {
        // Processes of different releases have to agree where a key belongs.
        let known = [
            ("", 577_409_809_830_185_139),
            ("10.1.0.7:9000", 12_101_757_015_835_149_418),
            ("user-42", 10_819_446_058_398_218_315),
        ];
        for (text, hash) in known {
            assert_eq!(hash_of(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn the_first_endpoints_are_known_and_a_copy_has_its_own() {
        let visited = Visited::default();
        assert!(!visited.has(1));
        visited.add(1);
        let copy = visited.clone();
        (2..9).for_each(|number| copy.add(number));
        assert!(visited.has(1) && !visited.has(2));
        assert_eq!((1..9).filter(|number| copy.has(*number)).collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}
