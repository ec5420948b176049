//! The `grpc-timeout` header.
//!
//! In: a header value or a duration. Out: the other one. A value is at most 8 digits and a unit.

use std::io::Write as _;
use std::time::Duration;

use http::HeaderValue;

/// The header that carries what is left of a deadline.
pub(crate) const GRPC_TIMEOUT: &str = "grpc-timeout";

const MAX_DIGITS: u128 = 99_999_999;

/// Reads a header value; `None` for one that the specification does not allow, which is then ignored.
pub(crate) fn parse(value: &HeaderValue) -> Option<Duration> {
    let (unit, digits) = value.as_bytes().split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let amount = digits.iter().fold(0_u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    match unit {
        b'H' => Some(Duration::from_secs(amount * 3600)),
        b'M' => Some(Duration::from_secs(amount * 60)),
        b'S' => Some(Duration::from_secs(amount)),
        b'm' => Some(Duration::from_millis(amount)),
        b'u' => Some(Duration::from_micros(amount)),
        b'n' => Some(Duration::from_nanos(amount)),
        _ => None,
    }
}

/// Writes a duration in the finest unit that fits, rounded down: a callee is never told of more time than there is.
pub(crate) fn format(left: Duration) -> HeaderValue {
    let seconds = left.as_secs();
    let units = [
        (left.as_micros(), 'u'),
        (left.as_millis(), 'm'),
        (seconds.into(), 'S'),
        ((seconds / 60).into(), 'M'),
        ((seconds / 3600).into(), 'H'),
    ];
    let fits = units.into_iter().find(|(amount, _)| *amount <= MAX_DIGITS);
    let (amount, unit) = fits.unwrap_or((MAX_DIGITS, 'H'));
    // Every call has one: there is no need of a string for it.
    let mut text = [0; 9];
    let mut rest = text.as_mut_slice();
    let written = write!(rest, "{amount}{unit}").map(|()| 9 - rest.len());
    let value = written.ok().and_then(|length| HeaderValue::from_bytes(text.get(..length)?).ok());
    value.unwrap_or(const { HeaderValue::from_static("99999999H") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_read() {
        let read = |text: &'static str| parse(&HeaderValue::from_static(text));
        assert_eq!(read("2H"), Some(Duration::from_secs(7200)));
        assert_eq!(read("3M"), Some(Duration::from_secs(180)));
        assert_eq!(read("4S"), Some(Duration::from_secs(4)));
        assert_eq!(read("500m"), Some(Duration::from_millis(500)));
        assert_eq!(read("7u"), Some(Duration::from_micros(7)));
        assert_eq!(read("99999999n"), Some(Duration::from_nanos(99_999_999)));
        for wrong in ["", "S", "5", "-5S", "123456789S", "5x", "1.5S", "5 S"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn writing_rounds_down_and_stays_short() {
        assert_eq!(format(Duration::from_nanos(1_999)), "1u");
        assert_eq!(format(Duration::from_millis(300)), "300000u");
        assert_eq!(format(Duration::from_secs(100)), "100000m");
        assert_eq!(format(Duration::from_secs(100_000)), "100000S");
        assert_eq!(format(Duration::MAX), "99999999H");
        for left in [1, 99_999_999, 100_000_000, 1 << 40] {
            let left = Duration::from_micros(left);
            let back = parse(&format(left)).unwrap();
            assert!(back <= left && back + Duration::from_secs(1) > left, "{left:?}");
        }
    }
}
