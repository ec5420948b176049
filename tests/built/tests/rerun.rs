//! What the build script tells cargo.

use std::fs;
use std::path::Path;

/// Cargo keeps the output of a build script beside `OUT_DIR`.
#[test]
fn cargo_is_told_what_to_watch() {
    let output = Path::new(jovian_tests_built::OUT_DIR).with_file_name("output");
    let output = fs::read_to_string(output).expect("the output of the build script");
    let watched: Vec<&str> =
        output.lines().filter_map(|line| line.strip_prefix("cargo::rerun-if-changed=")).collect();
    for file in [
        "orders/proto",
        "orders/proto/shop/orders/v1/orders.proto",
        "orders/proto/shop/common/v1/money.proto",
    ] {
        assert!(watched.iter().any(|path| path.ends_with(file)), "{file} is not watched:\n{output}");
    }
    // Nothing that this crate does not depend on, and nothing that is not there, which would rerun it every time.
    for path in watched {
        assert!(path.contains("/cases/") && Path::new(path).exists(), "{path}");
    }
}
