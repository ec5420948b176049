//! What protoc hands a plugin.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|request: &[u8]| {
    let answer = jovian::plugin::run(request);
    drop(answer.warnings.to_string());
});
