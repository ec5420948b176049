//! Generates the services that everybody serves and calls.

fn main() -> Result<(), jovian::diag::Diagnostics> {
    jovian::Builder::new().input("proto").input("rust-proto").generate()
}
