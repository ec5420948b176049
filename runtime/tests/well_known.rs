//! Reflection answers with protobuf's own files, too; the crate carries them in bytes. `BLESS=1` renews them.

use std::path::Path;
use std::{ascii, env, fs};

const HEADING: &str =
    "//! protobuf's own files, which generated code leaves out: an encoded `FileDescriptorSet`.
//! `tests/well_known.rs` writes it.

pub(super) const WELL_KNOWN: &[u8] =
";

#[test]
fn they_are_the_parsers_own() {
    let names = [
        "any",
        "api",
        "compiler/plugin",
        "descriptor",
        "duration",
        "empty",
        "field_mask",
        "source_context",
        "struct",
        "timestamp",
        "type",
        "wrappers",
    ];
    let mut compiler = protox::Compiler::with_file_resolver(protox::file::GoogleFileResolver::new());
    compiler.include_imports(true).include_source_info(false);
    compiler.open_files(names.map(|name| format!("google/protobuf/{name}.proto"))).unwrap();
    let escaped: String = compiler
        .encode_file_descriptor_set()
        .into_iter()
        .flat_map(ascii::escape_default)
        .map(char::from)
        .collect();
    let expected = format!("{HEADING}    b\"{escaped}\";\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/reflection/well_known.rs");
    if env::var_os("BLESS").is_some() {
        fs::write(&file, &expected).unwrap();
    }
    assert!(fs::read_to_string(&file).unwrap() == expected, "BLESS=1 renews {}", file.display());
}
