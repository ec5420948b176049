//! The inputs of fuzz targets, for tests that put them to the same code.

/// What the corpus of a target holds.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = format!("{}/../fuzz/corpus/{target}", env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} inputs of {target}", files.len());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}
