//! Generates the courier.

fn main() -> Result<(), jovian::diag::Diagnostics> {
    jovian::Builder::new().input("proto").generate()
}
