//! Plugin.
fn main() {}
