//! The names of the gRPC codes, for logs, metrics and configuration.
//!
//! In: a code or a name. Out: the other one, as `google/rpc/code.proto` has it: `NOT_FOUND`.

use tonic::Code;

/// By number.
const NAMES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// How many codes there are; their numbers are those below.
pub(crate) const COUNT: usize = NAMES.len();

/// The name of a code.
pub(crate) fn name(code: Code) -> &'static str {
    NAMES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

/// The code of a name.
pub(crate) fn named(name: &str) -> Option<Code> {
    let number = (0..).zip(NAMES).find(|(_, known)| *known == name)?.0;
    Some(Code::from_i32(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_name() {
        for number in 0..17 {
            let code = Code::from_i32(number);
            assert_eq!(named(name(code)), Some(code));
        }
        assert_eq!((name(Code::NotFound), name(Code::Unauthenticated)), ("NOT_FOUND", "UNAUTHENTICATED"));
        assert_eq!((named("not_found"), named("SOME")), (None, None));
    }
}
