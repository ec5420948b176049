//! The build-script door of Jovian as a program: `jovian-bench-build-script PROTO OUT`.

use std::path::PathBuf;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let proto = arguments.next().context("the folder with the IDL is missing")?;
    let out = arguments.next().context("the folder for the code is missing")?;
    jovian::Builder::new().input(&proto).include(&proto).out_dir(out).generate()?;
    Ok(())
}
