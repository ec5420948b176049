//! Bytes of a descriptor set.

#![no_main]

use jovian::settings::Settings;
use jovian::{Input, generate};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let input = Input::DescriptorSet { bytes: bytes.to_vec(), files: Vec::new() };
    match generate(&input, &Settings::default()) {
        Ok(output) => drop(output.warnings.to_string()),
        Err(diags) => assert!(diags.has_errors() && !diags.to_string().is_empty()),
    }
});
