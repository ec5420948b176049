#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| jovian_runtime::fuzzing::zookeeper(bytes));
