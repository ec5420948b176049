//! Generates the service that every program of the fleet serves and calls.

fn main() -> Result<(), jovian::diag::Diagnostics> {
    jovian::Builder::new().input("proto").generate()
}
